"""Whether a trajectory closes on itself: recurrences in phase space, and how regular they are."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Float

from panda.core.errors import PandaError
from panda.invariants.series import as_series, is_finite


class Recurrence(NamedTuple):
    """Recurrences (pairs of times t1 < t2 at which the states are close); floats, as NaN is undefined.

    n_recurrences: their number.
    endpoint: 1 if the first or the last point takes part in one, else 0.
    n_time_points: length of the series, the measure for n_recurrences.
    max_count: largest number of recurrences with the same recurrence time t2 - t1.
    longest_block: longest run of recurrences in which both times advance by one, in order of (t1, t2).
    second_block: second longest run among those that another recurrence ended (the last run never is).
    """

    n_recurrences: float
    endpoint: float
    n_time_points: float
    max_count: float
    longest_block: float
    second_block: float


def recurrence(
    x: Float[np.ndarray, "dimension time"], *, tolerance: float, min_recurrence_time: int
) -> Recurrence:
    """Statistics of the recurrences 0 < ||x_{t1} - x_{t2}|| < tolerance of a trajectory.

    Distances and tolerance are compared in half precision, as in the reference: at 1e-3 that moves the
    tolerance by less than 1e-6, and a distance of at most 2^-25 is no recurrence.

    A trajectory passes iff n_recurrences is 0 or below int(least share * n_time_points), or endpoint is 0 (if
    that is asked), or max_count is below its threshold, or longest_block <= 2 b and second_block <= b (if the
    block threshold b is above 1). All of these are false for NaN.

    Args:
        x: the series, any units; the whole state, or distances mean little.
        tolerance: distance below which two states are close, in the series' units (absolute).
        min_recurrence_time: recurrences sooner than this many samples count for `endpoint` only.

    Returns:
        See `Recurrence`; all but n_time_points NaN if the series is not finite or has fewer than two points.

    Raises:
        PandaError: `x` is not two-dimensional, or the tolerance is not positive.

    Source: paper, attractor tests (limit cycle).
    """
    x = as_series(x)
    if not tolerance > 0.0:
        raise PandaError(f"recurrence: the tolerance is {tolerance}; it must be positive")
    if x.shape[1] < 2 or not is_finite(x):
        nan = float("nan")
        return Recurrence(nan, nan, float(x.shape[1]), nan, nan, nan)
    nearest, farthest = half_precision_bounds(tolerance)
    # Along the coordinate that spreads most, a window of one tolerance holds the fewest points.
    with np.errstate(over="ignore"):
        widest = int(np.argmax(np.ptp(x, axis=1)))
    order = np.argsort(x[widest], kind="stable")
    points = np.ascontiguousarray(x[:, order].T)
    n, endpoint, count, longest, second = _scan(
        points, points[:, widest].copy(), order, np.argsort(order), nearest, farthest, min_recurrence_time
    )
    return Recurrence(*map(float, (n, endpoint, x.shape[1], count, longest, second)))


def half_precision_bounds(tolerance: float) -> tuple[float, float]:
    """Open interval of the d with 0 < half(d) < half(tolerance), half the nearest float16, ties to even."""
    limit = np.float16(tolerance)
    if limit <= np.float16(0):
        return 0.0, 0.0
    below = np.nextafter(limit, np.float16(0))
    farthest = (float(limit) + float(below)) / 2.0
    if np.float16(farthest) == below:
        farthest = float(np.nextafter(farthest, np.inf))
    return float(np.finfo(np.float16).smallest_subnormal) / 2.0, farthest


@numba.njit(cache=True)
def _scan(points, key, order, place, nearest, farthest, min_recurrence_time):
    """Walk the recurrences in order of (t1, t2); points are sorted by key, order maps back to times."""
    n = key.size
    counts = np.zeros(n, np.int64)
    close = np.zeros(n, np.bool_)
    endpoint = False
    longest = second = first_closed = block = 0
    previous_1 = previous_2 = -2
    for t1 in range(n):
        low, high = _mark(points, key, order, place[t1], t1, nearest, farthest, close)
        for t2 in range(low, high + 1):
            if not close[t2]:
                continue
            close[t2] = False
            endpoint = endpoint or t1 == 0 or t2 == n - 1
            if t2 - t1 < min_recurrence_time:
                continue
            counts[t2 - t1] += 1
            if t1 == previous_1 + 1 and t2 == previous_2 + 1:
                block += 1
            else:
                if block > first_closed:
                    first_closed, second = block, first_closed
                elif block > second:
                    second = block
                block = 1
            previous_1, previous_2 = t1, t2
            longest = max(longest, block)
    return counts.sum(), endpoint, counts.max(), longest, second


@numba.njit(cache=True)
def _mark(points, key, order, at, t1, nearest, farthest, close):
    """Set close[t2] for every t2 > t1 within the bounds of t1; the smallest and largest such t2."""
    n, n_dimensions = points.shape
    low, high = n, -1
    for direction in (-1, 1):
        j = at + direction
        while 0 <= j < n and abs(key[j] - key[at]) < farthest:
            t2 = order[j]
            if t2 > t1:
                square = 0.0
                for d in range(n_dimensions):
                    difference = points[j, d] - points[at, d]
                    square += difference * difference
                distance = np.sqrt(square)
                if nearest < distance < farthest:
                    close[t2] = True
                    low, high = min(low, t2), max(high, t2)
            j += direction
    return low, high
