"""Trajectories of an ensemble at equally spaced times."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float64, Int8, Int64
from numpy.typing import ArrayLike

from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics import delay, dop853, forcing, workspace
from panda.systems.flow import Ensemble, Flow, bounded_coordinates, check_ensemble


class Status(IntEnum):
    """How a member's integration ended."""

    complete = workspace.COMPLETE
    diverged = workspace.DIVERGED
    """A value was not finite, or a coordinate went beyond its bound, ``max_abs`` or ``max_angle``."""
    budget = workspace.BUDGET
    """``max_steps`` attempts did not reach the end."""
    underflow = workspace.UNDERFLOW
    """The error control asked for a step below ``min_step``, or below the resolution of the time itself."""
    acausal = workspace.ACAUSAL
    """The delay is not positive: the equation would ask for its own future."""
    sliding = workspace.SLIDING
    """The flow stays on a surface where the right-hand side jumps; only where tangent vectors are followed."""
    grazing = workspace.GRAZING
    """The flow touches such a surface, so that it cannot be said how a tangent vector gets over it."""


@dataclass(frozen=True, eq=False)
class Trajectories:
    """``states[i, k]`` is member i at time ``k * duration[i] / (n_points - 1)``, NaN from a failure on.

    For a founder with delay time is counted from one delay after its start (``delay.py``).
    """

    states: Float64[np.ndarray, "n n_points dimension"]
    status: Int8[np.ndarray, " n"]
    n_steps: Int64[np.ndarray, " n"]
    n_rejected: Int64[np.ndarray, " n"]
    n_evaluations: Int64[np.ndarray, " n"]

    @property
    def complete(self) -> np.ndarray:
        """True for the members that reached their end."""
        return self.status == Status.complete


def integrate(
    flow: Flow,
    ensemble: Ensemble,
    *,
    duration: Float64[np.ndarray, " n"],
    n_points: int,
    limits: Limits,
) -> Trajectories:
    """Integrate every member from time 0 to its duration (spec 1.5), by DOP853 with dense output.

    The scaled error of a step, ``|y_error| / (atol + rtol max(|y|, |y_new|))``, stays below 1 in scipy's
    norm of this method. The reference integrates by an implicit method and stops after a time on the clock;
    here ``limits.max_steps`` attempted steps are the budget, so that a result depends on no machine's load.
    A member's result is the same bits alone and in any ensemble.

    Args:
        duration: in the flow's time units, one for each member.
        n_points: output points including both ends, at least 2.
        limits: tolerances, budget of steps, bounds.

    Raises:
        PandaError: shapes or numbers that make no sense.
    """
    if int(n_points) != n_points or n_points < 2:
        raise PandaError(f"{flow.name}: n_points is {n_points}; a trajectory needs both ends, so at least 2")
    stops = check_times(flow, ensemble, duration, "duration")[:, None]
    results = run_members(
        flow,
        ensemble,
        tangents=None,
        stops=stops,
        n_points=int(n_points),
        limits=limits,
        control=control_of(limits),
    )
    for member in np.flatnonzero(results.status != Status.complete):
        results.states[member, results.n_points[member] :] = np.nan
    return Trajectories(
        states=results.states,
        status=results.status,
        n_steps=results.n_steps,
        n_rejected=results.n_rejected,
        n_evaluations=results.n_evaluations,
    )


def control_of(limits: Limits) -> workspace.Control:
    """Error control in the types that the compiled kernel knows."""
    return workspace.Control(
        float(limits.rtol), float(limits.atol), int(limits.max_steps), float(limits.min_step)
    )


@dataclass(frozen=True, eq=False)
class Tangents:
    """Tangent vectors that every member starts with, a row each: the driver's and the response's.

    ``coupled`` says that the one row of each is a half of one vector of the whole system; otherwise the
    response's vectors have no driver half, and stay in the response.
    """

    driver: Float64[np.ndarray, "n_driver_vectors d_a"]
    response: Float64[np.ndarray, "n_response_vectors d_b"]
    coupled: bool

    @property
    def n_vectors(self) -> int:
        """How many vectors have a growth of their own."""
        return len(self.driver) if self.coupled else len(self.driver) + len(self.response)


