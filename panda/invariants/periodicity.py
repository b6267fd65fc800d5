"""Whether a trajectory repeats itself, at whatever size, period and phase of the sampling."""

from __future__ import annotations

import numba
import numpy as np
from jaxtyping import Float, Float64
from scipy.fft import irfft, next_fast_len, rfft

from panda.invariants.series import as_series, is_finite, moving

# Fewer points say nothing about a return.
_LEAST = 16


def return_distance(
    x: Float[np.ndarray, "dimension time"], *, left_behind: float, n_returns: int, share: float
) -> float:
    """How near the whole trajectory comes to itself, shifted in time: near 0 for a limit cycle, near 1 if never.

    With z the coordinates standardised, those that are constant left out, and d their number,

        e_t(tau)^2 = |z(t + tau) - z(t)|^2 / 2d,    distance = min_tau sqrt(<e_t(tau)^2>),

    the average over the `share` of the points with the smallest e_t: a jump shorter than a sample cannot be
    compared. Candidates for tau are the `n_returns` lowest local minima, at whole samples up to half the series, of
    the average over all points, from the autocorrelation by Fourier transform. No tau is too short to have
    left the start: before it, every coordinate's own average of e^2 has been above `left_behind`. Each candidate is then
    refined below a sample, by one step of least squares along the velocity; z between samples is the cubic through
    four of them. The size and the unit of each coordinate cancel.

    Args:
        x: the series, any units.
        left_behind: share of the variance, of 1 where nothing is left of the start.
        n_returns: candidates for the period.
        share: share of the points that are averaged, above 0.

    Returns:
        The distance, 1 where the series has no candidate for a period; NaN if it is not finite, no coordinate
        varies, or it has fewer than 16 points. A trajectory passes iff the distance > the threshold.

    Raises:
        PandaError: `x` is not two-dimensional.
    """
    x = as_series(x)
    if x.shape[1] < _LEAST or not is_finite(x):
        return float("nan")
    z = moving(x)
    if not len(z):
        return float("nan")
    apart = _mean_square_distance(z)
    first = max(1, int(np.argmax(apart > left_behind, axis=1).max()))
    mean = apart.mean(axis=0)
    middle = mean[first:-1]
    lags = first + np.flatnonzero((middle <= mean[first - 1 : -2]) & (middle <= mean[first + 1 :]))
    if not len(lags) or not (apart > left_behind).any(axis=1).all():
        return 1.0
    lags = lags[np.argsort(mean[lags], kind="stable")[:n_returns]]
    return float(min(_refined(z, int(lag), share) for lag in lags))


def _mean_square_distance(
    z: Float64[np.ndarray, "dimension time"],
) -> Float64[np.ndarray, "dimension lag"]:
    """<(z(t + tau) - z(t))^2> / 2 in each dimension, for tau = 0..time // 2 samples."""
    n = z.shape[1]
    n_lags = n // 2 + 1
    length = next_fast_len(n + n // 2, real=True)
    transform = rfft(z, length, axis=1)
    products = irfft(transform.real**2 + transform.imag**2, length, axis=1)[:, :n_lags]
    sums = np.zeros((len(z), n + 1))
    np.cumsum(z * z, axis=1, out=sums[:, 1:])
    squares = sums[:, n : n - n_lags : -1] + (sums[:, n:] - sums[:, :n_lags])
    return (squares - 2.0 * products) / (2.0 * np.arange(n, n - n_lags, -1))


def _refined(z: Float64[np.ndarray, "dimension time"], lag: int, share: float) -> float:
    """The distance at the best time near a lag."""
    square = _squares(z, lag, 0.0)
    shift = _best_shift(z, lag, square, _bound(square, share))
    if shift < 0.0:
        lag, shift = lag - 1, shift + 1.0
    square = _squares(z, lag, shift)
    within = square[square <= _bound(square, share)]
    return float(np.sqrt(within.mean() / (2 * len(z))))


def _bound(square: Float64[np.ndarray, " time"], share: float) -> float:
    """The largest of the `share` smallest."""
    last = min(len(square) - 1, int(share * len(square)))
    return float(np.partition(square, last)[last])


@numba.njit(cache=True)
def _squares(z, lag, shift):
    """|z(t + lag + shift) - z(t)|^2, 0 <= shift <= 1, for the t that have two neighbours on either side."""
    n_dimensions, n = z.shape
    s = shift
    w_0, w_1 = -s * (s - 1) * (s - 2) / 6, (s + 1) * (s - 1) * (s - 2) / 2
    w_2, w_3 = -(s + 1) * s * (s - 2) / 2, (s + 1) * s * (s - 1) / 6
    square = np.zeros(n - lag - 3)
    for i in range(n_dimensions):
        now, later = z[i, 1:], z[i, lag:]
        for t in range(square.size):
            there = w_0 * later[t] + w_1 * later[t + 1] + w_2 * later[t + 2] + w_3 * later[t + 3]
            square[t] += (there - now[t]) ** 2
    return square


@numba.njit(cache=True)
def _best_shift(z, lag, square, bound):
    """Shift in [-1, 1] samples that brings the points within the bound closest, to first order."""
    n_dimensions = z.shape[0]
    along = speed = 0.0
    for i in range(n_dimensions):
        now, later = z[i, 1:], z[i, lag:]
        for t in range(square.size):
            if square[t] <= bound:
                velocity = (later[t + 2] - later[t]) / 2
                along += (now[t] - later[t + 1]) * velocity
                speed += velocity * velocity
    return min(1.0, max(-1.0, along / speed)) if speed > 0.0 else 0.0
