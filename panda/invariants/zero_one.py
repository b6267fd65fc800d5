"""The 0-1 test for chaos of Gottwald and Melbourne, on each dimension of a trajectory."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Float, Float64

from panda.core.errors import PandaError
from panda.invariants.series import as_series, is_finite, rescale, varies

# Bins outside these widths have areas that are no numbers; far narrower or wider than any trajectory's.
_MIN_WIDTH, _MAX_WIDTH = 1e-150, 1e150


class ZeroOne(NamedTuple):
    """Results of the 0-1 test, one entry a dimension; NaN where undefined.

    score: share of the frequencies whose K is at least the threshold.
    median_k: median of K over the frequencies; near 1 for chaos, near 0 for regular motion.
    delay: the subsampling interval, in samples.
    unitless_score: the score at a subsampling interval that does not depend on the unit of x.
    """

    score: Float64[np.ndarray, " dimension"]
    median_k: Float64[np.ndarray, " dimension"]
    delay: Float64[np.ndarray, " dimension"]
    unitless_score: Float64[np.ndarray, " dimension"]


def zero_one(
    x: Float[np.ndarray, "dimension time"],
    *,
    frequencies: Float64[np.ndarray, "dimension frequency"],
    k_threshold: float,
    n_delays: int,
    n_bins: int,
    n_smoothing: int,
    shift_share: float,
) -> ZeroOne:
    """Score and median of the 0-1 test's K over the given frequencies, in each dimension.

    phi = x[::tau], tau the `optimal_delay`. For each frequency c, p_n = sum_{j<=n} phi_j cos(c j) and
    q_n likewise with sin, j = 1..N; M(m) = mean_n[(p_{n+m} - p_n)^2 + (q_{n+m} - q_n)^2] for
    m = 1..int(shift_share * N); K = corr(m, M).

    Args:
        x: the series, any units.
        frequencies: the c, in radians a sample of the subsampled series, drawn by the caller.
        k_threshold: K from which a frequency counts as chaotic.
        n_delays: delays 1..n_delays are considered.
        n_bins: bins a side of the joint histogram.
        n_smoothing: points of the moving average over the mutual information.
        shift_share: longest shift m, as a share of the subsampled length.

    Returns:
        See `ZeroOne`. A dimension is undefined (NaN) if it is not finite, does not vary, has no more than
        n_delays samples, or fewer than two shifts after subsampling. A trajectory passes iff any
        dimension's score (or median) is at least the threshold for it.

    Raises:
        PandaError: `x` is not two-dimensional, or `frequencies` has not one row a dimension.

    Source: paper, attractor tests (0-1 test); Gottwald & Melbourne (2009), SIAM J. Appl. Dyn. Syst. 8, 129.
    """
    (k, unitless), (delay, unitless_delay) = _at_both_delays(
        x,
        frequencies=frequencies,
        n_delays=n_delays,
        n_bins=n_bins,
        n_smoothing=n_smoothing,
        shift_share=shift_share,
    )
    score, median, unitless_score = np.full((3, len(k)), np.nan)
    if k.shape[1]:
        defined, also = np.isfinite(delay), np.isfinite(unitless_delay)
        score[defined] = (k[defined] >= k_threshold).mean(axis=1)
        median[defined] = np.median(k[defined], axis=1)
        unitless_score[also] = (unitless[also] >= k_threshold).mean(axis=1)
    return ZeroOne(score, median, delay, unitless_score)


def zero_one_values(
    x: Float[np.ndarray, "dimension time"],
    *,
    frequencies: Float64[np.ndarray, "dimension frequency"],
    n_delays: int,
    n_bins: int,
    n_smoothing: int,
    shift_share: float,
) -> tuple[Float64[np.ndarray, "dimension frequency"], Float64[np.ndarray, " dimension"]]:
    """Every K (dimension, frequency) and the delays (dimension,) in samples, of which `zero_one` is made."""
    k, delays = _at_both_delays(
        x,
        frequencies=frequencies,
        n_delays=n_delays,
        n_bins=n_bins,
        n_smoothing=n_smoothing,
        shift_share=shift_share,
    )
    return k[0], delays[0]


def _at_both_delays(
    x: Float[np.ndarray, "dimension time"],
    *,
    frequencies: Float64[np.ndarray, "dimension frequency"],
    n_delays: int,
    n_bins: int,
    n_smoothing: int,
    shift_share: float,
) -> tuple[np.ndarray, np.ndarray]:
    """K (2, dimension, frequency) and delays (2, dimension): the reference's, and those of x in standard deviations."""
    x = as_series(x)
    frequencies = np.ascontiguousarray(frequencies, dtype=np.float64)
    if frequencies.ndim != 2 or frequencies.shape[0] != x.shape[0]:
        raise PandaError(
            f"the 0-1 test needs a row of frequencies a dimension, ({x.shape[0]}, n), not {frequencies.shape}"
        )
    k = np.full((2, *frequencies.shape), np.nan)
    delays = np.full((2, x.shape[0]), np.nan)
    if x.shape[1] <= n_delays or not is_finite(x):
        return k, delays
    with np.errstate(over="ignore"):
        within = np.ptp(x, axis=1) < _MAX_WIDTH
    for i in np.flatnonzero(varies(x) & within):
        found = _optimal_delays(x[i], n_delays, n_bins, n_smoothing, _unit(x[i]))
        for which, delay in enumerate(found):
            if which == 1 and delay == found[0]:  # as nearly always: the dear part is not done twice
                k[1, i], delays[1, i] = k[0, i], delays[0, i]
                continue
            phi = np.ascontiguousarray(rescale(x[i, ::delay]))
            n_shifts = int(shift_share * len(phi))
            if n_shifts >= 2:
                k[which, i], delays[which, i] = _k_values(phi, frequencies[i], n_shifts), delay
    return k, delays


