"""How long a step may be where time itself is in the equations, so that no pulse is stepped over."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Float64

from panda.dynamics.dop853 import call_lanes
from panda.systems.flow import Ensemble, Flow, Founder
from panda.systems.lanes import N_LANES

# Times at which the field is sampled over the first N_PERIODS periods, and as many over the whole run.
N_TIMES = 2048
N_PERIODS = 4
# States at which it is: the initial one, where a forcing may vanish by chance, and another.
N_STATES = 2
# What rises or falls by less than this share of a component's range is no pulse of it.
LEAST_SWING = 0.125
# A component whose range is below this share of its size is not forced.
LEAST_RANGE = 1e-6
# The longest step, in durations of a pulse: below 1 / 0.267, the widest gap between stages that enter DOP853's error.
STEP_OVER_PULSE = 3.0
# A pulse is sampled again, at N_CLOSER times around it, until RESOLVED of them are within its duration.
N_ZOOMS, N_CLOSER, RESOLVED = 8, 256, 8


def reads_time(flow: Flow) -> bool:
    """Whether the right-hand side varies with time at a fixed state, or with a phase of a user's own founder.

    A phase is a coordinate that grows for ever; dysts' founders have none with pulses.
    """
    return any(_reads_time(founder) for founder in (flow.driver, flow.response) if founder is not None)


def _reads_time(founder: Founder) -> bool:
    return founder.time_dependent or (founder.scale is not None and bool(founder.unbounded_indices))


def longest_steps(
    flow: Flow, ensemble: Ensemble, durations: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """`STEP_OVER_PULSE` times the shortest duration of a pulse in the field of each member, inf where there is none.

    An error control knows only of what its stages see: a pulse between two of them is as if it were not there. Those
    that enter the error are at most 0.27 of a step apart, so that in a step of this length one at least sees it. The
    field is sampled along time at a fixed state (but for phases, which run on at their initial rates), densely over the
    first periods and less so over the whole run, at jittered times, and again around a pulse that few of them met. A
    pulse is a maximum or minimum of a component that stands out by a share of its range; its duration is that at
    half its height over the nearer of its two sides. A jump that lasts is no pulse: whatever comes after it shows it.
    For a sine it is half a period, so that the bound is longer than the error control allows.
    """
    rng = np.random.default_rng(0)
    jitter = np.arange(N_TIMES) + rng.uniform(0.0, 1.0, (N_STATES, 2, N_TIMES))
    offsets = rng.standard_normal((N_STATES - 1, flow.dimension))
    found = np.full(len(ensemble), np.inf)
    for i, duration in enumerate(durations):
        first = min(duration, N_PERIODS * flow.period if np.isfinite(flow.period) else duration / 8)
        # From before the start on, so that pulses near it are whole, and rare ones are met more than once.
        spans = np.array([[first], [2.0 * duration]])
        times = jitter * (spans / N_TIMES) - np.array([[0.0], [duration]])  # (state, span, time)
        size = np.abs(ensemble.initial[i]) + flow.scale
        states = (ensemble.initial[i], *(ensemble.initial[i] + size * offsets))
        for state, grids in zip(states, times, strict=True):
            start = _Start(flow, ensemble, i, state)
            found[i] = min(found[i], *(_shortest_pulse(start, grid) for grid in grids))
    return STEP_OVER_PULSE * found


class _Start(NamedTuple):
    flow: Flow
    ensemble: Ensemble
    member: int
    state: Float64[np.ndarray, " dimension"]


def _shortest_pulse(start: _Start, times: Float64[np.ndarray, " time"]) -> float:
    """The shortest duration among the pulses that the times meet, with as many points on it as it takes."""
    component, first, last, duration = _shortest(times, _along(start, times))
    for _ in range(N_ZOOMS):
        if component < 0 or last - first + 1 >= RESOLVED:
            break
        left, right = times[max(first - 1, 0)], times[min(last + 1, len(times) - 1)]
        closer = np.linspace(left, right, N_CLOSER)
        g = _along(start, closer)[component]
        middle = int(np.argmax(np.abs(g - 0.5 * (g[0] + g[-1]))))
        if not 0 < middle < N_CLOSER - 1:
            break
        duration, first, last = _duration(closer, g, 0, middle, N_CLOSER - 1)
        times = closer
    return float(duration)


def _along(start: _Start, times: Float64[np.ndarray, " time"]) -> Float64[np.ndarray, "dimension time"]:
    """The field of one member at a state, its phases moving on at the rates that they have there at first."""
    flow, ensemble, member, state = start
    d_a = flow.driver_dimension
    driver = _founder_along(
        flow.driver, flow.driver_rhs, ensemble.driver_parameters[member], state[:d_a], times
    )
    if flow.response is None:
        return driver
    own = _founder_along(
        flow.response, flow.response_rhs, ensemble.response_parameters[member], state[d_a:], times
    )
    padded = np.zeros((max(flow.driver_dimension, flow.response_dimension), len(times)))
    padded[:d_a] = driver
    drive = ensemble.driver_scale[member][:, None] * padded[ensemble.driver_index[member]]
    return np.concatenate([driver, drive + ensemble.response_scale[member][:, None] * own])


def _founder_along(
    founder: Founder,
    address: int,
    parameters: Float64[np.ndarray, " n_params"],
    state: Float64[np.ndarray, " d"],
    times: Float64[np.ndarray, " time"],
) -> Float64[np.ndarray, "d time"]:
    n_blocks = len(times) // N_LANES
    t = np.ascontiguousarray(times.reshape(n_blocks, N_LANES))
    p = np.ascontiguousarray(np.repeat(parameters[:, None], N_LANES, axis=1))
    y = np.ascontiguousarray(np.broadcast_to(state[None, :, None], (n_blocks, founder.dimension, N_LANES)))
    field = np.empty_like(y)
    if founder.scale is not None and founder.unbounded_indices:
        _sample(address, t[:1], y[:1], p, field[:1])
        for j in founder.unbounded_indices:
            y[:, j] += field[0, j, 0] * t
    if _reads_time(founder):
        _sample(address, t, y, p, field)
    else:
        _sample(address, t[:1], y[:1], p, field[:1])
        field[:] = field[:1]
    return np.ascontiguousarray(field.transpose(1, 0, 2).reshape(founder.dimension, -1))


@numba.njit(cache=True)
def _sample(address, t, y, p, out):
    """Call a founder's right-hand side on every block of lanes."""
    for block in range(t.shape[0]):
        call_lanes(address, (t[block], y[block], p, out[block]))


