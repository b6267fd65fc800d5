"""Every founder against an independent solution after one Lyapunov time: `python -m benchmarks.oracle_states`."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.condition import condition, scaled_error
from benchmarks.oracle import heyoka, taylor_states, true_states
from benchmarks.oracle_states import PATH
from benchmarks.subjects import Subject, subject
from panda.config.founder_names import without_delay
from panda.core.files import read_json

from ...conftest import preset_config

ORACLE = read_json(PATH)["founders"]
ROUNDING = 1e-15
"""What a float64 method may lose at each of its steps, relative to the state."""
JUMPS = {"AnishchenkoAstakhov", "Colpitts", "FluidTrampoline", "SprottMore", "StickSlipOscillator"}
"""Right-hand sides with a sign or a step: across a jump an error estimate has no order to go by."""
needs_heyoka = pytest.mark.skipif(heyoka is None, reason="heyoka is not installed (extra `oracle`)")


@pytest.fixture(scope="module")
def founders(library) -> dict[str, Subject]:
    # Those with delay have an integrator and a reference of their own: test_delay.py.
    return {name: subject(library, (name,)) for name in without_delay(library.names)}


@pytest.fixture(scope="module")
def errors(founders):
    """Errors of all founders at a tolerance, in units of their size."""

    @cache
    def at(rtol: float) -> dict[str, float]:
        return {
            name: scaled_error(
                s.run(s.member, ORACLE[name]["time"], 2, rtol=rtol).states[0, -1],
                np.array(ORACLE[name]["state"]),
                np.array(ORACLE[name]["size"]),
            )
            for name, s in founders.items()
        }

    return at


@pytest.fixture(scope="module")
def conditions(founders) -> dict[str, float]:
    return {
        name: condition(s, ORACLE[name]["time"], np.array(ORACLE[name]["size"]))
        for name, s in founders.items()
    }


def test_the_oracle_knows_every_founder_and_goes_to_its_lyapunov_time(founders):
    assert sorted(ORACLE) == sorted(founders)
    for name, s in founders.items():
        assert ORACLE[name]["time"] == pytest.approx(s.lyapunov_time, rel=1e-14)
        assert s.smooth or ORACLE[name]["method"] == "DOP853"
    # Beside those with kinks, one whose Taylor series meets 0 / 0.
    assert [n for n, s in founders.items() if s.smooth and ORACLE[n]["method"] != "Taylor"] == [
        "ExcitableCell"
    ]


def test_the_tolerances_here_are_the_configured_ones():
    settings = preset_config("paper").discover.search.integration
    assert (settings.rtol, settings.atol) == (1e-9, 1e-10)


def test_errors_are_the_tolerance_times_the_condition_of_the_problem(errors, conditions):
    """No founder ends farther from the truth than 40 local errors grown as much as an error can grow."""
    too_large = {
        name: (error, conditions[name])
        for name, error in errors(1e-9).items()
        if not error < 40 * 1e-9 * max(1.0, conditions[name])
    }
    assert too_large == {}


def test_the_worst_founder_is_badly_conditioned(errors, conditions):
    ranked = sorted(errors(1e-9), key=errors(1e-9).get, reverse=True)
    assert ranked[0] == "LiuChen" and conditions["LiuChen"] > 1e6
    assert errors(1e-9)["LiuChen"] < 1e-3
    assert all(errors(1e-9)[name] < 2e-6 for name in ranked[1:])


def test_errors_fall_with_the_tolerance_down_to_rounding(errors, conditions):
    """A wrong coefficient or a loose kink would leave an error that no tolerance removes."""
    stuck = {
        name: (errors(1e-9)[name], error)
        for name, error in errors(1e-12).items()
        if not error
        < max(
            errors(1e-9)[name] / (10 if name in JUMPS else 100), 300 * ROUNDING * max(1.0, conditions[name])
        )
    }
    assert stuck == {}


@needs_heyoka
def test_heyoka_in_float64_gives_the_stored_states(founders):
    wrong = {}
    for name, s in founders.items():
        entry = ORACLE[name]
        if entry["method"] == "Taylor":
            states = taylor_states(s, np.array([0.0, entry["time"]]), np.float64)
            error = scaled_error(states[-1], np.array(entry["state"]), np.array(entry["size"]))
            if not error < 10 * entry["float64_error"] + 1e-13:
                wrong[name] = error
    assert wrong == {}


@pytest.mark.parametrize(
    "names", [("Lorenz", "HyperRossler"), ("HyperRossler", "Lorenz"), ("Chua", "Rossler")]
)
def test_skew_products_agree_with_the_oracle(library, names):
    # More, and fewer, coordinates in the driver than in the response; and a driver with kinks.
    pair = subject(library, names)
    times = np.linspace(0, pair.lyapunov_time, 20)
    truth, method = true_states(pair, times)
    assert method == ("DOP853" if heyoka is None or "Chua" in names else "Taylor")
    states = pair.run(pair.member, times[-1], 20, rtol=1e-13).states[0]
    np.testing.assert_allclose(states, truth, rtol=1e-10, atol=1e-10)


@needs_heyoka
def test_a_series_that_meets_a_removable_singularity_gives_way_to_runge_kutta(founders):
    cell = founders["ExcitableCell"]
    states, method = true_states(cell, np.array([0.0, 0.3]))
    assert method == "DOP853"
    ours = cell.run(cell.member, 0.3, 2, rtol=1e-13).states[0, -1]
    np.testing.assert_allclose(states[-1], ours, rtol=1e-9)