def run_members(
    flow: Flow,
    ensemble: Ensemble,
    *,
    tangents: Tangents | None,
    stops: Float64[np.ndarray, "n n_stops"],
    n_points: int,
    limits: Limits,
    control: workspace.Control,
) -> workspace.Results:
    """Run the flow's kernel on states, or on states and tangent vectors if there are any.

    Raises:
        PandaError: the ensemble does not fit the flow.
    """
    check_ensemble(flow, ensemble)
    if flow.delayed:
        return delay.run_members(
            flow,
            ensemble,
            tangent=None if tangents is None else tangents.driver[0],
            stops=stops,
            n_points=n_points,
            limit=limits.max_abs if flow.driver.bounded[0] else limits.max_angle,
            control=control,
        )
    n = len(ensemble)
    initial = np.array(ensemble.initial)
    bounded = bounded_coordinates(flow, ensemble)
    limit = np.where(bounded, float(limits.max_abs), float(limits.max_angle)) * flow.scale
    sizes = flow.scale
    if tangents is not None:
        vectors = np.concatenate([tangents.driver.ravel(), tangents.response.ravel()])
        initial = np.hstack([initial, np.tile(vectors, (n, 1))])
        limit = np.hstack([limit, np.full((n, len(vectors)), np.inf)])
        # A vector has norm 1 in the coordinates' own sizes (`dop853`): these are its entries'.
        halves = [(flow.scale[: flow.driver_dimension], tangents.driver)]
        halves += [(flow.scale[flow.driver_dimension :], tangents.response)]
        sizes = np.concatenate([sizes, *(np.tile(scale, len(rows)) for scale, rows in halves)])
    system = _system(flow, tangents)
    members = workspace.Members(
        initial=np.ascontiguousarray(initial),
        parameters=np.concatenate(
            [
                ensemble.driver_parameters,
                np.zeros((n, system.n_driver_switches)),
                ensemble.response_parameters,
                np.zeros((n, system.n_response_switches)),
                ensemble.driver_scale,
                ensemble.response_scale,
            ],
            axis=1,
        ),
        driver_index=np.array(ensemble.driver_index),
        limit=np.ascontiguousarray(limit),
        atol=np.tile(control.atol * sizes, (n, 1)),
        max_step=forcing.longest_steps(flow, ensemble, stops[:, -1])
        if forcing.reads_time(flow)
        else np.full(n, np.inf),
        stops=np.array(stops, dtype=np.float64, order="C"),
    )
    results = workspace.make_results(
        n,
        n_stops=stops.shape[1],
        n_points=n_points,
        dimension=flow.dimension,
        n_vectors=0 if tangents is None else tangents.n_vectors,
    )
    control = control._replace(min_step=control.min_step * flow.time_scale)
    dop853.run(system, control, members, workspace.make_lanes(system, members), results)
    return results


def _system(flow: Flow, tangents: Tangents | None) -> workspace.System:
    """Addresses and sizes: of the right-hand sides, with tangent vectors of what holds their jumps, if any."""
    followed = tangents is not None
    founders = {"driver": flow.driver, "response": flow.response}
    n_switches = {role: f.n_switches if f is not None and followed else 0 for role, f in founders.items()}
    functions = {role: "held" if n else ("jvp" if followed else "rhs") for role, n in n_switches.items()}
    return workspace.System(
        driver=int(getattr(flow, f"driver_{functions['driver']}")),
        response=int(getattr(flow, f"response_{functions['response']}")),
        driver_dimension=flow.driver_dimension,
        response_dimension=flow.response_dimension,
        n_driver_parameters=flow.driver.n_parameters + n_switches["driver"],
        n_response_parameters=(flow.response.n_parameters if flow.response else 0) + n_switches["response"],
        n_driver_vectors=len(tangents.driver) if tangents else 0,
        n_response_vectors=len(tangents.response) if tangents else 0,
        coupled=tangents is not None and tangents.coupled,
        driver_surfaces=int(flow.driver_surfaces),
        response_surfaces=int(flow.response_surfaces),
        n_driver_switches=n_switches["driver"],
        n_response_switches=n_switches["response"],
    )


def check_times(flow: Flow, ensemble: Ensemble, times: ArrayLike, name: str) -> Float64[np.ndarray, " n"]:
    """`times` as an array, if there is a finite positive one for every member.

    Raises:
        PandaError: otherwise.
    """
    times = np.asarray(times, dtype=np.float64)
    if times.shape != (len(ensemble),):
        raise PandaError(f"{flow.name}: {name} has shape {times.shape}, expected ({len(ensemble)},)")
    if not np.all(np.isfinite(times) & (times > 0)):
        raise PandaError(f"{flow.name}: every {name} must be finite and > 0")
    return times