def _shortest(
    times: Float64[np.ndarray, " time"], field: Float64[np.ndarray, "dimension time"]
) -> tuple[int, int, int, float]:
    """The shortest pulse of all components: which one (-1: none), first and last sample above half height, duration."""
    best = (-1, 0, 0, np.inf)
    low, high = field.min(axis=1), field.max(axis=1)
    with np.errstate(invalid="ignore"):
        forced = high - low > LEAST_RANGE * np.maximum(np.abs(low), np.abs(high))
    for i in np.flatnonzero(forced & np.isfinite(high - low)):
        first, last, duration = _shortest_of(times, field[i], LEAST_SWING * (high[i] - low[i]))
        if duration < best[3]:
            best = (int(i), first, last, duration)
    return best


@numba.njit(cache=True)
def _shortest_of(times, g, swing):
    """The first and last sample above half height, and the duration, of a component's shortest pulse.

    Extremes alternate, and each differs from the one before it by `swing` at least; the ends of the series count as such.
    """
    before = last = candidate = 0  # the last two extremes, and what may be the next
    rising = g[0] < g[-1]
    best_first, best_last, shortest = 0, 0, np.inf
    for k in range(1, g.size + 1):
        if k < g.size and (g[k] > g[candidate] if rising else g[k] < g[candidate]):
            candidate = k
        elif k == g.size or abs(g[k] - g[candidate]) >= swing:
            if before < last < candidate:
                duration, i, j = _duration(times, g, before, last, candidate)
                if duration < shortest:
                    best_first, best_last, shortest = i, j, duration
            before, last, candidate, rising = last, candidate, k, not rising
    return best_first, best_last, shortest


@numba.njit(cache=True)
def _duration(times, g, left, middle, right):
    """How long g is nearer to its extreme in the middle than to the nearer of the two sides' values, and the first and
    last sample where it is."""
    sign = 1.0 if g[middle] > g[left] else -1.0
    height = min(abs(g[middle] - g[left]), abs(g[middle] - g[right]))
    level = sign * g[middle] - 0.5 * height
    i = j = middle
    while i > left and sign * g[i - 1] > level:
        i -= 1
    while j < right and sign * g[j + 1] > level:
        j += 1
    start, end = times[i], times[j]
    if i > 0:
        start -= (times[i] - times[i - 1]) * _share(sign * g[i], sign * g[i - 1], level)
    if j + 1 < g.size:
        end += (times[j + 1] - times[j]) * _share(sign * g[j], sign * g[j + 1], level)
    return end - start, i, j


@numba.njit(cache=True)
def _share(inner, outer, level):
    """Where a straight line from `inner` to `outer` meets the level, as a share of the way."""
    return min(1.0, (inner - level) / (inner - outer)) if inner > outer else 1.0
