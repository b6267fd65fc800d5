"""A flow's members integrated for hundreds of periods and more: their exponents in stages, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from panda.config import Follow
from panda.core.limits import Limits
from panda.discovery.certificates.verdict import UNDECIDED, Estimate, estimate, verdict_of
from panda.discovery.search.candidates import member_generator
from panda.dynamics.integrate import Status, integrate
from panda.dynamics.schedule import Schedule
from panda.dynamics.tangent import Early, Growth, tangent_growth
from panda.systems.flow import Ensemble, Flow, bounded_coordinates

# A coordinate that hardly moves is no measure of growth: no spread counts as less than this share of the largest.
_SPREAD_FLOOR = 1e-3
# Where a tangent vector got lost at a jump: what it grew before says nothing of the rest.
LOST = (Status.sliding.name, Status.grazing.name)


class Decided(NamedTuple):
    """Of each member: its exponent, what that says, how its integration ended, and where."""

    found: list[Estimate]
    verdicts: list[str]
    status: list[str]
    ends: Float64[np.ndarray, "n dimension"]


class Plan(NamedTuple):
    """The stages of one purpose, in periods: measured in each, before that in each, and before the first."""

    purpose: str
    stages: Sequence[int]
    transient: int
    elapsed: int


def in_stages(
    flow: Flow,
    ensemble: Ensemble,
    known: Decided,
    plan: Plan,
    settings: Follow,
    limits: Limits,
    seed: int,
) -> Decided:
    """What is known, and what more the stages say until each member is decided; each starts where the last one ended.

    Where the field depends on time, a run from there would begin at another phase: on Torus, whose velocity is given by
    time alone, at another torus. Each stage starts at time 0 again then, and what went before is its transient.
    """
    found, verdicts, status, ends = known
    elapsed = plan.elapsed
    for number, n_periods in enumerate(plan.stages):
        more = [s == Status.complete.name and v == UNDECIDED for s, v in zip(status, verdicts, strict=True)]
        going = np.flatnonzero(more)
        if not len(going):
            break
        stream = member_generator(seed, flow.name, f"{plan.purpose} {number}")
        there, transient = replace(ensemble[going], initial=ends[going]), plan.transient
        if flow.time_dependent:
            there, transient = ensemble[going], elapsed + plan.transient
        elapsed += plan.transient + n_periods
        run = _tangent(flow, there, n_periods, transient, settings, limits, stream)
        for k, i in enumerate(going):
            blocks = _blocks(run, k, flow)
            last = estimate(blocks, transient, settings)
            found[i] = found[i] + last
            verdicts[i] = verdict_of(found[i], last, blocks, settings)
            status[i] = Status(int(run.status[k])).name
            # A candidate abandoned early has no state at the end, but one of every period before.
            n_known = int(np.isfinite(run.states[k]).all(axis=1).sum())
            ends[i] = run.states[k, max(n_known - 1, 0)]
    verdicts = [UNDECIDED if how in LOST else one for how, one in zip(status, verdicts, strict=True)]
    return Decided(found, verdicts, status, ends)


def _blocks(run: Growth, member: int, flow: Flow) -> Float64[np.ndarray, " block"]:
    """The rates of the blocks that a member completed, per period."""
    rates = run.rates[member]
    return rates[np.isfinite(rates)] * flow.period


def _tangent(
    flow: Flow,
    ensemble: Ensemble,
    n_periods: int,
    transient_periods: int,
    settings: Follow,
    limits: Limits,
    stream: np.random.Generator,
) -> Growth:
    """Growth of a tangent vector, in blocks of one period; what is certainly regular is abandoned early. `states` are
    those of the start and of every period after it."""
    n, max_steps = len(ensemble), settings.max_steps_per_period * (n_periods + transient_periods)
    return tangent_growth(
        flow,
        ensemble,
        subspace="whole",
        schedule=Schedule(
            np.full(n, flow.period * n_periods), np.full(n, flow.period * transient_periods), n_periods
        ),
        generator=stream,
        n_points=n_periods + transient_periods + 1,
        early=Early(settings.regular_below / flow.period, settings.early_sigmas, settings.early_blocks),
        limits=replace(limits, rtol=settings.rtol, atol=settings.atol, max_steps=max_steps),
    )


def persistence(
    flow: Flow, ensemble: Ensemble, settings: Follow, limits: Limits, seed: int, purpose: str = "late"
) -> list[dict[str, Any]]:
    """Each member over `persistence_periods`, and late exponents of those that got there.

    `purpose` names the stream of the tangent vectors.
    """
    n, n_periods = len(ensemble), settings.persistence_periods
    run = integrate(
        flow,
        ensemble,
        duration=np.full(n, flow.period * n_periods),
        n_points=n_periods * settings.points_per_period + 1,
        limits=replace(
            limits,
            rtol=settings.rtol,
            atol=settings.atol,
            max_steps=settings.max_steps_per_period * n_periods,
        ),
    )
    bounded, rows = bounded_coordinates(flow, ensemble), []
    for states, status, own in zip(run.states, run.status, bounded, strict=True):
        known = int(np.isfinite(states).all(axis=1).sum())
        ended = Status(int(status)) != Status.complete
        rows.append(
            {
                "follow_status": Status(int(status)).name,
                "escape_periods": max(known - 1, 0) / settings.points_per_period if ended else float("nan"),
                "growth": growth((states / flow.scale)[:known, own]),
                "end_state": np.empty(0) if flow.time_dependent else states[max(known - 1, 0)],
                "late": Estimate.none(),
                "late_verdict": UNDECIDED,
            }
        )
    complete = np.flatnonzero(run.status == Status.complete)
    if len(complete):
        ends, n = run.states[complete, -1], len(complete)
        start = Decided([Estimate.none()] * n, [UNDECIDED] * n, [Status.complete.name] * n, ends.copy())
        plan = Plan(purpose, settings.late_stages, settings.late_transient_periods, n_periods)
        late = in_stages(flow, ensemble[complete], start, plan, settings, limits, seed)
        for i, found, verdict, how, end in zip(complete, *late, strict=True):
            rows[i] |= {"late": found, "late_verdict": verdict, "follow_status": how}
            if not flow.time_dependent:
                rows[i]["end_state"] = end
    return rows


def growth(states: Float64[np.ndarray, "time coordinate"]) -> float:
    """Largest distance from the first half's mean in the second half over that in the first, in units of spread.

    The distance at a time is that of the coordinate that is farthest, in its standard deviations over the first
    half. NaN with fewer than four states or no coordinate that moves.
    """
    half = len(states) // 2
    if half < 2 or not states.shape[1]:
        return float("nan")
    first = states[:half]
    spread = first.std(axis=0)
    spread = np.maximum(spread, _SPREAD_FLOOR * spread.max())
    if not spread.all():
        return float("nan")
    far = np.abs((states - first.mean(axis=0)) / spread).max(axis=1)
    return float(far[half:].max() / far[:half].max())
