"""The explicit Runge-Kutta method of order 8 (DOP853) on eight lanes, each with its own step size.

Tangent vectors are orthonormalised after every step, and carried over every jump of the right-hand side: a step that
crosses a switching surface is taken again to end on it, with the same smooth field on all of it, and then the sides
change (`_locate`, `_jump`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from panda.dynamics import tableau
from panda.dynamics import workspace as ws
from panda.systems.lanes import N_LANES

C = tableau.C
N_ROWS_A = tableau.N_STAGES_EXTENDED
WEIGHTS = [*tableau.A, tableau.E5, tableau.E3, *tableau.D]
ROW_ERROR_5, ROW_ERROR_3, ROW_DENSE = N_ROWS_A, N_ROWS_A + 1, N_ROWS_A + 2
N_STAGES = tableau.N_STAGES
N_EXTRA_STAGES = tableau.N_STAGES_EXTENDED - tableau.N_STAGES - 1

# The step controller of scipy's DOP853: next step = step * clip(SAFETY * error^(-1/8), MIN, MAX).
SAFETY, MIN_FACTOR, MAX_FACTOR = 0.9, 0.2, 10.0
# How a step that crosses a surface is looked at: points of a grid over it, halvings of the crossing's bracket and thirds
# around a dip, how near zero a dip's parabola is still looked into (of the largest value), and which part of a step
# counts as the same time.
N_GRID, N_BISECTIONS, N_THIRDS, NEAR_VERTEX, SAME_TIME = ws.N_GRID_POINTS - 1, 44, 40, 0.05, 1e-7
MAX_SALTATION = (
    1e8  # growth of a tangent vector in one jump beyond which the flow is said to touch the surface
)
STRETCH = 1.01  # a last step may be this much longer, so that no sliver of a step is left

# Everything compiled stays in this file: numba's cache notices a change of the file of `run` only.
# Without reference counts (nrt), which would take nine tenths of the time; so nothing here allocates.
OPTIONS = {"error_model": "numpy", "_nrt": False}
compiled = njit(**OPTIONS)
inlined = njit(forceinline=True, **OPTIONS)


def _intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """numba's `intrinsic`, typed: who calls what it decorates gives no `typingctx`."""
    return intrinsic(function)


@_intrinsic
def call_lanes(typingctx, address, arrays):
    """Call the compiled function at `address` with the data pointers of a tuple of float64 arrays."""

    def codegen(context, builder, signature, args):
        pointer = ir.DoubleType().as_pointer()
        rows = cgutils.unpack_tuple(builder, args[1])
        data = [
            cgutils.create_struct_proxy(kind)(context, builder, value=row).data
            for kind, row in zip(signature.args[1], rows, strict=True)
        ]
        kind = ir.FunctionType(ir.VoidType(), [pointer] * len(data))
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), data)
        return context.get_dummy_value()

    return types.void(types.int64, arrays), codegen


@inlined
def _couple(lanes, first_scale, n_a, n_b, driver_slope, response_slope, out):
    """out[i] = driver_scale[i] Pad(driver_slope)[driver_index[i]] + response_scale[i] response_slope[i]."""
    for m in range(n_a):
        lanes.padded[m] = driver_slope[m]
    driver_scale = lanes.parameters[first_scale:]
    response_scale = lanes.parameters[first_scale + n_b :]
    for m in range(n_b):
        out[m] = driver_scale[m] * lanes.padded[lanes.offset[m]] + response_scale[m] * response_slope[m]


@inlined
def _evaluate(system, lanes, y, slope):
    """slope = f(t_stage, y) on all lanes; with tangent vectors also (df/dx) v of each, below x (workspace)."""
    n_a, n_b = system.driver_dimension * N_LANES, system.response_dimension * N_LANES
    p, t = lanes.parameters, lanes.t_stage
    p_b = p[system.n_driver_parameters * N_LANES :]
    first_scale = (system.n_driver_parameters + system.n_response_parameters) * N_LANES
    f_b, f_b_v = lanes.response_slope, lanes.response_slope_v
    if system.n_driver_vectors == 0:
        call_lanes(system.driver, (t, y, p, slope))
        if system.response != 0:
            call_lanes(system.response, (t, y[n_a:], p_b, f_b))
    v = n_a + n_b
    for _ in range(system.n_driver_vectors):
        call_lanes(system.driver, (t, y, y[v:], p, slope, slope[v:]))
        v += n_a
    for _ in range(system.n_response_vectors):
        call_lanes(system.response, (t, y[n_a:], y[v:], p_b, f_b, f_b_v))
        drive = slope[n_a + n_b :] if system.coupled else lanes.no_drive
        _couple(lanes, first_scale, n_a, n_b, drive, f_b_v, slope[v:])
        v += n_b
    if system.response != 0:
        _couple(lanes, first_scale, n_a, n_b, slope, f_b, slope[n_a:])