def optimal_delay(x: Float64[np.ndarray, " time"], *, n_delays: int, n_bins: int, n_smoothing: int) -> int:
    """First local minimum over tau = 1..n_delays of I(x_t; x_{t+tau}), smoothed; its least value if none.

    I = sum p_xy log(p_xy / (p_x p_y)) over the joint histogram of n_bins x n_bins, where p_xy is the
    *density* (counts over total and bin area) and p_x, p_y its plain sums, as in the reference: with a the
    area, that is (I_nats + log a) / a, so the bins' width enters when the range changes with tau.

    Args:
        x: one finite dimension of a series, longer than n_delays.
        n_delays: delays considered.
        n_bins: bins a side of the joint histogram.
        n_smoothing: points of the moving average.

    Returns:
        The delay in samples, from 1 to n_delays.
    """
    x = np.ascontiguousarray(x, dtype=np.float64)
    return int(_optimal_delays(x, n_delays, n_bins, n_smoothing, _unit(x))[0])


def _unit(x: Float64[np.ndarray, " time"]) -> float:
    """The standard deviation; 1 where its square, or that of a bin, is no number."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        std = float(x.std())
    return std if _MIN_WIDTH < std**2 < _MAX_WIDTH else 1.0


@numba.njit(cache=True)
def _optimal_delays(x, n_delays, n_bins, n_smoothing, unit):
    """The delay as it stands, and with x in `unit`: only the areas of the bins differ."""
    n = x.size
    entropy = np.zeros(n + 1)
    for count in range(2, n + 1):
        entropy[count] = count * np.log(count)
    low_head, high_head, low_tail, high_tail = _ranges(x, n_delays)
    bins_head, bins_tail = np.empty(n, np.int64), np.empty(n, np.int64)
    width_head = width_tail = 0.0
    information, smooth = np.empty((2, n_delays)), np.empty((2, n_delays))
    found = np.zeros(2, np.int64)
    joint = np.empty((n_bins, n_bins), np.int64)
    for tau in range(1, n_delays + 1):
        # The bins hold while the range does; it changes only when an extreme leaves at either end.
        if tau == 1 or low_head[tau] != low_head[tau - 1] or high_head[tau] != high_head[tau - 1]:
            width_head = _bin(x, 0, n - tau, low_head[tau], high_head[tau], n_bins, bins_head)
        if tau == 1 or low_tail[tau] != low_tail[tau - 1] or high_tail[tau] != high_tail[tau - 1]:
            width_tail = _bin(x, tau, n, low_tail[tau], high_tail[tau], n_bins, bins_tail)
        _count(bins_head, bins_tail, tau, joint)
        area = width_head * width_tail
        information[0, tau - 1] = _information(joint, entropy, n - tau, area)
        # The reference's value is (I + log(area)) / area with I in nats, which has no unit.
        nats = information[0, tau - 1] * area - np.log(area)
        area /= unit * unit
        information[1, tau - 1] = (nats + np.log(area)) / area
        last = tau - n_smoothing
        for which in range(2):
            value = smooth[which]
            if last >= 0:
                value[last] = information[which, last:tau].mean()
            dip = last >= 2 and value[last - 1] < value[last - 2] and value[last - 1] < value[last]
            if dip and found[which] == 0:
                found[which] = last + n_smoothing // 2
        if found.all():
            return found
    for which in range(2):
        if found[which] == 0:
            found[which] = np.argmin(information[which]) + 1
    return found


@numba.njit(cache=True)
def _ranges(x, n_delays):
    """Smallest and largest of x[:n - tau] and of x[tau:], for tau = 0..n_delays."""
    n = x.size
    low_head, high_head = np.empty(n_delays + 1), np.empty(n_delays + 1)
    low_tail, high_tail = np.empty(n_delays + 1), np.empty(n_delays + 1)
    head, tail = x[: n - n_delays], x[n_delays:]
    low_head[n_delays], high_head[n_delays] = head.min(), head.max()
    low_tail[n_delays], high_tail[n_delays] = tail.min(), tail.max()
    for tau in range(n_delays - 1, -1, -1):
        low_head[tau] = min(low_head[tau + 1], x[n - tau - 1])
        high_head[tau] = max(high_head[tau + 1], x[n - tau - 1])
        low_tail[tau] = min(low_tail[tau + 1], x[tau])
        high_tail[tau] = max(high_tail[tau + 1], x[tau])
    return low_head, high_head, low_tail, high_tail


@numba.njit(cache=True)
def _bin(x, start, stop, low, high, n_bins, bins):
    """Put x[start:stop] in n_bins equal bins, closed on the left, the last on both sides; their width."""
    if (high - low) / n_bins < _MIN_WIDTH:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / n_bins
    for i in range(start, stop):
        k = min(int((x[i] - low) / width), n_bins - 1)
        # The division may round over an edge: the edges low + k * width decide, as numpy's histogram does.
        while k > 0 and x[i] < low + k * width:
            k -= 1
        while k < n_bins - 1 and x[i] >= low + (k + 1) * width:
            k += 1
        bins[i] = k
    return width


@numba.njit(cache=True)
def _count(bins_head, bins_tail, tau, joint):
    joint[:] = 0
    for i in range(bins_head.size - tau):
        joint[bins_head[i], bins_tail[i + tau]] += 1


@numba.njit(cache=True)
def _information(joint, entropy, total, area):
    """sum p log(p / (p_x p_y)) with densities p = count / (total * area), from a table of n log n."""
    columns = np.zeros(joint.shape[1], np.int64)
    value = 0.0
    for i in range(joint.shape[0]):
        row = 0
        for j in range(joint.shape[1]):
            count = joint[i, j]
            if count > 0:
                row += count
                columns[j] += count
                value += entropy[count]
        value -= entropy[row]
    for j in range(joint.shape[1]):
        value -= entropy[columns[j]]
    scale = total * area
    return (value + total * np.log(scale)) / scale


@numba.njit(cache=True)
def _k_values(phi, frequencies, n_shifts):
    n = phi.size
    k = np.empty(frequencies.size)
    p, q = np.empty(n), np.empty(n)
    displacement = np.empty(n_shifts)
    for f in range(frequencies.size):
        _translate(phi, frequencies[f], p, q)
        displacement[:] = 0.0
        for i in range(n - 1):
            # Shifts lie side by side in memory, so the sums over i run as vectors without any reassociation.
            for m in range(min(n_shifts, n - 1 - i)):
                dp, dq = p[i + 1 + m] - p[i], q[i + 1 + m] - q[i]
                displacement[m] += dp * dp + dq * dq
        for m in range(n_shifts):
            displacement[m] /= n - 1 - m
        k[f] = _correlation_with_index(displacement)
    return k


@numba.njit(cache=True)
def _translate(phi, frequency, p, q):
    """p_n, q_n = sums of phi_j cos(c j), phi_j sin(c j), j = 1..n; the angle advances by rotation."""
    step_cos, step_sin = np.cos(frequency), np.sin(frequency)
    cosine, sine, sum_p, sum_q = 1.0, 0.0, 0.0, 0.0
    for j in range(phi.size):
        cosine, sine = cosine * step_cos - sine * step_sin, sine * step_cos + cosine * step_sin
        sum_p += phi[j] * cosine
        sum_q += phi[j] * sine
        p[j], q[j] = sum_p, sum_q


@numba.njit(cache=True)
def _correlation_with_index(values):
    """Pearson correlation of values with 0, 1, 2, ...; NaN if they do not vary."""
    n = values.size
    mean_index, mean = 0.5 * (n - 1), values.mean()
    cross = square = square_index = 0.0
    for i in range(n):
        a, b = i - mean_index, values[i] - mean
        cross += a * b
        square_index += a * a
        square += b * b
    return cross / np.sqrt(square_index * square) if square > 0.0 else np.nan
