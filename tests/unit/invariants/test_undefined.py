"""Series that define no statistic give NaN everywhere it is due, and no test passes on NaN."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

UNFIT = {
    "not a number": np.array([[1.0, np.nan, 2.0] * 100, [0.0, 1.0, 2.0] * 100]),
    "infinite": np.array([[1.0, np.inf, 2.0] * 100, [0.0, 1.0, 2.0] * 100]),
    "no time": np.zeros((3, 0)),
    "no dimension": np.zeros((0, 50)),
    "one point": np.ones((2, 1)),
    "two points": np.array([[1.0, 2.0], [3.0, 5.0]]),
    "constant": np.full((3, 400), 0.1),
    "zero": np.zeros((2, 400)),
}
# Statistics defined, or not, but no crash: numbers at the ends of float64.
EXTREME = {
    "overflowing": 1e308 * np.random.default_rng(0).choice([-1.0, 1.0], (2, 300)),
    "huge": 1e200 * np.random.default_rng(0).standard_normal((2, 300)),
    "subnormal": 5e-324 * np.arange(600.0).reshape(2, 300) % 1e-321,
    "one jump of a last digit": np.stack([np.where(np.arange(300) < 5, 1.0, 1.0 + 2.3e-16)] * 2),
    "late subnormal": np.stack([np.where(np.arange(300) < 3, 1.0, 1e-320 * (np.arange(300) % 7))] * 2),
}


def measured(filters, x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return filters.measure(x, filters.draw_frequencies(len(x), n_frequencies=5))


@pytest.mark.parametrize("name", UNFIT)
def test_nothing_is_made_up(name, filters):
    m = measured(filters, UNFIT[name])
    undefined = {"linearity", "score", "median_k", "delay", "n_peaks", "kpss_p", "adf_p"}
    if name == "two points":
        undefined -= {"linearity"}
    for key in undefined:
        assert np.isnan(m[key]).all(), key
    if name not in ("constant", "zero", "two points", "one point"):
        assert np.isnan([m["max_magnitude"], m["max_zscore"], m["tail_step"], m["n_recurrences"]]).all()
        assert not filters.verdicts(m)["not_limit_cycle"]
    passed = filters.verdicts(m)
    assert not any(passed[test] for test in ("not_fixed_point", "zero_one", "power_spectrum"))
    if name != "no dimension":
        assert not passed["stationary"]


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_numbers_do_not_crash(name, filters):
    m = measured(filters, EXTREME[name])
    assert not any(np.isinf(value).any() for value in m.values())


def test_only_the_constant_dimension_is_undefined(series, filters):
    x = np.vstack([series["lorenz"], np.full((1, series["lorenz"].shape[1]), 2.5)])
    frequencies = filters.draw_frequencies(4)
    m, alone = filters.measure(x, frequencies), filters.measure(x[:3], frequencies[:3])
    for key in ("score", "median_k", "delay", "n_peaks", "kpss_p"):
        assert np.isnan(m[key][3])
        np.testing.assert_array_equal(m[key][:3], alone[key])
    assert not filters.verdicts(m)["stationary"]
