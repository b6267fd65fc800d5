"""The trust horizon: shorter for a looser run, endless for regular motion, of a size that theory gives."""

from __future__ import annotations

import numpy as np
import pytest

from panda.config import Trust
from panda.integration.trajectories import Length, regenerate
from panda.integration.trust import COLUMNS, summary_line, trust_horizons, trust_table


@pytest.fixture(scope="module")
def trust(smoke) -> Trust:
    return smoke.integrate.trust


@pytest.fixture(scope="module")
def integration(smoke):
    """Twenty periods at the density of the paper."""
    shorter = {"n_points": 2560, "n_periods": 20, "transient_points": 512}
    return smoke.discover.search.integration.model_copy(update=shorter)


def table_of(library, rows, integration, trust, n=1):
    counts = dict.fromkeys(rows["system"], n)
    found = regenerate(library, rows, Length(integration), n_initial_conditions=counts, seed=3)
    return trust_table(row for _, row in trust_horizons(library, found, integration, trust))


def test_chaos_ends_trust_where_its_exponent_says(library, founder_rows, integration, trust):
    table = table_of(library, founder_rows("Lorenz"), integration, trust, n=3)
    assert list(table.columns) == list(COLUMNS)
    assert not table["trusted_to_the_end"].any()
    assert (table["trust_time"] == (table["trust_points"] - 1) * table["dt"]).all()
    # Errors of about 1e-9 of the attractor grow to 1e-6 of it in ln(1e3) = 7 Lyapunov times; the method's
    # real error is smaller than its tolerance, and growth is uneven.
    assert table["trust_lyapunov_times"].between(4, 20).all()


def test_a_looser_run_is_trusted_for_less(library, founder_rows, integration, trust):
    rows, times = founder_rows("Lorenz"), []
    for rtol in (1e-10, 1e-8, 1e-6):
        run = integration.model_copy(update={"rtol": rtol, "atol": rtol / 10})
        times.append(table_of(library, rows, run, trust)["trust_time"].iloc[0])
    assert times[0] > times[1] > times[2]


def test_regular_motion_is_trusted_to_its_end(library, founder_rows, integration, trust):
    # A torus, whose forcing reads the time itself: both integrations must start at the same phase.
    table = table_of(library, founder_rows("Torus"), integration, trust)
    assert table["trusted_to_the_end"].all()
    assert (table["trust_points"] == integration.kept_points).all()


def test_a_comparison_that_fails_ends_trust_and_nothing_else(library, founder_rows, integration, trust):
    starved = trust.model_copy(update={"max_steps": 20})
    table = table_of(library, founder_rows("Lorenz"), integration, starved)
    assert 1 <= table["trust_points"].iloc[0] < 200


def test_trajectories_pass_through_in_order(library, founder_rows, integration, trust):
    rows = founder_rows("Rossler", "Lorenz", "Thomas")
    counts = dict.fromkeys(rows["system"], 2)

    def fresh():
        return regenerate(library, rows, Length(integration), n_initial_conditions=counts, seed=3)

    passed = list(trust_horizons(library, fresh(), integration, trust))
    for one, (same, row) in zip(fresh(), passed, strict=True):
        assert np.array_equal(one.series, same.series)
        assert (row["system"], row["initial_condition"]) == (one.row["system"], one.initial_condition)


def test_an_unknown_exponent_gives_points_but_no_lyapunov_times(library, founder_rows, integration, trust):
    table = table_of(library, founder_rows("Lorenz").assign(largest_exponent=np.nan), integration, trust)
    assert table["trust_points"].iloc[0] > 1 and table["trust_lyapunov_times"].isna().all()
    assert "median unknown in Lyapunov times" in summary_line(table)


def test_a_table_of_nothing_has_its_columns_and_one_line(tmp_path):
    table = trust_table([])
    assert list(table.columns) == list(COLUMNS) and table["trust_points"].dtype == np.int64
    assert "no test trajectory" in summary_line(table)