@_intrinsic
def _combine(typingctx, row, y, h, k, out):
    """out = h * sum_j WEIGHTS[row][j] k[j] on all components, plus y if `row` is one of A's.

    Written as vector instructions because the compiler leaves the equivalent loops scalar.
    """
    lane_vector = ir.VectorType(ir.DoubleType(), N_LANES)

    def codegen(context, builder, signature, arguments):
        arrays = [
            cgutils.create_struct_proxy(kind)(context, builder, value=value)
            for kind, value in zip(signature.args[1:], arguments[1:], strict=True)
        ]
        y_data, h_data, k_data, out_data = (array.data for array in arrays)
        which, size = arguments[0], arrays[3].nitems
        integer = size.type

        def at(data, index):
            return builder.bitcast(builder.gep(data, [index]), lane_vector.as_pointer())

        fma_type = ir.FunctionType(lane_vector, [lane_vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, fma_type, f"llvm.fma.v{N_LANES}f64")
        step = builder.load(at(h_data, integer(0)), align=8)
        end = builder.append_basic_block("combined")
        switch = builder.switch(which, end)
        for row, weights in enumerate(WEIGHTS):
            if not np.any(weights):
                continue
            block = builder.append_basic_block(f"row_{row}")
            switch.add_case(which.type(row), block)
            builder.position_at_end(block)
            with cgutils.for_range_slice(builder, integer(0), size, integer(N_LANES), integer) as (m, _):
                total = ir.Constant(lane_vector, [0.0] * N_LANES)
                for j in np.flatnonzero(weights):
                    start = builder.mul(size, integer(int(j)))
                    slope = builder.load(at(k_data, builder.add(start, m)), align=8)
                    weight = ir.Constant(lane_vector, [float(weights[j])] * N_LANES)
                    total = builder.call(fma, [weight, slope, total])
                if row < N_ROWS_A:
                    value = builder.call(fma, [step, total, builder.load(at(y_data, m), align=8)])
                else:
                    value = builder.fmul(step, total)
                builder.store(value, at(out_data, m), align=8)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(row, y, h, k, out), codegen


@inlined
def _stages(first, last, system, lanes, state):
    """For s = first..last: k[s] = f(t + C[s] h, y + h sum_j A[s, j] k[j]); `state` ends as the last one."""
    for s in range(first, last + 1):
        _combine(s, lanes.y, lanes.h, lanes.k, state)
        for lane in range(N_LANES):
            lanes.t_stage[lane] = lanes.t[lane] + C[s] * lanes.h[lane]
        _evaluate(system, lanes, state, lanes.k[s])


@inlined
def _estimate_error(control, lanes):
    """error = e5^2 / sqrt((e5^2 + e3^2 / 100) n) with e3, e5 the 2-norms of the scaled estimates."""
    y, y_new, f_new = lanes.y, lanes.y_new, lanes.k[N_STAGES]
    e_5, e_3 = lanes.work[1], lanes.work[2]
    _combine(ROW_ERROR_5, y, lanes.h, lanes.k, e_5)
    _combine(ROW_ERROR_3, y, lanes.h, lanes.k, e_3)
    n = y.size // N_LANES
    for lane in range(N_LANES):
        sum_5 = sum_3 = violation = 0.0
        for m in range(lane, y.size, N_LANES):
            scale = lanes.atol[m] + control.rtol * max(abs(y[m]), abs(y_new[m]))
            sum_5 += (e_5[m] / scale) ** 2
            sum_3 += (e_3[m] / scale) ** 2
            violation += 0.0 * y_new[m] + 0.0 * f_new[m] + (1.0 if abs(y_new[m]) > lanes.limit[m] else 0.0)
        both_zero = sum_5 == 0.0 and sum_3 == 0.0
        lanes.error[lane] = 0.0 if both_zero else sum_5 / np.sqrt((sum_5 + 0.01 * sum_3) * n)
        lanes.violation[lane] = violation


@compiled
def _load(members, lanes, lane):
    """Copy a member's initial state, parameters and coupling into its lane."""
    member = lanes.member[lane]
    for i in range(members.initial.shape[1]):
        lanes.y[i * N_LANES + lane] = members.initial[member, i]
        lanes.limit[i * N_LANES + lane] = members.limit[member, i]
        lanes.atol[i * N_LANES + lane] = members.atol[member, i]
    for i in range(members.parameters.shape[1]):
        lanes.parameters[i * N_LANES + lane] = members.parameters[member, i]
    for i in range(members.driver_index.shape[1]):
        lanes.offset[i * N_LANES + lane] = members.driver_index[member, i] * N_LANES + lane
    lanes.t[lane] = 0.0
    lanes.max_step[lane] = members.max_step[member]
    lanes.was_rejected[lane] = False
    lanes.event[lane] = -1


@compiled
def _first_step(system, members, control, lanes):
    """First slope and step of the fresh lanes (Hairer's II.4, as scipy has it); the others keep theirs."""
    y, slope, slope_1, trial, d_1 = lanes.y, lanes.k[1], lanes.k[2], lanes.y_new, lanes.error
    n = y.size // N_LANES
    for lane in range(N_LANES):
        lanes.t_stage[lane] = lanes.t[lane]
    _evaluate(system, lanes, y, slope)
    for lane in range(N_LANES):
        lanes.h[lane] = 0.0
        if lanes.fresh[lane]:
            violation = square_0 = square_1 = 0.0
            for m in range(lane, y.size, N_LANES):
                lanes.k[0, m] = slope[m]
                scale = lanes.atol[m] + control.rtol * abs(y[m])
                square_0 += (y[m] / scale) ** 2
                square_1 += (slope[m] / scale) ** 2
                violation += 0.0 * y[m] + 0.0 * slope[m] + (1.0 if abs(y[m]) > lanes.limit[m] else 0.0)
            lanes.violation[lane] = violation
            d_0, d_1[lane] = np.sqrt(square_0 / n), np.sqrt(square_1 / n)
            h = 1e-6 if d_0 < 1e-5 or d_1[lane] < 1e-5 else 0.01 * d_0 / d_1[lane]
            lanes.h[lane] = min(h, members.stops[lanes.member[lane], 0])
            lanes.t_stage[lane] = lanes.h[lane]
    for i in range(n):
        for lane in range(N_LANES):
            m = i * N_LANES + lane
            trial[m] = y[m] + lanes.h[lane] * slope[m]
    _evaluate(system, lanes, trial, slope_1)
    for lane in range(N_LANES):
        if lanes.fresh[lane]:
            h = lanes.h[lane]
            square_2 = 0.0
            for m in range(lane, y.size, N_LANES):
                square_2 += ((slope_1[m] - slope[m]) / (lanes.atol[m] + control.rtol * abs(y[m]))) ** 2
            d_2 = np.sqrt(square_2 / n) / h
            largest = max(d_1[lane], d_2)
            wanted = max(1e-6, 1e-3 * h)
            if largest > 1e-15:
                wanted = np.sqrt(np.sqrt(np.sqrt(0.01 / largest)))
            # A slope that is not finite at the trial state says nothing: the trial step itself is kept.
            planned = min(100.0 * h, wanted) if np.isfinite(d_2) else h
            lanes.planned[lane] = min(planned, lanes.max_step[lane])


@inlined
def _find(lanes, busy):
    """The first lane that is busy (or idle), -1 if none is."""
    for lane in range(N_LANES):
        if (lanes.member[lane] >= 0) == busy:
            return lane
    return -1


@compiled
def _refill(system, members, control, lanes, results, queue):
    """Give idle lanes the next members (a member with a bad start diverges at once) and pad those left over.

    A padded lane holds a copy of a busy one and never moves, so that no lane computes with garbage.
    """
    fresh = lanes.fresh
    while queue < len(members.initial) and _find(lanes, False) >= 0:
        for lane in range(N_LANES):
            fresh[lane] = lanes.member[lane] < 0 and queue < len(members.initial)
            if fresh[lane]:
                lanes.member[lane] = queue
                _load(members, lanes, lane)
                queue += 1
        if lanes.surface.size > 0:
            _choose_sides(system, lanes)
        _first_step(system, members, control, lanes)
        for lane in range(N_LANES):
            if fresh[lane]:
                results.n_evaluations[lanes.member[lane]] += 2
                if lanes.violation[lane] != 0.0:
                    results.status[lanes.member[lane]] = ws.DIVERGED
                    lanes.member[lane] = -1
    busy = _find(lanes, True)
    for lane in range(N_LANES):
        if lanes.member[lane] < 0 and busy >= 0:
            lanes.t[lane] = lanes.t[busy]
            for row in (lanes.y, lanes.k[0], lanes.parameters):
                for m in range(0, row.size, N_LANES):
                    row[m + lane] = row[m + busy]
            for m in range(0, lanes.offset.size, N_LANES):
                lanes.offset[m + lane] = lanes.offset[m + busy] - busy + lane
    return queue


@inlined
def _plan(members, lanes, results):
    """Choose each lane's step: what the controller wants, cut (or stretched a little) to end on a stop."""
    for lane in range(N_LANES):
        member = lanes.member[lane]
        t = lanes.t[lane]
        if member < 0:
            lanes.t_new[lane] = t
        else:
            stop = members.stops[member, results.n_stops[member]]
            h = lanes.planned[lane]
            if lanes.event[lane] >= 0:
                lanes.t_new[lane] = min(t + lanes.event_h[lane], stop)
            else:
                lanes.t_new[lane] = stop if t + STRETCH * h >= stop else t + h
        lanes.h[lane] = lanes.t_new[lane] - t


@inlined
def _judge(members, control, lanes, results):
    """Accept or reject each lane's attempt, plan its next step, and end members that failed."""
    for lane in range(N_LANES):
        member = lanes.member[lane]
        lanes.accepted[lane] = False
        if member < 0:
            continue
        results.n_evaluations[member] += N_STAGES
        if lanes.cut[lane]:
            results.n_rejected[member] += 1
            if results.status[member] == ws.RUNNING and (
                results.n_steps[member] + results.n_rejected[member] >= control.max_steps
            ):
                results.status[member] = ws.BUDGET
            continue
        error, h = lanes.error[lane], lanes.h[lane]
        finite = np.isfinite(error) and np.isfinite(lanes.violation[lane])
        factor = MIN_FACTOR
        if finite:
            factor = min(MAX_FACTOR, max(MIN_FACTOR, SAFETY / np.sqrt(np.sqrt(np.sqrt(error)))))
        at_stop = False
        if finite and error < 1.0:
            results.n_steps[member] += 1
            stop = results.n_stops[member]
            at_stop = lanes.t_new[lane] == members.stops[member, stop]
            wanted = h * (min(1.0, factor) if lanes.was_rejected[lane] else factor)
            # A step cut short for a stop or a surface is no reason to go on with short steps.
            short = at_stop or lanes.event[lane] >= 0
            planned = max(wanted, lanes.planned[lane]) if short else wanted
            lanes.planned[lane] = min(planned, lanes.max_step[lane])
            lanes.was_rejected[lane] = False
            if lanes.violation[lane] > 0.0:
                results.status[member] = ws.DIVERGED
            else:
                lanes.accepted[lane] = True
                if at_stop and stop + 1 == members.stops.shape[1]:
                    results.status[member] = ws.COMPLETE
        else:
            results.n_rejected[member] += 1
            lanes.planned[lane] = h * factor
            lanes.was_rejected[lane] = True
            lanes.event[lane] = -1
        if results.status[member] == ws.RUNNING:
            planned = lanes.planned[lane]
            if planned < control.min_step or lanes.t_new[lane] + planned == lanes.t_new[lane]:
                results.status[member] = ws.UNDERFLOW if finite else ws.DIVERGED
            elif results.n_steps[member] + results.n_rejected[member] >= control.max_steps:
                results.status[member] = ws.BUDGET


@inlined
def _interpolant(system, lanes):
    """Three more stages and the coefficients of the interpolant of order 7 over the step just attempted."""
    _stages(N_STAGES + 1, N_STAGES + N_EXTRA_STAGES, system, lanes, lanes.work[0])
    f = lanes.dense
    for q in range(4):
        _combine(ROW_DENSE + q, lanes.y, lanes.h, lanes.k, f[3 + q])
    for i in range(lanes.y.size // N_LANES):
        for lane in range(N_LANES):
            m = i * N_LANES + lane
            difference = lanes.y_new[m] - lanes.y[m]
            f[0, m] = difference
            f[1, m] = lanes.h[lane] * lanes.k[0, m] - difference
            f[2, m] = 2.0 * difference - lanes.h[lane] * (lanes.k[N_STAGES, m] + lanes.k[0, m])


@inlined
def _write_points(system, members, lanes, results):
    """Dense output: y(t + x h) of the interpolant at the points that the accepted steps cover."""
    n_points, dimension = results.states.shape[1], results.states.shape[2]
    any_due = False
    for lane in range(N_LANES):
        lanes.due[lane] = 0
        if lanes.accepted[lane]:
            member, t_new = lanes.member[lane], lanes.t_new[lane]
            end = members.stops[member, -1]
            spacing = end / (n_points - 1)
            due = results.n_points[member]
            while due < n_points and (due * spacing <= t_new or t_new == end):
                due += 1
            lanes.due[lane] = due
            any_due |= due > results.n_points[member]
    if not any_due:
        return
    _interpolant(system, lanes)
    y, f = lanes.y, lanes.dense
    for lane in range(N_LANES):
        member = lanes.member[lane]
        if lanes.due[lane] == 0 or lanes.due[lane] == results.n_points[member]:
            continue
        results.n_evaluations[member] += N_EXTRA_STAGES
        spacing = members.stops[member, -1] / (n_points - 1)
        for point in range(results.n_points[member], lanes.due[lane]):
            x = (point * spacing - lanes.t[lane]) / lanes.h[lane] if point + 1 < n_points else 1.0
            z = 1.0 - x
            for i in range(dimension):
                m = i * N_LANES + lane
                inner = f[3, m] + x * (f[4, m] + z * (f[5, m] + x * f[6, m]))
                value = y[m] + x * (f[0, m] + z * (f[1, m] + x * (f[2, m] + z * inner)))
                results.states[member, point, i] = value
        results.n_points[member] = lanes.due[lane]


@inlined
def _mark_surfaces(system, lanes, y, v):
    """surface, normal_v and partial_t at states y (and vectors v) and times t_stage, on all lanes."""
    first = system.n_driver_switches * N_LANES
    n_a, p = system.driver_dimension * N_LANES, lanes.parameters
    if system.n_driver_switches > 0:
        call_lanes(
            system.driver_surfaces, (lanes.t_stage, y, v, p, lanes.surface, lanes.normal_v, lanes.partial_t)
        )
    if system.n_response_switches > 0:
        p_b = p[system.n_driver_parameters * N_LANES :]
        s, ds, st = lanes.surface[first:], lanes.normal_v[first:], lanes.partial_t[first:]
        call_lanes(system.response_surfaces, (lanes.t_stage, y[n_a:], v[n_a:], p_b, s, ds, st))


@inlined
def _side(system, k, lane):
    """Where the side of switch k stands among the lanes' parameters."""
    if k < system.n_driver_switches:
        return (system.n_driver_parameters - system.n_driver_switches + k) * N_LANES + lane
    end = system.n_driver_parameters + system.n_response_parameters
    return (end - system.n_response_switches + k - system.n_driver_switches) * N_LANES + lane


@compiled
def _choose_sides(system, lanes):
    """The sides on which the fresh lanes start: the surfaces' signs, or on a surface where the flow leads.

    Once more for every switch, since one may decide what another's surface is.
    """
    n_switches = lanes.surface.size // N_LANES
    for lane in range(N_LANES):
        lanes.t_stage[lane] = lanes.t[lane]
        for k in range(n_switches):
            if lanes.fresh[lane]:
                lanes.parameters[_side(system, k, lane)] = 1.0
    for _ in range(n_switches + 1):
        _evaluate(system, lanes, lanes.y, lanes.jump)
        _mark_surfaces(system, lanes, lanes.y, lanes.jump)
        for k in range(n_switches):
            for lane in range(N_LANES):
                m = k * N_LANES + lane
                if lanes.fresh[lane]:
                    s, leads = lanes.surface[m], lanes.normal_v[m] + lanes.partial_t[m]
                    up = s > 0.0 or (s == 0.0 and leads >= 0.0)
                    lanes.parameters[_side(system, k, lane)] = 1.0 if up else -1.0
                    lanes.rate_before[m] = leads


@compiled
def _look_inside(system, lanes):
    """inside = min_k s_k side_k at the share theta of each lane's step, by the interpolant: below 0 it has crossed."""
    y, f, at = lanes.y, lanes.dense, lanes.work[0]
    for i in range(system.driver_dimension + system.response_dimension):
        for lane in range(N_LANES):
            m = i * N_LANES + lane
            x = lanes.theta[lane]
            z = 1.0 - x
            inner = f[3, m] + x * (f[4, m] + z * (f[5, m] + x * f[6, m]))
            at[m] = y[m] + x * (f[0, m] + z * (f[1, m] + x * (f[2, m] + z * inner)))
    for lane in range(N_LANES):
        lanes.t_stage[lane] = lanes.t[lane] + lanes.theta[lane] * lanes.h[lane]
        lanes.inside[lane] = np.inf
    _mark_surfaces(system, lanes, at, at)
    for k in range(lanes.surface.size // N_LANES):
        for lane in range(N_LANES):
            value = lanes.surface[k * N_LANES + lane] * lanes.parameters[_side(system, k, lane)]
            if value < lanes.inside[lane]:
                lanes.inside[lane], lanes.nearest[lane] = value, k


@compiled
def _bracket(system, lanes):
    """theta_low and theta_high around each cut lane's first crossing, from a grid over its step.

    Where the grid shows none, one between two of its points is looked for if a parabola comes near zero there.
    theta_high is 0 for a lane that leaves its sides at once, 2 for one that does not cross.
    """
    grid = lanes.grid
    for i in range(N_GRID + 1):
        for lane in range(N_LANES):
            lanes.theta[lane] = i / N_GRID
        _look_inside(system, lanes)
        for lane in range(N_LANES):
            grid[i, lane] = lanes.inside[lane]
    any_dips = False
    for lane in range(N_LANES):
        lanes.theta_low[lane], lanes.theta_high[lane] = 0.0, 2.0
        lanes.dips[lane] = False
        if not lanes.cut[lane]:
            continue
        lowest, highest = 0, grid[0, lane]
        for i in range(N_GRID, 0, -1):
            if grid[i, lane] < 0.0:
                lanes.theta_low[lane], lanes.theta_high[lane] = (i - 1) / N_GRID, i / N_GRID
                if grid[i - 1, lane] < 0.0 and i == 1:
                    lanes.theta_high[lane] = 0.0
        for i in range(N_GRID + 1):
            lowest = i if grid[i, lane] < grid[lowest, lane] else lowest
            highest = max(highest, grid[i, lane])
        if lanes.theta_high[lane] > 1.0 and 0 < lowest < N_GRID:
            left, middle, right = grid[lowest - 1, lane], grid[lowest, lane], grid[lowest + 1, lane]
            vertex = middle - (right - left) ** 2 / (8.0 * (left + right - 2.0 * middle))
            if vertex < NEAR_VERTEX * highest:
                lanes.dips[lane] = any_dips = True
                lanes.theta_low[lane], lanes.theta_high[lane] = (lowest - 1) / N_GRID, (lowest + 1) / N_GRID
    if any_dips:
        _look_into_dips(system, lanes)


@compiled
def _look_into_dips(system, lanes):
    """The bracket's end of each lane that dips becomes its lowest point, if that is outside; else 2."""
    low, high, left = lanes.theta_left, lanes.theta_right, lanes.grid[0]
    for lane in range(N_LANES):
        low[lane], high[lane] = lanes.theta_low[lane], lanes.theta_high[lane]
    for _ in range(N_THIRDS):
        for lane in range(N_LANES):
            lanes.theta[lane] = (2.0 * low[lane] + high[lane]) / 3.0
        _look_inside(system, lanes)
        for lane in range(N_LANES):
            left[lane] = lanes.inside[lane]
            lanes.theta[lane] = (low[lane] + 2.0 * high[lane]) / 3.0
        _look_inside(system, lanes)
        for lane in range(N_LANES):
            if left[lane] < lanes.inside[lane]:
                high[lane] = lanes.theta[lane]
            else:
                low[lane] = (2.0 * low[lane] + high[lane]) / 3.0
    for lane in range(N_LANES):
        lanes.theta[lane] = 0.5 * (low[lane] + high[lane])
    _look_inside(system, lanes)
    for lane in range(N_LANES):
        if lanes.dips[lane]:
            lanes.theta_high[lane] = lanes.theta[lane] if lanes.inside[lane] < 0.0 else 2.0


@compiled
def _find_crossings(system, control, lanes, results):
    """Of the cut lanes, those that cross are to end on the surface: `event` and `event_h`; the others are not cut."""
    _interpolant(system, lanes)
    _bracket(system, lanes)
    for _ in range(N_BISECTIONS):
        for lane in range(N_LANES):
            lanes.theta[lane] = 0.5 * (lanes.theta_low[lane] + lanes.theta_high[lane])
        _look_inside(system, lanes)
        for lane in range(N_LANES):
            if lanes.inside[lane] < 0.0:
                lanes.theta_high[lane] = lanes.theta[lane]
            else:
                lanes.theta_low[lane] = lanes.theta[lane]
    for lane in range(N_LANES):
        lanes.theta[lane] = lanes.theta_high[lane]
    _look_inside(system, lanes)
    for lane in range(N_LANES):
        if not lanes.cut[lane]:
            continue
        if lanes.theta_high[lane] > 1.0:
            lanes.cut[lane] = False
            continue
        # One that seems to leave its sides at once may come back within a grid's spacing: a shorter step shows it.
        at_once = lanes.theta_high[lane] == 0.0
        lanes.event[lane] = -1 if at_once else lanes.nearest[lane]
        lanes.event_h[lane] = lanes.theta_high[lane] * lanes.h[lane]
        lanes.planned[lane] = lanes.h[lane] / N_GRID if at_once else lanes.h[lane]
        step = lanes.planned[lane] if at_once else lanes.event_h[lane]
        if step < control.min_step or lanes.t[lane] + step == lanes.t[lane]:
            results.status[lanes.member[lane]] = ws.SLIDING


@compiled
def _locate(system, control, lanes, results):
    """Mark the surfaces at the end of each lane's step; a good step that crosses one is cut, to be taken up to it.

    It has crossed where a switching function has left its side at the end, and may have crossed twice where one
    comes nearer at the start and goes away at the end.
    """
    n_switches, any_cut = lanes.surface.size // N_LANES, False
    for lane in range(N_LANES):
        lanes.t_stage[lane] = lanes.t_new[lane]
    _mark_surfaces(system, lanes, lanes.y_new, lanes.k[N_STAGES])
    for lane in range(N_LANES):
        lanes.cut[lane] = False
        good = lanes.member[lane] >= 0 and lanes.event[lane] < 0 and lanes.violation[lane] == 0.0
        if good and lanes.error[lane] < 1.0:
            for k in range(n_switches):
                m = k * N_LANES + lane
                side = lanes.parameters[_side(system, k, lane)]
                leads = lanes.normal_v[m] + lanes.partial_t[m]
                dips = lanes.rate_before[m] * side < 0.0 and leads * side > 0.0
                lanes.cut[lane] |= lanes.surface[m] * side < 0.0 or dips
            any_cut |= lanes.cut[lane]
    if any_cut:
        _find_crossings(system, control, lanes, results)
        for lane in range(N_LANES):
            lanes.t_stage[lane] = lanes.t_new[lane]
        _mark_surfaces(system, lanes, lanes.y_new, lanes.k[N_STAGES])
    for m in range(lanes.rate.size):
        lanes.rate[m] = lanes.normal_v[m] + lanes.partial_t[m]


@compiled
def _normals(system, lanes, results):
    """vector_rate: each tangent vector's derivative of the switching function on whose surface its lane has landed."""
    d_a, d_b = system.driver_dimension * N_LANES, system.response_dimension * N_LANES
    start = d_a + d_b
    for j in range(results.log_growth.shape[2]):
        of_driver = j < system.n_driver_vectors
        # A response's vector has no driver half: its own half stands where the response's is looked for.
        first = start if of_driver else start - d_a
        _mark_surfaces(system, lanes, lanes.y_new, lanes.y_new[first:])
        for lane in range(N_LANES):
            k = lanes.event[lane]
            seen = k >= 0 and (system.coupled or (k < system.n_driver_switches) == of_driver)
            lanes.vector_rate[j, lane] = lanes.normal_v[k * N_LANES + lane] if seen else 0.0
        start += d_a + d_b if system.coupled else (d_a if of_driver else d_b)


@compiled
def _change_sides(system, lanes, results):
    """Put landed lanes on the other side of their surface, and of others that they cross at the same time.

    One whose flow does not leave its side there has grazed the surface: it cannot be said what it does.
    """
    n_switches = lanes.surface.size // N_LANES
    for lane in range(N_LANES):
        landed = lanes.event[lane]
        if landed < 0 or not lanes.accepted[lane]:
            continue
        if not lanes.rate[landed * N_LANES + lane] * lanes.parameters[_side(system, landed, lane)] < 0.0:
            results.status[lanes.member[lane]] = ws.GRAZING
        for k in range(n_switches):
            m, at = k * N_LANES + lane, _side(system, k, lane)
            side = lanes.parameters[at]
            inside, leaves = lanes.surface[m] * side, lanes.rate[m] * side < 0.0
            soon = leaves and inside <= abs(lanes.rate[m]) * SAME_TIME * lanes.planned[lane]
            if k == landed or inside < 0.0 or soon:
                lanes.parameters[at] = -side


@compiled
def _jump(system, lanes, results):
    """Carry landed lanes over their surface: v+ = v + (f+ - f-) (n . v) / (n . f- + ds/dt), the saltation matrix.

    n is the gradient of the switching function s, f- and f+ the velocities on both sides (Aizerman and
    Gantmakher 1958; di Bernardo and others, "Piecewise-smooth dynamical systems", 2.5). Where f+ leads back to the
    surface the flow slides along it, and where v grows beyond all measure it touches it: both end the member.
    """
    any_landed = False
    for lane in range(N_LANES):
        any_landed |= lanes.accepted[lane] and lanes.event[lane] >= 0
    if not any_landed:
        return
    for lane in range(N_LANES):
        lanes.t_stage[lane] = lanes.t_new[lane]
    y, before, after = lanes.y_new, lanes.k[N_STAGES], lanes.jump
    _mark_surfaces(system, lanes, y, before)
    _change_sides(system, lanes, results)
    _normals(system, lanes, results)
    _evaluate(system, lanes, y, after)
    _mark_surfaces(system, lanes, y, after)
    d_a, d_b = system.driver_dimension * N_LANES, system.response_dimension * N_LANES
    for lane in range(N_LANES):
        k, member = lanes.event[lane], lanes.member[lane]
        if not lanes.accepted[lane] or k < 0 or results.status[member] == ws.COMPLETE:
            continue
        m = k * N_LANES + lane
        if (lanes.normal_v[m] + lanes.partial_t[m]) * lanes.rate[m] <= 0.0:
            results.status[member] = ws.SLIDING
        start = d_a + d_b
        for j in range(results.log_growth.shape[2]):
            of_driver = j < system.n_driver_vectors
            size = d_a + d_b if system.coupled else (d_a if of_driver else d_b)
            # The part of the velocity's jump that stands where the vector's coordinates do.
            shift = 0 if of_driver else d_a
            push, square = lanes.vector_rate[j, lane] / lanes.rate[m], 0.0
            for i in range(lane, size, N_LANES):
                y[start + i] += (after[shift + i] - before[shift + i]) * push
                square += y[start + i] ** 2
            if not square < MAX_SALTATION**2:
                results.status[member] = ws.GRAZING
            start += size
    _evaluate(system, lanes, y, after)
    _mark_surfaces(system, lanes, y, after)
    for lane in range(N_LANES):
        if lanes.accepted[lane] and lanes.event[lane] >= 0:
            for m in range(lane, before.size, N_LANES):
                before[m] = after[m]
            for m in range(lane, lanes.rate.size, N_LANES):
                lanes.rate[m] = lanes.normal_v[m] + lanes.partial_t[m]
            lanes.event[lane] = -1
            if results.status[lanes.member[lane]] >= ws.SLIDING:
                lanes.accepted[lane] = False


@compiled
def _orthonormalise(system, control, lanes, results):
    """Gram-Schmidt on the vectors of the accepted lanes: V = Q R, log R_jj is added to the growth of vector j.

    Exact: the tangent flow is linear, so the slopes at the step's end go the same way, J V R^-1 = J Q.
    Vectors of the driver and of the response are apart, unless they are the two halves of one. Norms and products are
    in the sizes of the coordinates, atol / control.atol, so that no exponent depends on units.
    """
    d_a, d_b = system.driver_dimension * N_LANES, system.response_dimension * N_LANES
    y, slope, atol = lanes.y_new, lanes.k[N_STAGES], lanes.atol
    n_vectors = results.log_growth.shape[2]
    for lane in range(N_LANES):
        if not lanes.accepted[lane]:
            continue
        growth = results.log_growth[lanes.member[lane], results.n_stops[lanes.member[lane]]]
        end = d_a + d_b + lane
        for j in range(n_vectors):
            of_driver = j < system.n_driver_vectors
            size = d_a + d_b if system.coupled else (d_a if of_driver else d_b)
            start, end = end, end + size
            n_before = j if of_driver else j - system.n_driver_vectors
            for other in range(start - n_before * size, start, size):
                shift, dot = other - start, 0.0
                for m in range(start, end, N_LANES):
                    weight = control.atol / atol[m]
                    dot += (y[m + shift] * weight) * (y[m] * weight)
                for m in range(start, end, N_LANES):
                    y[m] -= dot * y[m + shift]
                    slope[m] -= dot * slope[m + shift]
            square = 0.0
            for m in range(start, end, N_LANES):
                square += (y[m] * (control.atol / atol[m])) ** 2
            norm = np.sqrt(square)
            for m in range(start, end, N_LANES):
                y[m] /= norm
                slope[m] /= norm
            growth[j] += np.log(norm)


@compiled
def _grows_slowly(control, members, results, member):
    """Whether the rates of the first vector between the stops reached are below `early_rate`, see `Control`."""
    n = results.n_stops[member] - 1
    if n < control.early_blocks:
        return False
    stops, growth = members.stops[member], results.log_growth[member]
    mean = square = 0.0
    for i in range(1, n + 1):
        rate = growth[i, 0] / (stops[i] - stops[i - 1])
        change = rate - mean
        mean += change / i
        square += change * (rate - mean)
    return mean + control.early_sigmas * np.sqrt(square / (n * (n - 1))) < control.early_rate


@inlined
def _commit(control, members, lanes, results):
    """Move the accepted lanes to the end of their step; lanes whose member has ended become idle."""
    for i in range(lanes.y.size // N_LANES):
        for lane in range(N_LANES):
            m = i * N_LANES + lane
            lanes.y[m] = lanes.y_new[m] if lanes.accepted[lane] else lanes.y[m]
            lanes.k[0, m] = lanes.k[N_STAGES, m] if lanes.accepted[lane] else lanes.k[0, m]
    for m in range(lanes.rate.size):
        lanes.rate_before[m] = lanes.rate[m] if lanes.accepted[m % N_LANES] else lanes.rate_before[m]
    for lane in range(N_LANES):
        member = lanes.member[lane]
        if lanes.accepted[lane]:
            lanes.t[lane] = lanes.t_new[lane]
            if lanes.t[lane] == members.stops[member, results.n_stops[member]]:
                results.n_stops[member] += 1
                early = results.status[member] == ws.RUNNING and control.early_rate > -np.inf
                if early and _grows_slowly(control, members, results, member):
                    results.status[member] = ws.COMPLETE
        if member >= 0 and results.status[member] != ws.RUNNING:
            lanes.member[lane] = -1


@njit(cache=True, nogil=True, **OPTIONS)
def run(
    system: ws.System, control: ws.Control, members: ws.Members, lanes: ws.Lanes, results: ws.Results
) -> None:
    """Integrate all members. A lane whose member has ended takes the next one from the queue.

    Every lane computes the same operations whatever the others do, so a member's result is the same bits
    in any ensemble. Compiled once and cached: the flow is reached through addresses.
    """
    queue = 0
    while True:
        if _find(lanes, False) >= 0:
            queue = _refill(system, members, control, lanes, results, queue)
        if _find(lanes, True) < 0:
            return
        _plan(members, lanes, results)
        _stages(1, N_STAGES, system, lanes, lanes.y_new)
        _estimate_error(control, lanes)
        if lanes.surface.size > 0:
            _locate(system, control, lanes, results)
        _judge(members, control, lanes, results)
        if lanes.surface.size > 0:
            _jump(system, lanes, results)
        if results.states.shape[1] > 0:
            _write_points(system, members, lanes, results)
        if system.n_driver_vectors > 0:
            _orthonormalise(system, control, lanes, results)
        _commit(control, members, lanes, results)
