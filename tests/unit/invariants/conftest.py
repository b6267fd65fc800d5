"""Series with known behaviour, the production settings, and the verdicts they give."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from panda.invariants.boundedness import boundedness, largest_deviation
from panda.invariants.fixed_point import relative_tail_step, tail_step
from panda.invariants.linearity import linearity, straightness
from panda.invariants.periodicity import return_distance
from panda.invariants.recurrence import recurrence
from panda.invariants.spectrum import spectrum
from panda.invariants.stationarity import stationarity
from panda.invariants.zero_one import zero_one

FREQUENCY_RANGE = (np.pi / 5, 4 * np.pi / 5)
PERIODICITY = {"left_behind": 0.25, "n_returns": 2, "share": 0.95}
ZERO_ONE = {"n_delays": 50, "n_bins": 64, "n_smoothing": 3, "shift_share": 0.1}


def lorenz(n_points: int, *, dt: float = 0.02, n_dropped: int = 500) -> np.ndarray:
    """(3, n_points) of the Lorenz system by classical Runge-Kutta in plain float arithmetic."""

    def flow(s):
        x, y, z = s
        return np.array([10.0 * (y - x), x * (28.0 - z) - y, x * y - (8.0 / 3.0) * z])

    state, rows = np.array([1.0, 1.0, 20.0]), []
    for _ in range(n_points + n_dropped):
        a = flow(state)
        b = flow(state + 0.5 * dt * a)
        c = flow(state + 0.5 * dt * b)
        d = flow(state + dt * c)
        state = state + dt / 6.0 * (a + 2.0 * b + 2.0 * c + d)
        rows.append(state)
    return np.array(rows[n_dropped:]).T.copy()


def logistic(n_points: int) -> np.ndarray:
    """(1, n_points) of x -> 3.9 x (1 - x)."""
    x = np.empty(n_points)
    x[0] = 0.4
    for t in range(1, n_points):
        x[t] = 3.9 * x[t - 1] * (1.0 - x[t - 1])
    return x[None]


def autoregression(
    n_points: int, *, coefficients: tuple[float, ...] = (0.5, 0.99), seed: int = 0
) -> np.ndarray:
    """(len(coefficients), n_points) of x_t = c x_{t-1} + noise."""
    noise = np.random.default_rng(seed).standard_normal((len(coefficients), n_points))
    x = np.zeros_like(noise)
    for t in range(1, n_points):
        x[:, t] = np.array(coefficients) * x[:, t - 1] + noise[:, t]
    return x


def make_series() -> dict[str, np.ndarray]:
    """The named series of these tests, each (dimension, time)."""
    t = np.arange(1200.0)
    return {
        "lorenz": lorenz(1500),
        "logistic": logistic(1000),
        "autoregression": autoregression(1200),
        # The period is a whole number of samples, so that the cycle closes up to rounding and a small drift.
        "limit_cycle": np.stack([np.cos(2 * np.pi * t / 150), np.sin(2 * np.pi * t / 150)])
        * (1.0 + 1e-5 * t / 1200),
        "torus": np.stack([np.sin(0.11 * t), np.sin(0.11 * np.sqrt(2.0) * t), np.cos(0.11 * t)]),
        "spiral_in": np.exp(-t / 60.0) * np.stack([np.cos(0.1 * t), np.sin(0.1 * t)]),
        "line": np.stack([t, 3.0 - 2.0 * t]),
    }


@pytest.fixture(scope="session")
def series() -> dict[str, np.ndarray]:
    return make_series()


def measure(x: np.ndarray, frequencies: np.ndarray) -> dict[str, object]:
    """Every statistic of the filters at the production settings."""
    magnitude, zscore = boundedness(x, std_floor=1e-10)
    return {
        "linearity": linearity(x, std_floor=1e-10),
        "max_magnitude": magnitude,
        "max_zscore": zscore,
        "tail_step": tail_step(x, tail_share=0.1),
        "largest_deviation": largest_deviation(x),
        "straightness": straightness(x),
        "relative_tail_step": relative_tail_step(
            x, largest=np.abs(x).max(axis=1, initial=0.0), tail_share=0.1, rest_share=1e-4
        ),
        "return_distance": return_distance(x, **PERIODICITY),
        **zero_one(x, frequencies=frequencies, k_threshold=0.2, **ZERO_ONE)._asdict(),
        **recurrence(x, tolerance=1e-3, min_recurrence_time=1)._asdict(),
        "n_peaks": spectrum(x, relative_height=1e-5, relative_prominence=1e-5),
        **stationarity(x, significance=0.05)._asdict(),
    }


def is_no_limit_cycle(m: dict, *, least_share: float, least_count: int, least_block: int) -> bool:
    """The verdict of `recurrence`'s docstring, the endpoint asked for."""
    return bool(
        m["n_recurrences"] < max(1, int(least_share * m["n_time_points"]))
        or m["endpoint"] == 0
        or m["max_count"] < least_count
        or (least_block > 1 and m["longest_block"] <= 2 * least_block and m["second_block"] <= least_block)
    )


def verdicts(m: dict) -> dict[str, bool]:
    """Production verdicts of measured statistics, True where the trajectory passes."""
    return {
        "not_linear": m["linearity"] <= 0.99,
        "bounded": m["max_magnitude"] <= 1e4 and m["max_zscore"] <= 15,
        "not_fixed_point": m["tail_step"] > 1e-3,
        "zero_one": bool((m["score"] >= 0.2).any()),
        "not_limit_cycle": is_no_limit_cycle(m, least_share=0.1, least_count=200, least_block=50),
        "power_spectrum": bool((m["n_peaks"] >= 4).any()),
        "stationary": bool(((m["kpss_p"] >= 0.05) | (m["adf_p"] < 0.05)).all()),
    }


def draw_frequencies(n_dimensions: int, *, n_frequencies: int = 100) -> np.ndarray:
    """(n_dimensions, n_frequencies) of the legacy stream of seed 0, as the reference draws them."""
    return np.random.RandomState(0).uniform(*FREQUENCY_RANGE, (n_dimensions, n_frequencies))


@pytest.fixture(scope="session")
def filters() -> SimpleNamespace:
    """The functions of this file, for tests to call."""
    return SimpleNamespace(
        measure=measure,
        verdicts=verdicts,
        is_no_limit_cycle=is_no_limit_cycle,
        draw_frequencies=draw_frequencies,
        autoregression=autoregression,
        zero_one_settings=ZERO_ONE,
        frequency_range=FREQUENCY_RANGE,
    )


@pytest.fixture(scope="session")
def measured(series) -> dict[str, dict]:
    return {name: measure(x, draw_frequencies(len(x))) for name, x in series.items()}
