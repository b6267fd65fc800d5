"""Metrics against scipy and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from panda.core.errors import PandaError
from panda.evaluation import metrics

HORIZONS = (1, 4, 7, 12)
finite = st.floats(-100, 100, allow_nan=False, width=32)
series = arrays(np.float64, (3, 12, 2), elements=finite)


@settings(max_examples=50, deadline=None)
@given(series, series)
def test_pointwise_errors_equal_plain_loops(x: np.ndarray, y: np.ndarray) -> None:
    for column, horizon in enumerate(HORIZONS):
        for b in range(3):
            p, q = x[b, :horizon], y[b, :horizon]
            smape = 200 * np.mean(np.abs(p - q) / (np.abs(p) + np.abs(q) + 1e-10))
            assert metrics.smape(x, y, HORIZONS, eps=1e-10)[b, column] == pytest.approx(smape, abs=1e-9)
            assert metrics.mse(x, y, HORIZONS)[b, column] == pytest.approx(np.mean((p - q) ** 2), abs=1e-9)
            assert metrics.mae(x, y, HORIZONS)[b, column] == pytest.approx(np.mean(np.abs(p - q)), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (3, 12, 2), elements=st.integers(-3, 3).map(float)), series)
def test_spearman_equals_scipy_with_ties(x: np.ndarray, y: np.ndarray) -> None:
    ours = metrics.spearman(x, y, HORIZONS)
    for column, horizon in enumerate(HORIZONS):
        for b in range(3):
            rho = []
            for c in range(2):
                p, q = x[b, :horizon, c], y[b, :horizon, c]
                if np.ptp(p) and np.ptp(q):
                    rho.append(spearmanr(p, q).statistic)
            expected = np.mean(rho) if rho else np.nan
            assert ours[b, column] == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_smape_runs_from_0_to_200() -> None:
    x = np.ones((1, 5, 2))
    assert metrics.smape(x, x, [5], eps=1e-10)[0, 0] == 0
    assert metrics.smape(-x, x, [5], eps=1e-10)[0, 0] == pytest.approx(200)


def test_valid_time_is_the_first_step_past_the_threshold() -> None:
    truth = np.zeros((3, 6, 2))
    forecast = truth.copy()
    forecast[0, 3] = [0.8, 0.6]  # (0.64 + 0.36) / 2 = 0.5, at step 4; right again afterwards
    forecast[1, 0] = [1.0, 0.0]  # 0.5 at step 1
    steps, censored = metrics.valid_time(forecast, truth, [2, 4, 6], threshold=0.4)
    assert steps.tolist() == [[2, 4, 4], [1, 1, 1], [2, 4, 6]]
    assert censored.tolist() == [[True, False, False], [False, False, False], [True, True, True]]


def test_valid_time_stands_at_the_threshold_itself() -> None:
    forecast = np.full((1, 3, 1), 0.5)
    assert metrics.valid_time(forecast, np.zeros((1, 3, 1)), [3], threshold=0.25).censored.all()


def test_a_forecast_that_is_no_number_scores_the_worst_from_there_on() -> None:
    truth = np.random.default_rng(0).normal(size=(1, 8, 2))
    forecast = truth.copy()
    forecast[0, 5, 1] = np.nan
    horizons = [5, 6, 8]
    assert metrics.smape(forecast, truth, horizons, eps=1e-10)[0].tolist() == [0, 200, 200]
    assert metrics.mse(forecast, truth, horizons)[0].tolist() == [0, np.inf, np.inf]
    assert metrics.mae(forecast, truth, horizons)[0].tolist() == [0, np.inf, np.inf]
    rho = metrics.spearman(forecast, truth, horizons)[0]
    assert rho[0] == pytest.approx(1) and np.isnan(rho[1:]).all()
    steps, censored = metrics.valid_time(forecast, truth, horizons, threshold=0.4)
    assert steps[0].tolist() == [5, 6, 6] and censored[0].tolist() == [True, False, False]


@pytest.mark.parametrize("horizons", [[0], [9], []])
def test_horizons_beyond_the_forecast_are_refused(horizons: list[int]) -> None:
    with pytest.raises(PandaError, match="horizons"):
        metrics.mae(np.zeros((1, 8, 1)), np.zeros((1, 8, 1)), horizons)
