"""Limit cycles of the textbooks at any size, period and phase of the sampling, and chaos beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from panda.invariants.periodicity import return_distance

SETTINGS = {"left_behind": 0.25, "n_returns": 2, "share": 0.95}
THRESHOLD = 3e-3
N_POINTS = 4096


def van_der_pol(mu):
    return lambda t, q: [q[1], mu * (1 - q[0] ** 2) * q[1] - q[0]]


def roessler(c):
    return lambda t, q: [-q[1] - q[2], q[0] + 0.2 * q[1], 0.2 + q[2] * (q[0] - c)]


def lorenz(r):
    return lambda t, q: [10 * (q[1] - q[0]), r * q[0] - q[1] - q[0] * q[2], q[0] * q[1] - 8 / 3 * q[2]]


def duffing(t, q):
    return [q[1], -0.3 * q[1] + q[0] - q[0] ** 3 + 0.2 * np.cos(1.2 * t)]


# The flow, its start, its period (of the whole cycle, to a few percent), and a transient in these.
CYCLES = {
    "van der Pol, mu = 1": (van_der_pol(1.0), [2.0, 0.0], 6.663, 40),
    "van der Pol, mu = 10: jumps of a sample": (van_der_pol(10.0), [2.0, 0.0], 19.08, 10),
    "FitzHugh-Nagumo": (
        lambda t, q: [(q[0] - q[0] ** 3 / 3 - q[1] + 0.5) / 0.08, q[0] + 0.7 - 0.8 * q[1]],
        [0.0, 0.0],
        3.0,
        30,
    ),
    "Brusselator": (
        lambda t, q: [1 + q[0] ** 2 * q[1] - 4 * q[0], 3 * q[0] - q[0] ** 2 * q[1]],
        [1.0, 1.0],
        7.16,
        40,
    ),
    "Rossler, c = 2.5": (roessler(2.5), [1.0, 1.0, 0.0], 5.75, 100),
    "Rossler, period 2": (roessler(3.5), [1.0, 1.0, 0.0], 11.6, 50),
    "Rossler, period 4": (roessler(4.0), [1.0, 1.0, 0.0], 23.2, 100),
    "Lorenz, r = 160": (lorenz(160.0), [1.0, 1.0, 20.0], 1.152, 100),
    "Lorenz, r = 100.5": (lorenz(100.5), [1.0, 1.0, 20.0], 1.096, 150),
    "Duffing, forced": (duffing, [1.0, 0.0], 2 * np.pi / 1.2, 60),
}
CHAOS = {
    "Rossler, c = 5.7": (roessler(5.7), [1.0, 1.0, 0.0], 5.86, 30),
    "Rossler, c = 4.3: just past the doublings, bands": (roessler(4.3), [1.0, 1.0, 0.0], 5.8, 100),
    "Lorenz, r = 28": (lorenz(28.0), [1.0, 1.0, 20.0], 0.75, 30),
}


@pytest.fixture(scope="module")
def orbits():
    """Dense solutions over 100 periods after the transient, one for each name."""
    found = {}

    def orbit(name: str):
        if name not in found:
            flow, start, period, transient = (CYCLES | CHAOS)[name]
            end = (transient + 100) * period
            options = {"method": "DOP853", "rtol": 1e-9, "atol": 1e-10, "dense_output": True}
            solution = solve_ivp(flow, (0.0, end), start, **options).sol
            found[name] = (solution, transient * period, period)
        return found[name]

    return orbit


def sampled(orbit, n_periods: float, phase: float, scale: float = 1.0):
    solution, start, period = orbit
    times = start + period * (phase + np.linspace(0.0, n_periods, N_POINTS))
    return scale * solution(times)


@pytest.mark.parametrize("name", CYCLES)
@settings(max_examples=8, deadline=None)
@given(n_periods=st.floats(4.0, 60.0), phase=st.floats(0.0, 1.0), exponent=st.integers(-12, 12))
def test_a_cycle_is_told_at_any_size_length_and_phase(orbits, name, n_periods, phase, exponent):
    x = sampled(orbits(name), n_periods, phase, 10.0**exponent)
    assert return_distance(x, **SETTINGS) < THRESHOLD / 1.5


@pytest.mark.parametrize("name", CHAOS)
@settings(max_examples=8, deadline=None)
@given(n_periods=st.floats(20.0, 60.0), phase=st.floats(0.0, 1.0), exponent=st.integers(-12, 12))
def test_chaos_is_none(orbits, name, n_periods, phase, exponent):
    x = sampled(orbits(name), n_periods, phase, 10.0**exponent)
    assert return_distance(x, **SETTINGS) > 2 * THRESHOLD


def test_two_frequencies_return_as_near_as_they_fit_together():
    t = np.arange(N_POINTS)
    golden = (1 + np.sqrt(5)) / 2
    torus = np.stack([np.sin(0.05 * t), np.sin(0.05 * golden * t), np.cos(0.05 * t)])
    # 21 turns of one are 13 turns of the other to 1 in 47: sin(2 pi / 47 / 2) in one of three coordinates.
    assert 0.02 < return_distance(torus, **SETTINGS) < 0.2
    assert return_distance(np.stack([np.sin(0.05 * t), np.sin(0.1 * t)]), **SETTINGS) < 1e-4


def test_fast_cycles_on_a_slow_drift_are_not_taken_for_one():
    t = np.arange(N_POINTS)
    walk = np.cumsum(np.random.default_rng(0).standard_normal(N_POINTS)) / 64
    smooth = np.convolve(walk, np.hanning(301) / 150, mode="same")
    fast = np.stack([np.sin(0.5 * t), np.cos(0.5 * t), smooth])
    assert return_distance(fast, **SETTINGS) > 10 * THRESHOLD


def test_the_unit_of_each_coordinate_and_constants_do_not_matter(orbits):
    x = sampled(orbits("Rossler, c = 5.7"), 30.0, 0.3)
    expected = return_distance(x, **SETTINGS)
    mixed = x * np.array([[1e-9], [1.0], [3e8]]) + np.array([[0.0], [2.0], [0.0]])
    assert return_distance(mixed, **SETTINGS) == pytest.approx(expected, rel=1e-6)
    constant = np.vstack([x, np.full((1, N_POINTS), 7.0)])
    assert return_distance(constant, **SETTINGS) == pytest.approx(expected, rel=1e-12)


def test_a_series_without_a_return_is_far_from_itself():
    assert return_distance(np.arange(100.0)[None], **SETTINGS) == 1.0
    assert return_distance(np.exp(-np.arange(400.0) / 50)[None], **SETTINGS) == 1.0


@pytest.mark.parametrize(
    "x", [np.zeros((2, 100)), np.ones((1, 5)), np.full((1, 50), np.nan), np.zeros((0, 50))]
)
def test_what_has_no_distance_is_undefined(x):
    assert np.isnan(return_distance(x, **SETTINGS))
