"""The largest Lyapunov exponent of an ensemble from its tangent flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float64, Int8

from panda.core.blocking import blocking_error
from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics.integrate import Tangents, control_of, run_members
from panda.dynamics.schedule import Schedule
from panda.systems.flow import Ensemble, Flow


class Early(NamedTuple):
    """When a member need not be followed to its end: its exponent is sure to stay below ``rate``.

    That is, over at least ``min_blocks`` blocks (two or more), ``mean + sigmas standard_error < rate``.
    """

    rate: float
    sigmas: float
    min_blocks: int


@dataclass(frozen=True, eq=False)
class Exponents:
    """Exponents per time unit of the flow. A failed member's come from the blocks it completed, and so do
    those of one that was stopped early.

    ``largest`` is NaN without a whole block, ``standard_error`` with fewer than two.
    """

    largest: Float64[np.ndarray, " n"]
    standard_error: Float64[np.ndarray, " n"]
    status: Int8[np.ndarray, " n"]
    elapsed_time: Float64[np.ndarray, " n"]
    """Time averaged over, after the transient."""


def largest_exponent(
    flow: Flow,
    ensemble: Ensemble,
    *,
    subspace: Literal["whole", "response"],
    schedule: Schedule,
    generator: np.random.Generator,
    limits: Limits,
    early: Early | None = None,
    min_blocks: int = 8,
) -> Exponents:
    """``lambda = log(|v(transient + duration)| / |v(transient)|) / duration`` of ``dv/dt = (df/dx) v``.

    State and tangent vector are integrated together, both under error control; v is brought back to norm 1
    after every step and the logarithms are summed (Benettin and others, Meccanica 15, 1980).
    With ``"response"`` v starts in the response's coordinates, where the tangent flow of a skew product
    keeps it: the largest conditional exponent, negative when the response forgets its initial state.
    The duration is cut into ``n_blocks`` equal blocks; the standard error of the mean of the blocks' exponents is
    taken by blocking, with blocks joined until ``min_blocks`` are left.
    With delay v is a history like the state, and its norm that of the whole segment (``delay.py``).
    All members start with the same v, so that a member's result does not depend on the others.

    Args:
        schedule: in the transient v turns to the most expanding direction.
        generator: draws v.
        limits: as in ``integrate``; the bounds are the state's only.
        early: when to stop before the end; None never does, and with delay nothing is stopped early.
        min_blocks: of the standard error.

    Raises:
        PandaError: shapes or numbers that make no sense, or a response asked of a founder on its own.
    """
    if schedule.n_blocks < 2:
        raise PandaError(f"n_blocks is {schedule.n_blocks}; a standard error needs at least 2")
    found = tangent_growth(
        flow,
        ensemble,
        subspace=subspace,
        schedule=schedule,
        generator=generator,
        limits=limits,
        early=early,
    )
    largest, standard_error = np.full((2, len(ensemble)), np.nan)
    done = np.isfinite(found.rates).sum(axis=1)
    for member, n in enumerate(done):
        rates = found.rates[member, :n]
        if n >= 1:
            largest[member] = rates.mean()
        if n >= 2:
            standard_error[member] = blocking_error(rates, min_blocks=min(n, min_blocks))
    return Exponents(largest, standard_error, found.status, done * schedule.duration / schedule.n_blocks)


@dataclass(frozen=True, eq=False)
class Growth:
    """How fast one tangent vector of each member grows, block by block.

    ``rates`` are per time unit, NaN from the first block on that was not completed. ``states[i, k]`` is member i
    at time ``k (transient + duration) / (n_points - 1)``, NaN from its end on; none without points.
    """

    rates: Float64[np.ndarray, "n n_blocks"]
    status: Int8[np.ndarray, " n"]
    states: Float64[np.ndarray, "n n_points dimension"]


def tangent_growth(
    flow: Flow,
    ensemble: Ensemble,
    *,
    subspace: Literal["whole", "response"],
    schedule: Schedule,
    generator: np.random.Generator,
    limits: Limits,
    early: Early | None = None,
    n_points: int = 0,
) -> Growth:
    """What ``largest_exponent`` averages, and on the way there the states at ``n_points`` times (0, or 2 and more).

    Raises:
        PandaError: shapes or numbers that make no sense, or a response asked of a founder on its own.
    """
    if early is not None and early.min_blocks < 2:
        raise PandaError(f"early.min_blocks is {early.min_blocks}; a standard error needs at least 2")
    stops, block = schedule.stops(flow, ensemble)
    control = control_of(limits)
    if early is not None:
        control = control._replace(
            early_rate=float(early.rate),
            early_sigmas=float(early.sigmas),
            early_blocks=int(early.min_blocks),
        )
    results = run_members(
        flow,
        ensemble,
        tangents=_initial_tangent(flow, subspace, generator),
        stops=stops,
        n_points=n_points,
        limits=limits,
        control=control,
    )
    rates = results.log_growth[:, 1:, 0] / block[:, None]
    rates[np.arange(1, schedule.n_blocks + 1) >= results.n_stops[:, None]] = np.nan
    for member, n_written in enumerate(results.n_points):
        results.states[member, n_written:] = np.nan
    return Growth(rates, results.status, results.states)


def _initial_tangent(flow: Flow, subspace: str, generator: np.random.Generator) -> Tangents:
    if subspace not in ("whole", "response"):
        raise PandaError(f'subspace is "{subspace}"; choose "whole" or "response"')
    if subspace == "response" and flow.response is None:
        raise PandaError(f'{flow.name} is a founder on its own and has no response; choose subspace="whole"')
    v = generator.standard_normal(flow.dimension)
    d_a = flow.driver_dimension
    if subspace == "response":
        v[:d_a] = 0.0
    v /= np.linalg.norm(v)
    v *= flow.scale  # of norm 1 in the coordinates' own sizes, as the engine has it
    return Tangents(v[None, :d_a], v[None, d_a:] if flow.response else np.empty((0, 0)), coupled=True)
