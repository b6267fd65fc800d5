"""Whether a series is stationary: the KPSS test, and the augmented Dickey-Fuller test where KPSS rejects."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Float, Float64
from scipy.linalg.lapack import dgeqrf
from scipy.special import ndtr

from panda.invariants.series import as_series, is_finite, rescale, varies

# Kwiatkowski, Phillips, Schmidt & Shin (1992), table 1, level stationarity: critical values and their p.
_KPSS_CRITICAL = np.array([0.347, 0.463, 0.574, 0.739])
_KPSS_P = np.array([0.10, 0.05, 0.025, 0.01])
# MacKinnon (1994), tables 3 and 4, one variable, constant, no trend: where the approximation holds, where its
# left part ends, and the coefficients of both parts, constant first.
_MACKINNON_RANGE = (-18.83, -1.61, 2.74)
_MACKINNON_LEFT = (2.1659, 1.4412, 0.038269)
_MACKINNON_RIGHT = (1.7339, 0.93202, -0.12745, -0.010368)
# A design whose singular values spread less than this is of full rank by every rule in use (statsmodels
# drops directions below 1e-15 of the largest): its least squares may be read from the triangular factor.
_SAFE_SPREAD = 1e13
_PINV_SPREAD = 1e15
# Rounding errors a sample, in units of the last place, below which a residual means nothing.
_ROUNDING = 8.0


class Stationarity(NamedTuple):
    """Statistics and p-values of both tests, one entry a dimension.

    KPSS: NaN where undefined. ADF: NaN where undefined, and where KPSS had not rejected (not needed).
    """

    kpss_statistic: Float64[np.ndarray, " dimension"]
    kpss_p: Float64[np.ndarray, " dimension"]
    adf_statistic: Float64[np.ndarray, " dimension"]
    adf_p: Float64[np.ndarray, " dimension"]


def stationarity(x: Float[np.ndarray, "dimension time"], *, significance: float) -> Stationarity:
    """KPSS in each dimension, and ADF in those where its p-value is below the significance.

    A trajectory passes iff in every dimension kpss_p >= significance or adf_p < significance (both
    comparisons are false for NaN). That is the rule "rejected where KPSS rejects and ADF does not", with
    the dear test run only where it decides.

    Args:
        x: the series, any units.
        significance: level of the tests. Stored results serve verdicts at this level and any below.

    Returns:
        See `Stationarity`. A dimension is undefined if the series is not finite, or it does not vary, or
        has fewer than four points.

    Raises:
        PandaError: `x` is not two-dimensional.

    Source: paper, attractor tests (stationarity).
    """
    x = as_series(x)
    result = Stationarity(*(np.full(x.shape[0], np.nan) for _ in Stationarity._fields))
    if x.shape[1] < 4 or not is_finite(x):
        return result
    for i in np.flatnonzero(varies(x)):
        result.kpss_statistic[i], result.kpss_p[i] = kpss(x[i])
        if result.kpss_p[i] < significance:
            result.adf_statistic[i], result.adf_p[i] = adf(x[i])
    return result


def kpss(x: Float64[np.ndarray, " time"]) -> tuple[float, float]:
    """Statistic and p-value of the KPSS test that a series is stationary around a level.

    sum_t S_t^2 / (n^2 s^2), S the partial sums of the deviations from the mean, s^2 the Newey-West
    long-run variance with Bartlett weights, its number of lags by Hobijn, Franses & Ooms (1998). The
    p-value is interpolated in the published table and so lies between 0.01 and 0.10.

    Args:
        x: a finite series that varies.

    Returns:
        (statistic, p-value); NaN if the long-run variance is not positive.
    """
    # Hobijn et al. (1998), eq. 13-14: the bandwidth grows with the correlation in the first n^(2/9) lags.
    n_pilot_lags = int(np.power(len(x), 2.0 / 9.0))
    statistic = _kpss_statistic(np.ascontiguousarray(rescale(x)), n_pilot_lags)
    if not np.isfinite(statistic):
        return float("nan"), float("nan")
    return float(statistic), float(np.interp(statistic, _KPSS_CRITICAL, _KPSS_P))


@numba.njit(cache=True)
def _kpss_statistic(x, n_pilot_lags):
    n = x.size
    deviation = x - x.mean()
    variance = np.dot(deviation, deviation)
    level, slope = variance / n, 0.0
    for lag in range(1, n_pilot_lags + 1):
        product = np.dot(deviation[lag:], deviation[: n - lag]) / (n / 2.0)
        level += product
        slope += lag * product
    if level == 0.0 or not np.isfinite(slope / level):
        return np.nan
    ratio = slope / level
    width = 1.1447 * (ratio * ratio) ** (1.0 / 3.0) * n ** (1.0 / 3.0)
    n_lags = int(min(width, n - 1.0))
    for lag in range(1, n_lags + 1):
        weight = 1.0 - lag / (n_lags + 1.0)
        variance += 2.0 * weight * np.dot(deviation[lag:], deviation[: n - lag])
    total = sums = 0.0
    for i in range(n):
        total += deviation[i]
        sums += total * total
    if variance == 0.0:
        return np.nan
    return sums / n**2 / (variance / n)


def adf(x: Float64[np.ndarray, " time"]) -> tuple[float, float]:
    """Statistic and p-value of the augmented Dickey-Fuller test of a unit root, with a constant.

    The t-value of b in  dx_t = a + b x_{t-1} + sum_{i=1..k} c_i dx_{t-i} + e_t.  k has the least AIC among
    0..K on the rows all of them have, K = min(ceil(12 (n/100)^(1/4)), n//2 - 2) (Schwert 1989); then the
    regression is made again on every row k has. One QR factorisation of the widest design (lags in order)
    holds the residuals of all the nested ones; the last regression adds its K - k rows to that factor.

    Args:
        x: a finite series that varies, of at least four points.

    Returns:
        (statistic, p-value of MacKinnon 1994); NaN if the regression leaves no more than the rounding of
        the series (an exact recursion: its t-value would be that of rounding errors).
    """
    # The test sees neither scale nor shift; the rounding does, and squares could overflow.
    x = rescale(x)
    rounding = _ROUNDING * np.finfo(np.float64).eps * np.linalg.norm(x)
    x = x - x.mean()
    n_steps = len(x) - 1
    n_lags = min(int(np.ceil(12.0 * (len(x) / 100.0) ** 0.25)), len(x) // 2 - 2)
    triangle = _triangle(_design(x, n_lags, start=n_lags, stop=n_steps))
    lags = _best_lags(triangle, n_steps - n_lags)
    k = lags + 2
    # The chosen regression, from the factor, what it leaves of the response, and the rows K - k lags free.
    residual = np.zeros((1, k + 1))
    residual[0, -1] = np.linalg.norm(triangle[k:, -1])
    shared = np.column_stack([triangle[:k, :k], triangle[:k, -1]])
    freed = _design(x, lags, start=lags, stop=n_lags)
    level_last = [0, *range(2, k), 1, k]
    whole = _triangle(np.vstack([shared, freed, residual])[:, level_last])
    statistic = _last_t_value(whole, n_steps - lags)
    if not (np.isfinite(statistic) and abs(whole[-1, -1]) > rounding):
        return float("nan"), float("nan")
    return statistic, _mackinnon_p(statistic)


def _mackinnon_p(statistic: float) -> float:
    """p of a Dickey-Fuller statistic: the normal distribution of MacKinnon's polynomial in it."""
    low, middle, high = _MACKINNON_RANGE
    if statistic < low:
        return 0.0
    if statistic > high:
        return 1.0
    coefficients = _MACKINNON_LEFT if statistic <= middle else _MACKINNON_RIGHT
    return float(ndtr(np.polynomial.polynomial.polyval(statistic, coefficients)))


def _design(
    x: Float64[np.ndarray, " time"], n_lags: int, *, start: int, stop: int
) -> Float64[np.ndarray, "row column"]:
    """Columns 1, x_{t-1}, dx_{t-1} .. dx_{t-n_lags}, dx_t, a row for each step dx number start..stop-1."""
    step = np.diff(x[: stop + 1])
    rows = np.empty((stop - start, n_lags + 3), order="F")
    rows[:, 0] = 1.0
    rows[:, 1] = x[start:stop]
    for lag in range(n_lags + 1):
        rows[:, lag + 1 if lag else -1] = step[start - lag : stop - lag]
    return rows


def _triangle(rows: Float64[np.ndarray, "row column"]) -> Float64[np.ndarray, "column column"]:
    """R of the QR factorisation of at least as many rows as columns."""
    factor, _, _, _ = dgeqrf(rows)
    return np.triu(factor[: rows.shape[1]])


def _best_lags(triangle: Float64[np.ndarray, "column column"], n_rows: int) -> int:
    """Lags with the least AIC = n log(2 pi RSS / n) + n + 2 rank, the fewest on a tie."""
    n_designs = len(triangle) - 2
    tail = np.cumsum(triangle[::-1, -1] ** 2)[::-1]
    rss, ranks = tail[2:].copy(), np.arange(2, n_designs + 2)
    if not _is_safe(triangle[:-1, :-1]):
        ranks = ranks.copy()
        for i in range(n_designs):
            fit = _pseudo_inverse_fit(triangle[: i + 2, : i + 2], triangle[: i + 2, -1])
            rss[i], ranks[i] = tail[i + 2] + fit.residual, fit.rank
    with np.errstate(divide="ignore"):
        return int(np.argmin(n_rows * np.log(rss / n_rows) + 2 * ranks))


def _last_t_value(triangle: Float64[np.ndarray, "column column"], n_rows: int) -> float:
    """t-value of the last regressor in the regression of the last column on the others."""
    design, response = triangle[:-1, :-1], triangle[:-1, -1]
    rss = triangle[-1, -1] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        if _is_safe(design):
            # b = response_k / R_kk and its error is s / |R_kk|: the badly scaled rest of R does not enter.
            return float(np.sign(design[-1, -1]) * response[-1] / np.sqrt(rss / (n_rows - len(design))))
        fit = _pseudo_inverse_fit(design, response)
        variance = (rss + fit.residual) / (n_rows - fit.rank)
        return float(fit.coefficients[-1] / np.sqrt(variance * fit.covariance[-1, -1]))


class _Fit(NamedTuple):
    coefficients: np.ndarray
    covariance: np.ndarray
    residual: float
    rank: int


def _is_safe(design: Float64[np.ndarray, "column column"]) -> bool:
    spread = np.linalg.svd(design, compute_uv=False)
    return bool(spread[0] < _SAFE_SPREAD * spread[-1])


def _pseudo_inverse_fit(design: np.ndarray, response: np.ndarray) -> _Fit:
    """Least squares by the pseudo-inverse with statsmodels' rules for what is too small to count.

    For the triangular factor of a design these are the rules for the design: the singular values agree.
    """
    left, spread, right = np.linalg.svd(design)
    inverse = np.where(spread > spread[0] / _PINV_SPREAD, 1.0 / np.maximum(spread, np.finfo(float).tiny), 0.0)
    pseudo = (right.T * inverse) @ left.T
    coefficients = pseudo @ response
    residual = float(np.sum((response - design @ coefficients) ** 2))
    rank = int(np.sum(spread > spread[0] * len(spread) * np.finfo(float).eps))
    return _Fit(coefficients, pseudo @ pseudo.T, residual, rank)
