"""The 0-1 test against dysts', which draws from numpy's global stream."""

from __future__ import annotations

import numpy as np
import pytest
from dysts.analysis import optimal_delay as dysts_delay
from dysts.analysis import run_zero_one_sweep

from panda.core.errors import PandaError
from panda.invariants.zero_one import optimal_delay, zero_one, zero_one_values

DELAY = {"n_delays": 50, "n_bins": 64, "n_smoothing": 3}


@pytest.mark.parametrize("name", ["lorenz", "logistic", "autoregression", "limit_cycle", "spiral_in"])
def test_every_k_and_delay_is_dysts_one(name, series, filters):
    x = series[name][:2]
    np.random.seed(0)  # noqa: NPY002 - the reference draws from the global stream
    expected = np.array([run_zero_one_sweep(row, n_runs=20) for row in x])
    frequencies = filters.draw_frequencies(len(x), n_frequencies=20)
    k, delay = zero_one_values(x, frequencies=frequencies, **filters.zero_one_settings)
    np.testing.assert_allclose(k, expected, rtol=0, atol=1e-11)
    assert delay.tolist() == [dysts_delay(row) for row in x]


def test_score_and_median_are_of_the_values(series, filters):
    x = series["lorenz"]
    frequencies = filters.draw_frequencies(3, n_frequencies=15)
    k, _ = zero_one_values(x, frequencies=frequencies, **filters.zero_one_settings)
    result = zero_one(x, frequencies=frequencies, k_threshold=0.9, **filters.zero_one_settings)
    assert result.score.tolist() == [sum(v >= 0.9 for v in row) / 15 for row in k]
    assert result.median_k.tolist() == [sorted(row)[7] for row in k]


def test_chaos_is_told_from_order(filters):
    t = np.arange(3000.0)
    logistic = np.empty(3000)
    logistic[0] = 0.3
    for i in range(2999):
        logistic[i + 1] = 4.0 * logistic[i] * (1.0 - logistic[i])
    x = np.stack([logistic, np.sin(0.7 * np.sqrt(2.0) * t)])
    frequencies = filters.draw_frequencies(2, n_frequencies=40)
    k, _ = zero_one_values(x, frequencies=frequencies, **{**filters.zero_one_settings, "n_delays": 4})
    assert np.median(k[0]) > 0.95
    assert abs(np.median(k[1])) < 0.1


def test_dimensions_do_not_meet(series, filters):
    x, frequencies = series["lorenz"], filters.draw_frequencies(3, n_frequencies=9)
    k, delay = zero_one_values(x, frequencies=frequencies, **filters.zero_one_settings)
    order = [2, 0, 1]
    k2, delay2 = zero_one_values(x[order], frequencies=frequencies[order], **filters.zero_one_settings)
    assert np.array_equal(k2, k[order]) and np.array_equal(delay2, delay[order])


def test_delay_has_the_settings_limits(series):
    row = series["spiral_in"][0]
    assert optimal_delay(row, **{**DELAY, "n_delays": 5}) <= 5


def test_frequencies_need_a_row_a_dimension(series, filters):
    with pytest.raises(PandaError, match=r"\(3, n\), not \(7,\)"):
        zero_one_values(series["lorenz"], frequencies=np.ones(7), **filters.zero_one_settings)


@pytest.mark.parametrize("name", ["lorenz", "logistic", "autoregression", "torus", "spiral_in"])
@pytest.mark.parametrize("unit", [1e-6, 0.3, 1e6])
def test_the_unitless_score_has_no_unit(name, unit, series, filters):
    x = series[name]
    frequencies = filters.draw_frequencies(len(x), n_frequencies=20)
    options = {"frequencies": frequencies, "k_threshold": 0.5, **filters.zero_one_settings}
    one, other = zero_one(x, **options), zero_one(unit * x, **options)
    np.testing.assert_array_equal(one.unitless_score, other.unitless_score)
    # In standard deviations both are the same.
    std = x / x.std(axis=1, keepdims=True)
    np.testing.assert_array_equal(zero_one(std, **options).score, one.unitless_score)
