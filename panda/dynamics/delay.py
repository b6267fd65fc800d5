"""Trajectories and tangent flow of scalar equations with delay, by DOP853 as a method of steps.

``dx/dt = f(t, x(t), x(t - tau))`` needs x over a whole delay before it can begin. A step is never longer than tau,
so that x(t - tau) is always known: from the initial history, or from the interpolant of a step already made. That
interpolant is of order 7, which keeps the method at order 8 (Bellen and Zennaro, "Numerical Methods for Delay
Differential Equations", 2003: the smaller of the method's order and the interpolant's plus one).

The state is what dysts saves: x at ``dimension`` times (nodes), equally spaced from t back to t - tau. As a start it
stands for the history that the shape-preserving piecewise cubic (PCHIP) through it gives. x' jumps where the history
ends and x'' at its nodes, and each jump returns a delay later in the next derivative. So for the first ``order``
delays a step ends at every time at which some jump may stand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numba import njit
from scipy.interpolate import PchipInterpolator

from panda.dynamics import tableau
from panda.dynamics import workspace as ws
from panda.dynamics.dop853 import MAX_FACTOR, MIN_FACTOR, N_STAGES, OPTIONS, SAFETY, STRETCH, call_lanes
from panda.systems.flow import Ensemble, Flow
from panda.systems.lanes import N_LANES

A, C, E3, E5, DENSE = tableau.A, tableau.C, tableau.E3, tableau.E5, tableau.D
N_SLOPES = tableau.N_STAGES_EXTENDED
ORDER = 8
N_PIECES = 16_384  # steps kept: more in one delay than this count as the end of the budget
FIRST_STEP = 1e-3  # of the delay; the controller lengthens it tenfold a step
GAUSS = np.polynomial.legendre.leggauss(ORDER)
NODES, WEIGHTS = (GAUSS[0] + 1) / 2, GAUSS[1] / 2  # on [0, 1]

# All that is compiled but `call_lanes` stays in this file, and nothing allocates: dop853.py says why.
compiled = njit(**OPTIONS)


class System(NamedTuple):
    """Address of the compiled function, a jvp with ``tangent``; then rows are x and v, else x alone."""

    function: int
    delay_index: int
    n_nodes: int
    tangent: bool


class Members(NamedTuple):
    """What is integrated, one row per member."""

    history: np.ndarray  # (n, n_rows, n_nodes) from t - tau to t
    slope: np.ndarray  # (n, n_rows, n_nodes) per interval between nodes
    parameters: np.ndarray  # (n, n_params)
    stops: np.ndarray  # (n, n_stops)
    limit: float  # largest |x|


class Work(NamedTuple):
    """Working arrays. Piece i of the past is a polynomial over [start[i], start[i + 1]]."""

    start: np.ndarray  # (N_PIECES + 1,)
    piece: np.ndarray  # (N_PIECES, n_rows, 8): y at the start, then the interpolant's seven coefficients
    seek: (
        np.ndarray
    )  # (1 + n_nodes,) pieces that the delayed stages and the saved coordinates were last found in
    n_pieces: np.ndarray  # (1,)
    k: np.ndarray  # (16, n_rows) slopes
    y: np.ndarray  # (n_rows,)
    y_new: np.ndarray
    stage: np.ndarray
    lane_t: np.ndarray  # rows of eight equal lanes for the compiled function
    lane_y: np.ndarray
    lane_v: np.ndarray
    lane_p: np.ndarray
    lane_dy: np.ndarray
    lane_dv: np.ndarray


def run_members(
    flow: Flow,
    ensemble: Ensemble,
    *,
    tangent: Float64[np.ndarray, " dimension"] | None,
    stops: Float64[np.ndarray, "n n_stops"],
    n_points: int,
    limit: float,
    control: ws.Control,
) -> ws.Results:
    """What ``integrate.run_members`` does, for a founder with delay: the same results, statuses and budget.

    With ``n_points`` the first state is that at time tau, all of it integrated, and the rest follows from there:
    dysts' convention. ``tangent`` is a tangent history like a state. Its norm, which ``log_growth`` counts, is
    the root mean square of v over the delay, ``sqrt(1/tau int_{t - tau}^t v(s)^2 ds)`` (Farmer, Physica D 4, 1982;
    as a norm of functions Ansmann, Chaos 28, 2018).
    ``limit`` is the largest |x| that has not diverged. A member whose delay is not positive ends as ``acausal``.
    """
    n, dimension = ensemble.initial.shape
    founder = flow.driver
    states = [ensemble.initial] if tangent is None else [ensemble.initial, np.tile(tangent, (n, 1))]
    history = np.ascontiguousarray(np.stack(states, axis=1)[:, :, ::-1])
    members = Members(
        history=history,
        slope=_slopes(history),
        parameters=np.array(ensemble.driver_parameters),
        stops=np.array(stops, dtype=np.float64, order="C"),
        limit=float(limit),
    )
    assert founder.delay_index is not None
    system = System(
        function=int(flow.driver_rhs if tangent is None else flow.driver_jvp),
        delay_index=int(founder.delay_index),
        n_nodes=dimension,
        tangent=tangent is not None,
    )
    results = ws.make_results(
        n,
        n_stops=stops.shape[1],
        n_points=n_points,
        dimension=dimension,
        n_vectors=0 if tangent is None else 1,
    )
    run(system, control, members, _make_work(len(states), dimension, founder.n_parameters), results)
    return results


def _slopes(history: Float64[np.ndarray, "n rows nodes"]) -> Float64[np.ndarray, "n rows nodes"]:
    """Slopes of the PCHIP interpolant at its nodes, per interval; a history that is not finite has none."""
    times = np.arange(history.shape[2])
    finite = np.where(np.isfinite(history), history, 0.0)
    return np.ascontiguousarray(PchipInterpolator(times, finite, axis=2).derivative()(times))


def _make_work(n_rows: int, n_nodes: int, n_parameters: int) -> Work:
    def lanes(n: int) -> np.ndarray:
        return np.zeros(n * N_LANES)

    return Work(
        start=np.empty(N_PIECES + 1),
        piece=np.zeros((N_PIECES, n_rows, 8)),
        seek=np.zeros(1 + n_nodes, dtype=np.int64),
        n_pieces=np.zeros(1, dtype=np.int64),
        k=np.zeros((N_SLOPES, n_rows)),
        y=np.zeros(n_rows),
        y_new=np.zeros(n_rows),
        stage=np.zeros(n_rows),
        lane_t=lanes(1),
        lane_y=lanes(2),
        lane_v=lanes(2),
        lane_p=lanes(n_parameters),
        lane_dy=lanes(1),
        lane_dv=lanes(1),
    )


@compiled
def _value(work, i, row, time):
    """The interpolant of piece i at a time; beyond its ends by the rounding of the time only."""
    x = (time - work.start[i]) / (work.start[i + 1] - work.start[i])
    z = 1.0 - x
    f = work.piece[i, row]
    inner = f[4] + x * (f[5] + z * (f[6] + x * f[7]))
    return f[0] + x * (f[1] + z * (f[2] + x * (f[3] + z * inner)))


@compiled
def _find(work, i, time):
    """The piece that holds a time, looked for from piece i on."""
    while i + 1 < work.n_pieces[0] and work.start[i + 1] <= time:
        i += 1
    return i


@compiled
def _evaluate(system, work, time, tau, state, slope):
    """slope = f(time, x(time), x(time - tau)); with `tangent` also the derivative along v."""
    past = time - tau
    i = _find(work, work.seek[0], past)
    x = _value(work, i, 0, past)
    for lane in range(N_LANES):
        work.lane_t[lane] = time
        work.lane_y[lane] = state[0]
        work.lane_y[N_LANES + lane] = x
    if system.tangent:
        v = _value(work, i, 1, past)
        for lane in range(N_LANES):
            work.lane_v[lane] = state[1]
            work.lane_v[N_LANES + lane] = v
        arrays = (work.lane_t, work.lane_y, work.lane_v, work.lane_p, work.lane_dy, work.lane_dv)
        call_lanes(system.function, arrays)
        slope[1] = work.lane_dv[0]
    else:
        call_lanes(system.function, (work.lane_t, work.lane_y, work.lane_p, work.lane_dy))
    slope[0] = work.lane_dy[0]


@compiled
def _load(system, members, work, member, tau):
    """The member's history as pieces, its parameters in every lane, and its state and slope at time zero."""
    n_intervals = system.n_nodes - 1
    for i in range(n_intervals + 1):
        work.start[i] = -tau * (n_intervals - i) / n_intervals
    for row in range(work.y.size):
        value, slope = members.history[member, row], members.slope[member, row]
        for i in range(n_intervals):
            f = work.piece[i, row]
            f[:] = 0.0
            f[0] = value[i]
            f[1] = value[i + 1] - value[i]
            f[2] = slope[i] - f[1]
            f[3] = f[1] - slope[i + 1] - f[2]
        work.y[row] = value[n_intervals]
    for j in range(members.parameters.shape[1]):
        for lane in range(N_LANES):
            work.lane_p[j * N_LANES + lane] = members.parameters[member, j]
    work.n_pieces[0] = n_intervals
    work.seek[:] = 0
    _evaluate(system, work, 0.0, tau, work.y, work.k[0])


