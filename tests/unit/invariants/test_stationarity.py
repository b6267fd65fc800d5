"""KPSS and ADF against statsmodels, and the rule that runs the second only where it decides."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.adfvalues import mackinnonp
from statsmodels.tsa.stattools import adfuller
from statsmodels.tsa.stattools import kpss as statsmodels_kpss

from panda.invariants.stationarity import _mackinnon_p, adf, kpss, stationarity


def oracle(x: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """(statistic, p) of KPSS and ADF by statsmodels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return statsmodels_kpss(x, regression="c")[:2], adfuller(x, autolag="AIC")[:2]


def assert_agrees(x: np.ndarray) -> None:
    expected_kpss, expected_adf = oracle(x)
    np.testing.assert_allclose(kpss(x), expected_kpss, rtol=1e-9)
    np.testing.assert_allclose(adf(x), expected_adf, rtol=1e-7, atol=1e-8)
    assert abs(adf(x)[1] - expected_adf[1]) < 1e-8


@pytest.mark.parametrize("coefficient", [-0.7, 0.0, 0.6, 0.97, 0.999, 1.0])
@pytest.mark.parametrize("n", [60, 512, 1600])
def test_autoregressions(filters, coefficient, n):
    assert_agrees(filters.autoregression(n, coefficients=(coefficient,), seed=n)[0])


@pytest.mark.parametrize("name", ["lorenz", "logistic"])
def test_chaos(series, name):
    # As the data are stored: in float64 the smooth curve is predicted almost to the oracle's own rounding.
    for row in series[name].astype(np.float32).astype(np.float64):
        assert_agrees(row)


@pytest.mark.parametrize("n", range(4, 20))
def test_short_series(n):
    assert_agrees(np.random.default_rng(n).standard_normal(n).cumsum())


def test_a_design_without_full_rank(series):
    """One jump: most columns of lags hold a single one, and the pseudo-inverse decides."""
    assert_agrees((np.arange(600) > 300).astype(np.float64))


def test_p_values_are_mackinnons():
    for statistic in np.linspace(-20.0, 4.0, 241):
        assert _mackinnon_p(statistic) == pytest.approx(mackinnonp(statistic, regression="c", N=1), abs=1e-14)


def test_golden_p_values(golden):
    with np.load(golden / "filter_trajectories.npz") as archive:
        for name in ("000", "005", "018", "023", "032"):
            for row in archive[name].astype(np.float64):
                (_, expected_kpss), (_, expected_adf) = oracle(row)
                assert abs(kpss(row)[1] - expected_kpss) < 1e-8
                assert abs(adf(row)[1] - expected_adf) < 1e-8


def test_adf_is_run_only_where_kpss_rejects(filters):
    x = filters.autoregression(800, coefficients=(0.3, 1.0), seed=3)
    result = stationarity(x, significance=0.05)
    assert result.kpss_p[0] >= 0.05 and np.isnan(result.adf_p[0])
    assert result.kpss_p[1] < 0.05 and result.adf_p[1] == adf(x[1])[1]
    assert np.isnan(stationarity(x, significance=0.005).adf_p).all()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(30, 300),
    exponent=st.integers(-60, 60),
    shift=st.floats(-5, 5),
    coefficient=st.floats(-0.9, 1.0),
)
def test_scale_and_shift_do_not_matter(filters, seed, n, exponent, shift, coefficient):
    x = filters.autoregression(n, coefficients=(coefficient,), seed=seed)[0]
    y = -(2.0**exponent) * (x + shift)
    np.testing.assert_allclose(kpss(y), kpss(x), rtol=1e-8)
    np.testing.assert_allclose(adf(y), adf(x), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "x",
    [
        np.tile([0.0, 1.0, 5.0], 100),
        np.arange(300.0),
        np.exp(-np.arange(300.0) / 10.0),
        np.sin(0.1 * np.arange(300.0)),
    ],
)
def test_an_exact_recursion_has_no_t_value(x):
    assert np.isnan(adf(x)).all()
