"""The search: stored members keep their bits, and no candidate depends on its neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config import Gallery
from panda.core.errors import PandaError
from panda.discovery.catalogue.gallery import gallery
from panda.discovery.search.candidates import Group
from panda.discovery.search.draw import draw_members
from panda.discovery.search.search import integrate_members, search
from panda.discovery.search.select import INCOMPLETE, acceptance, select
from panda.integration.trajectories import Length, regenerate
from panda.invariants.signature import signature
from panda.systems.members import COLUMNS, flow_of, from_rows, to_columns

PAIR = Group("Lorenz", "Rossler", 5)
ALONE = Group("Lorenz", "", 3)
SEED = 11


@pytest.fixture(scope="session")
def found(library, measures, settings) -> pd.DataFrame:
    return search(library, measures, [ALONE, PAIR], settings, SEED)


@pytest.fixture(scope="session")
def catalogue(found, smoke) -> pd.DataFrame:
    founders = smoke.discover.founders.model_copy(update={"held_out": ("Rossler",), "validation": ()})
    return select(found, smoke.discover.select, founders)


def amplitudes(measures) -> dict[str, np.ndarray]:
    return {row.founder: np.asarray(row.flow_rms) for row in measures.itertuples()}


def test_members_survive_the_catalogue_bit_for_bit(library, measures, settings, tmp_path):
    flow = flow_of(library, "Lorenz", "Rossler")
    drawn = draw_members(flow, PAIR, settings, amplitudes(measures), SEED)
    path = tmp_path / "members.parquet"
    pd.DataFrame(to_columns(drawn)).to_parquet(path)
    back = from_rows(pd.read_parquet(path))
    for column in COLUMNS:
        assert np.array_equal(getattr(back, column), getattr(drawn, column))


def test_a_member_does_not_depend_on_how_many_there_are(library, measures, settings):
    flow = flow_of(library, "Lorenz", "Rossler")
    few, many = (
        draw_members(flow, Group("Lorenz", "Rossler", n), settings, amplitudes(measures), SEED)
        for n in (2, 5)
    )
    for column in COLUMNS:
        assert np.array_equal(getattr(few, column), getattr(many, column)[:2])


def test_a_founder_without_parameters_is_searched_once(library, measures, settings):
    flow = flow_of(library, "SprottA", "")
    assert flow.driver.n_parameters == 0
    assert len(draw_members(flow, Group("SprottA", "", 5), settings, amplitudes(measures), SEED)) == 1
    found = search(library, measures, [Group("SprottA", "", 5)], settings, SEED)
    assert found["system"].tolist() == ["SprottA-pp0"]


def test_a_shear_flow_grows_as_the_shear_exponent_says(found, settings):
    complete = found[found["status"] == "complete"]
    t0, t = settings.exponent.transient_periods, settings.exponent.n_periods
    expected = np.log((t0 + t) / t0) / (t * complete["period"])
    np.testing.assert_allclose(complete["shear_exponent"], expected)
    assert found.loc[found["status"] != "complete", "shear_exponent"].isna().all()


def test_groups_searched_apart_give_the_same_bits(library, measures, settings, found):
    apart = pd.concat(
        [search(library, measures, [group], settings, SEED) for group in (ALONE, PAIR)], ignore_index=True
    )
    assert found.to_parquet() == apart.to_parquet()


def test_shards_of_failures_alone_select_like_one_table(found, smoke, tmp_path):
    # A file in which every list is empty or NaN once lost the lists' type, and could not be selected from.
    parts = []
    for i in range(len(found)):
        path = tmp_path / f"{i}.parquet"
        found.iloc[[i]].to_parquet(path, index=False)
        parts.append(pd.read_parquet(path))
    whole = tmp_path / "whole.parquet"
    found.to_parquet(whole, index=False)
    discover = smoke.discover
    one = select(pd.read_parquet(whole), discover.select, discover.founders)
    many = select(pd.concat(parts, ignore_index=True), discover.select, discover.founders)
    assert one.to_parquet() == many.to_parquet()


def test_rejected_candidates_are_stored_too(found):
    assert len(found) == ALONE.n_members + PAIR.n_members
    complete = found["status"] == "complete"
    assert complete.any()
    assert found.loc[complete, "max_zscore"].notna().all()
    assert found.loc[~complete, "max_zscore"].isna().all()
    assert (found["signature"].map(len) > 0).equals(complete)


def test_stored_signatures_are_those_of_the_stored_trajectories(library, settings, catalogue):
    rows = catalogue[catalogue["status"] == "complete"]
    once = dict.fromkeys(rows["system"], 1)
    shape = settings.statistics.signature.model_dump()
    stored = dict(zip(rows["system"], rows["signature"], strict=True))
    for one in regenerate(library, rows, Length(settings.integration), n_initial_conditions=once, seed=SEED):
        again = signature(one.series, **shape).features
        np.testing.assert_allclose(stored[one.row["system"]], again, rtol=1e-6, atol=1e-7)


def test_giving_up_early_spares_regular_candidates_and_changes_no_chaotic_one(library, measures, settings):
    # At these parameters some of Lorenz' perturbations are fixed points or cycles.
    many, exponent = Group("Lorenz", "", 12), settings.exponent
    patient = exponent.model_copy(
        update={"n_periods": 30, "transient_periods": 10, "n_blocks": 10, "early_blocks": 10}
    )
    early, whole = (
        search(
            library,
            measures,
            [many],
            settings.model_copy(
                update={"exponent": patient.model_copy(update={"early_blocks": n}), "n_perturbations": 12}
            ),
            SEED,
        )
        for n in (2, 10)
    )
    # The less time, the more shear alone would show.
    stopped = early["shear_exponent"] > whole["shear_exponent"]
    assert stopped.any()
    assert (whole.loc[stopped, "largest_exponent"] * whole.loc[stopped, "period"] < patient.early_rate).all()
    columns = ["largest_exponent", "exponent_error", "shear_exponent"]
    pd.testing.assert_frame_equal(early.loc[~stopped, columns], whole.loc[~stopped, columns])


def test_a_held_out_founder_makes_a_test_system(catalogue):
    assert (catalogue.loc[catalogue["response"] == "Rossler", "split"] == "test").all()
    assert (catalogue.loc[catalogue["response"] == "", "split"] == "train").all()


def test_acceptance_adds_up(catalogue, smoke):
    table = acceptance(catalogue, smoke.discover.select.before_following())
    for population, rows in table.groupby("population"):
        mine = catalogue[catalogue["population"] == population]
        assert rows["n_in"].iloc[0] == len(mine)
        assert rows["n_passed"].iloc[-1] == mine["certified"].sum()
        assert (rows["n_in"].iloc[1:].to_numpy() == rows["n_passed"].iloc[:-1].to_numpy()).all()
        assert (rows["n_accepted"] == mine["accepted"].sum()).all()
        for end in INCOMPLETE:
            assert rows[f"n_{end}"].sum() == rows[f"n_{end}"].iloc[0] == (mine["status"] == end).sum()


def test_a_system_in_two_shards_is_refused(found, smoke):
    with pytest.raises(PandaError, match="two candidate shards"):
        select(pd.concat([found, found]), smoke.discover.select, smoke.discover.founders)


def test_regenerated_trajectories_are_the_searched_ones(library, measures, settings, catalogue):
    rows = catalogue[catalogue["status"] == "complete"]
    n = dict.fromkeys(rows["system"], 3)
    flow = flow_of(library, "Lorenz", "")
    integration = settings.integration
    states = integrate_members(flow, from_rows(rows[rows["name"] == "Lorenz"]), integration).states
    seen = 0
    found = regenerate(library, rows, Length(integration), n_initial_conditions=n, seed=SEED)
    for row, index, dt, _, series in found:
        assert dt == row["dt"]
        assert series.shape == (row["dimension"], integration.kept_points)
        if row["system"] == "Lorenz-pp0":
            seen += 1
            first = states[0, integration.transient_points :].T
            if index == 0:
                assert np.array_equal(series, first)
            else:
                # It starts on the first one's attractor; its transient is dropped: only bounds can be told.
                assert np.abs(series).max() < 1.5 * np.abs(first).max()
    assert seen == 3


def test_a_catalogue_of_other_code_is_refused(library, settings, catalogue):
    rows = catalogue[catalogue["status"] == "complete"].head(1)
    starved = settings.integration.model_copy(update={"max_steps": 3})
    with pytest.raises(PandaError, match="catalogue says complete"):
        one = {rows["system"].iloc[0]: 1}
        list(regenerate(library, rows, Length(starved), n_initial_conditions=one, seed=0))


def test_the_gallery_shows_founders_first(library, settings, catalogue):
    shown = gallery(
        library,
        catalogue,
        Gallery(n_systems=2, n_founders=1, n_perturbations=2),
        settings.integration,
        SEED,
    )
    assert list(shown["perturbation_founders"]) == ["Lorenz"]
    assert shown["perturbations"].shape == (1, 3, settings.integration.kept_points, 3)
    assert np.isfinite(shown["perturbations"][0, 0]).all()
    assert len(shown["attractors"]) == len(shown["attractor_names"]) <= 1


def test_the_gallery_gives_exponents_per_period(library, settings, catalogue):
    complete = (catalogue["population"] == "skew") & (catalogue["status"] == "complete")
    accepted = catalogue.assign(accepted=complete)
    shown = gallery(
        library, accepted, Gallery(n_systems=1, n_founders=1, n_perturbations=1), settings.integration, SEED
    )
    row = accepted[accepted["accepted"]].sort_values("system").iloc[0]
    assert shown["attractor_exponents"] == pytest.approx([row["largest_exponent"] * row["period"]])
    assert shown["attractor_errors"] == pytest.approx([row["exponent_error"] * row["period"]])