@compiled
def _stages(system, work, t, h, tau, first, last, state):
    """Slopes k[s] for s = first..last; `state` ends as the state of the last one."""
    for s in range(first, last + 1):
        for row in range(work.y.size):
            total = 0.0
            for j in range(s):
                total += A[s, j] * work.k[j, row]
            state[row] = work.y[row] + h * total
        _evaluate(system, work, t + C[s] * h, tau, state, work.k[s])


@compiled
def _scaled_error(control, work, h):
    """error = e5^2 / sqrt((e5^2 + e3^2 / 100) n) of the attempt, as in dop853.py."""
    sum_5 = sum_3 = 0.0
    for row in range(work.y.size):
        e_5 = e_3 = 0.0
        for j in range(N_STAGES + 1):
            e_5 += E5[j] * work.k[j, row]
            e_3 += E3[j] * work.k[j, row]
        scale = control.atol + control.rtol * max(abs(work.y[row]), abs(work.y_new[row]))
        sum_5 += (h * e_5 / scale) ** 2
        sum_3 += (h * e_3 / scale) ** 2
    if sum_5 == 0.0 and sum_3 == 0.0:
        return 0.0
    return sum_5 / np.sqrt((sum_5 + 0.01 * sum_3) * work.y.size)


@compiled
def _violation(members, y, slope):
    """0; 1 beyond the limit; NaN if state or slope is not finite."""
    beyond = 1.0 if abs(y[0]) > members.limit else 0.0
    for row in range(y.size):
        beyond += 0.0 * y[row] + 0.0 * slope[row]
    return beyond


