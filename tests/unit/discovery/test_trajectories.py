"""Trajectories from a catalogue: periods drawn from a range, longer ones, starts on the attractor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.core.errors import PandaError
from panda.integration.trajectories import Length, draw_starts, regenerate

SEED = 5


@pytest.fixture(scope="module")
def integration(settings):
    return settings.integration


def series_of(library, rows, length, n=1, seed=SEED):
    counts = dict.fromkeys(rows["system"], n)
    return {
        (one.row["system"], one.initial_condition): one
        for one in regenerate(library, rows, length, n_initial_conditions=counts, seed=seed)
    }


def test_drawn_periods_are_of_the_range_and_of_the_system_alone(integration):
    length = Length(integration, n_periods=(5, 9))
    drawn = {(s, i): length.periods(s, i, SEED) for s in map(str, range(40)) for i in range(4)}
    assert set(drawn.values()) == set(range(5, 10))
    # Each initial condition draws its own, unlike in the reference.
    assert any(len({drawn[str(s), i] for i in range(4)}) > 1 for s in range(40))
    assert all(length.periods(s, i, SEED) == n for (s, i), n in drawn.items())
    assert drawn != {(s, i): length.periods(s, i, SEED + 1) for s, i in drawn}


def test_a_range_of_one_number_is_that_number_of_periods(library, founder_rows, integration):
    rows = founder_rows("Lorenz")
    n = integration.n_periods
    plain = series_of(library, rows, Length(integration))
    fixed = series_of(library, rows, Length(integration, n_periods=(n, n)))
    for key, one in plain.items():
        assert np.array_equal(one.series, fixed[key].series) and one.dt == fixed[key].dt


def test_the_time_step_is_that_of_the_drawn_periods(library, founder_rows, integration):
    rows = founder_rows("Lorenz")
    found = series_of(library, rows, Length(integration, n_periods=(6, 18)), n=4)
    assert len({one.dt for one in found.values()}) > 2
    sigma = rows["driver_parameters"][0][2]  # beta, rho, sigma
    for one in found.values():
        x, y, _ = one.series
        # The slope of (x(t + dt) - x(t - dt)) / (2 dt) against dx/dt = sigma (y - x) is 1 if dt is right.
        measured, exact = (x[2:] - x[:-2]) / (2 * one.dt), sigma * (y - x)[1:-1]
        assert measured @ exact / (exact @ exact) == pytest.approx(1, abs=0.05)


def test_a_longer_trajectory_begins_as_the_stored_one(library, founder_rows, integration):
    rows = founder_rows("Lorenz", "Rossler")
    n = 2 * integration.kept_points
    short = series_of(library, rows, Length(integration))
    long = series_of(library, rows, Length(integration, kept_points=n))
    for key, one in short.items():
        assert long[key].series.shape == (3, n)
        assert long[key].dt == one.dt
        # The same steps of the integrator: only the grid of output times is rounded anew.
        np.testing.assert_allclose(
            long[key].series[:, : one.series.shape[1]], one.series, rtol=1e-9, atol=1e-9
        )


def test_periods_and_starts_do_not_depend_on_neighbours(library, founder_rows, integration):
    length = Length(integration, n_periods=(6, 12))
    both = series_of(library, founder_rows("Lorenz", "Rossler"), length, n=2)
    for name in ("Lorenz", "Rossler"):
        for key, one in series_of(library, founder_rows(name), length, n=2).items():
            assert np.array_equal(both[key].series, one.series)


def test_further_starts_are_different_states_of_the_first_trajectory():
    kept = np.random.default_rng(0).normal(size=(50, 4))
    starts = draw_starts(kept, 50, system="A-pp1", seed=SEED)
    assert {tuple(row) for row in starts} == {tuple(row) for row in kept}
    few = draw_starts(kept, 5, system="A-pp1", seed=SEED)
    assert not np.array_equal(few, draw_starts(kept, 5, system="A-pp2", seed=SEED))
    with pytest.raises(PandaError, match="A-pp1: 51 further initial conditions"):
        draw_starts(kept, 51, system="A-pp1", seed=SEED)


def test_every_start_lies_on_the_attractor(library, founder_rows, integration):
    # Without a transient the first stored point is the start itself: a point of the first trajectory.
    no_transient = integration.model_copy(update={"transient_points": 0, "n_points": 512, "n_periods": 4})
    rows = founder_rows("Lorenz")
    found = series_of(library, rows, Length(no_transient), n=5)
    first = found["Lorenz-pp0", 0].series.T
    for i in range(1, 5):
        one = found["Lorenz-pp0", i]
        assert np.array_equal(one.start, one.series[:, 0])
        assert (first == one.start).all(axis=1).any()


def test_a_system_that_escapes_with_other_periods_is_left_out(library, founder_rows, integration):
    starved = integration.model_copy(update={"max_steps": 150})
    rows = founder_rows("Lorenz")
    with pytest.raises(PandaError, match="catalogue says complete"):
        series_of(library, rows, Length(starved))
    assert series_of(library, rows, Length(starved, n_periods=(12, 12))) == {}
    # What was imported was never searched here: it may fail without the catalogue being wrong.
    assert series_of(library, rows.assign(status="imported"), Length(starved)) == {}


def test_the_budget_grows_with_the_duration(integration):
    assert Length(integration).max_steps == integration.max_steps
    double = (2 * integration.n_periods, 2 * integration.n_periods)
    assert Length(integration, n_periods=double).max_steps == 2 * integration.max_steps
    assert Length(integration, n_periods=(1, 1)).max_steps == integration.max_steps


def test_rows_are_a_copy_of_the_catalogue(library, founder_rows, integration):
    rows = founder_rows("Lorenz")
    before = rows.copy(deep=True)
    series_of(library, rows, Length(integration), n=2)
    pd.testing.assert_frame_equal(rows, before)