@compiled
def _make_room(work):
    """Drop the pieces from before the last delay; False if none is left to drop."""
    first, n = work.seek[0], work.n_pieces[0]
    if first == 0:
        return False
    for i in range(first, n):
        work.start[i - first] = work.start[i]
        for row in range(work.y.size):
            for j in range(work.piece.shape[2]):
                work.piece[i - first, row, j] = work.piece[i, row, j]
    work.start[n - first] = work.start[n]
    for j in range(work.seek.size):
        work.seek[j] = max(work.seek[j] - first, 0)
    work.n_pieces[0] = n - first
    return True


@compiled
def _append(system, work, t, t_new, tau):
    """The accepted step as a new piece: three more stages and the interpolant's coefficients."""
    h = t_new - t
    _stages(system, work, t, h, tau, N_STAGES + 1, N_SLOPES - 1, work.stage)
    i = work.n_pieces[0]
    for row in range(work.y.size):
        f = work.piece[i, row]
        f[0] = work.y[row]
        f[1] = work.y_new[row] - work.y[row]
        f[2] = h * work.k[0, row] - f[1]
        f[3] = 2.0 * f[1] - h * (work.k[N_STAGES, row] + work.k[0, row])
        for q in range(4):
            total = 0.0
            for j in range(N_SLOPES):
                total += DENSE[q, j] * work.k[j, row]
            f[4 + q] = h * total
    work.start[i + 1] = t_new
    work.n_pieces[0] = i + 1


@compiled
def _write_points(work, results, member, t_new, tau, end):
    """The states that the steps so far cover: x at each node of the delay before time tau + k spacing."""
    n_points, n_nodes = results.states.shape[1], results.states.shape[2]
    spacing = (end - tau) / (n_points - 1)
    point = results.n_points[member]
    while point < n_points and (tau + point * spacing <= t_new or t_new == end):
        time = tau + point * spacing if point + 1 < n_points else end
        for j in range(n_nodes):
            past = time - tau * j / (n_nodes - 1)
            work.seek[1 + j] = _find(work, work.seek[1 + j], past)
            results.states[member, point, j] = _value(work, work.seek[1 + j], 0, past)
        point += 1
    results.n_points[member] = point


@compiled
def _renormalise(work, t, tau):
    """Scale v over the last delay to root mean square 1; the logarithm of what it was.

    Exact, as the tangent flow is linear, and by quadrature of the degree of the interpolant's square.
    """
    total = 0.0
    for i in range(work.seek[0], work.n_pieces[0]):
        begin = max(work.start[i], t - tau)
        length = work.start[i + 1] - begin
        for q in range(NODES.size):
            total += length * WEIGHTS[q] * _value(work, i, 1, begin + length * NODES[q]) ** 2
    norm = np.sqrt(total / tau)
    for i in range(work.seek[0], work.n_pieces[0]):
        for j in range(work.piece.shape[2]):
            work.piece[i, 1, j] /= norm
    work.y[1] /= norm
    work.k[0, 1] /= norm
    return np.log(norm)


@compiled
def _start(system, members, work, results, member, tau):
    """Load a member; RUNNING, or how it ended before it began."""
    if not (tau > 0.0 and np.isfinite(tau)):
        return ws.ACAUSAL
    _load(system, members, work, member, tau)
    results.n_evaluations[member] = 1
    for j in range(system.n_nodes):
        if not abs(members.history[member, 0, j]) <= members.limit:
            return ws.DIVERGED
    return ws.RUNNING if _violation(members, work.y, work.k[0]) == 0.0 else ws.DIVERGED


@compiled
def _accept(system, work, results, member, t, t_new, tau, end):
    """Keep the step as a piece of the past, write the points it covers, and move to its end."""
    _append(system, work, t, t_new, tau)
    results.n_steps[member] += 1
    results.n_evaluations[member] += N_SLOPES - 1 - N_STAGES
    for row in range(work.y.size):
        work.y[row] = work.y_new[row]
        work.k[0, row] = work.k[N_STAGES, row]
    if results.states.shape[1] > 0:
        _write_points(work, results, member, t_new, tau, end)
    work.seek[0] = _find(work, work.seek[0], t_new - tau)


@compiled
def _integrate(system, control, members, work, results, member):
    """One member from its history to its last stop; returns how it ended."""
    tau, stops = members.parameters[member, system.delay_index], members.stops[member]
    status = _start(system, members, work, results, member, tau)
    if status != ws.RUNNING:
        return status
    offset = tau if results.states.shape[1] > 0 else 0.0  # saved states begin where all of them is integrated
    spacing, n_jumps = tau / (system.n_nodes - 1), ORDER * (system.n_nodes - 1)
    t, planned, renormalised, jump, was_rejected = 0.0, FIRST_STEP * tau, 0.0, 1, False
    while True:
        stop = stops[results.n_stops[member]] + offset
        target = min(stop, jump * spacing) if jump <= n_jumps else stop
        h = min(planned, tau / STRETCH)
        t_new = target if t + STRETCH * h >= target else t + h
        h = t_new - t
        _stages(system, work, t, h, tau, 1, N_STAGES, work.y_new)
        results.n_evaluations[member] += N_STAGES
        error = _scaled_error(control, work, h)
        violation = _violation(members, work.y_new, work.k[N_STAGES])
        finite = np.isfinite(error) and np.isfinite(violation)
        factor = MIN_FACTOR
        if finite:
            factor = min(MAX_FACTOR, max(MIN_FACTOR, SAFETY / np.sqrt(np.sqrt(np.sqrt(error)))))
        if finite and error < 1.0:
            if violation > 0.0:
                return ws.DIVERGED
            _accept(system, work, results, member, t, t_new, tau, stops[-1] + offset)
            t = t_new
            wanted = h * (min(1.0, factor) if was_rejected else factor)
            # A step cut short for a stop or a jump is no reason to go on with short steps.
            planned = max(wanted, planned) if t == target else wanted
            was_rejected = False
            if system.tangent and (t == stop or t - renormalised >= tau):
                results.log_growth[member, results.n_stops[member], 0] += _renormalise(work, t, tau)
                renormalised = t
            while jump * spacing <= t:
                jump += 1
            if t == stop:
                results.n_stops[member] += 1
                if results.n_stops[member] == stops.size:
                    return ws.COMPLETE
            if work.n_pieces[0] == N_PIECES and not _make_room(work):
                return ws.BUDGET
        else:
            results.n_rejected[member] += 1
            planned = h * factor
            was_rejected = True
        if planned < control.min_step or t + planned == t:
            return ws.UNDERFLOW if finite else ws.DIVERGED
        if results.n_steps[member] + results.n_rejected[member] >= control.max_steps:
            return ws.BUDGET


@njit(cache=True, nogil=True, **OPTIONS)
def run(system: System, control: ws.Control, members: Members, work: Work, results: ws.Results) -> None:
    """Integrate all members, one after another: a member's bits cannot depend on the others.

    One lane of the compiled function is used, eight hold the same: a step's cost is in the history, not in f.
    """
    for member in range(members.parameters.shape[0]):
        results.status[member] = _integrate(system, control, members, work, results, member)
