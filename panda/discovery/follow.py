"""Candidates followed for hundreds of periods and more: is the motion chaotic, and does it stay so?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Follow, Integration, Select
from panda.core.progress import Progress
from panda.discovery.candidates import member_generator
from panda.discovery.filters import asked
from panda.discovery.members import COLUMNS as MEMBER
from panda.discovery.members import flow_of, from_rows
from panda.discovery.verdict import CHAOTIC, UNDECIDED, Estimate, estimate, of_search, verdict_of
from panda.dynamics.integrate import Status, integrate
from panda.dynamics.tangent import Early, Growth, tangent_growth
from panda.systems.flow import Ensemble, Flow, bounded_coordinates
from panda.systems.library import FounderLibrary

# Members of a flow side by side; a result does not depend on it.
BATCH = 64
# A coordinate that hardly moves is no measure of growth: no spread counts as less than this share of the largest.
_SPREAD_FLOOR = 1e-3
STATES = ("end_state",)
# What is read of a candidate beside what the filters read.
MEMBERS = (*MEMBER, "exponent_periods", "exponent_status")
# Where a tangent vector got lost at a jump: what it grew before says nothing of the rest.
LOST = (Status.sliding.name, Status.grazing.name)
COLUMNS = (
    "system", "verdict", "why_undecided", "followed_periods", "followed_exponent", "followed_error", "follow_status",
    "escape_periods", "growth", "late_verdict", "late_exponent", "late_error", "end_state",
)  # fmt: skip


def follow(
    library: FounderLibrary,
    candidates: pd.DataFrame,
    select: Select,
    settings: Follow,
    limits: Integration,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """A row for every candidate that some selection would accept but for what is found here, by system.

    Chaos, in stages: whom the search's exponent leaves undecided (`verdict.Estimate`) is followed for `stages[0]`
    periods, whom that leaves undecided for `stages[1]` more, and so on; who is not decided by the last stage stays
    `undecided`, and `why_undecided` says why. `followed_exponent` and `followed_error` per time unit are means over
    all `followed_periods`, the search's among them.

    Persistence, of chaotic candidates of a selection that asks for it: states are integrated for
    `persistence_periods`, and from their end the exponent is measured once more, in `late_stages`, with a verdict of
    its own: regular, where the chaos was transient. `end_state` is where all of it ended (empty where the field depends
    on time: from a state alone nothing goes on) and `follow_status` how, `escape_periods` when, if before the end of
    `persistence_periods`. `growth`: see there.
    """
    decide, persist = asked(candidates, select)
    candidates = candidates.assign(persist=persist)[decide]
    rows: list[dict[str, Any]] = []
    for (driver, response), group in candidates.groupby(["driver", "response"], sort=True):
        flow = flow_of(library, str(driver), str(response))
        for first in range(0, len(group), BATCH):
            part = group.iloc[first : first + BATCH]
            rows += _follow_members(flow, part, settings, limits, seed)
            if progress is not None:
                progress.advance(len(part))
    return follow_table(rows)


def follow_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a table of fixed columns and types, also where there is none."""
    texts = ("system", "verdict", "why_undecided", "follow_status", "late_verdict")
    types = {name: "object" if name in texts else "float64" for name in COLUMNS if name != "end_state"}
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(types)


def _follow_members(
    flow: Flow, part: pd.DataFrame, settings: Follow, limits: Integration, seed: int
) -> list[dict[str, Any]]:
    """`follow` for candidates of one flow."""
    ensemble = from_rows(part)
    estimates, decided, status, _ = _decide(flow, part, ensemble, settings, limits, seed)
    rows: list[dict[str, Any]] = []
    for system, found, verdict, how in zip(part["system"], estimates, decided, status, strict=True):
        why = how if how != Status.complete.name else "budget of periods"
        rows.append(
            {
                "system": system,
                "verdict": verdict,
                "why_undecided": why if verdict == UNDECIDED else "",
                "followed_periods": found.n_periods,
                "followed_exponent": found.exponent / flow.period,
                "followed_error": found.error / flow.period,
                "follow_status": "",
                "late_verdict": "",
                "end_state": np.empty(0),
            }
        )
    lasting = np.flatnonzero(part["persist"].to_numpy() & [row["verdict"] == CHAOTIC for row in rows])
    if len(lasting):
        for i, more in zip(
            lasting, _persistence(flow, ensemble[lasting], settings, limits, seed), strict=True
        ):
            late: Estimate = more.pop("late")
            both = estimates[i] + late
            rows[i] |= more | {
                "late_exponent": late.exponent / flow.period,
                "late_error": late.error / flow.period,
                "followed_periods": both.n_periods,
                "followed_exponent": both.exponent / flow.period,
                "followed_error": both.error / flow.period,
            }
            if rows[i]["follow_status"] in LOST:
                rows[i] |= {"verdict": UNDECIDED, "why_undecided": rows[i]["follow_status"]}
    return rows


def _decide(
    flow: Flow, part: pd.DataFrame, ensemble: Ensemble, settings: Follow, limits: Integration, seed: int
) -> _Decided:
    """Each member's exponent after as many stages as it took, the search's own among them."""
    known = [of_search(row, flow.period) for row in part.to_dict("records")]
    start = _Decided(
        known,
        [one.verdict(settings) for one in known],
        list(part["exponent_status"]),
        ensemble.initial.copy(),
    )
    plan = _Plan("follow", settings.stages, settings.transient_periods, 0)
    return _in_stages(flow, ensemble, start, plan, settings, limits, seed)


class _Decided(NamedTuple):
    """Of each member: its exponent, what that says, how its integration ended, and where."""

    found: list[Estimate]
    verdicts: list[str]
    status: list[str]
    ends: Float64[np.ndarray, "n dimension"]


class _Plan(NamedTuple):
    """The stages of one purpose, in periods: measured in each, before that in each, and before the first."""

    purpose: str
    stages: Sequence[int]
    transient: int
    elapsed: int


def _in_stages(
    flow: Flow,
    ensemble: Ensemble,
    known: _Decided,
    plan: _Plan,
    settings: Follow,
    limits: Integration,
    seed: int,
) -> _Decided:
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
    return _Decided(found, verdicts, status, ends)


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
    limits: Integration,
    stream: np.random.Generator,
) -> Growth:
    """Growth of a tangent vector, in blocks of one period; what is certainly regular is abandoned early. `states` are
    those of the start and of every period after it."""
    n, max_steps = len(ensemble), settings.max_steps_per_period * (n_periods + transient_periods)
    return tangent_growth(
        flow,
        ensemble,
        subspace="whole",
        duration=np.full(n, flow.period * n_periods),
        transient=np.full(n, flow.period * transient_periods),
        n_blocks=n_periods,
        generator=stream,
        n_points=n_periods + transient_periods + 1,
        early=Early(settings.regular_below / flow.period, settings.early_sigmas, settings.early_blocks),
        **(limits.limits | {"rtol": settings.rtol, "atol": settings.atol, "max_steps": max_steps}),
    )


def _persistence(
    flow: Flow, ensemble: Ensemble, settings: Follow, limits: Integration, seed: int
) -> list[dict[str, Any]]:
    """Each member over `persistence_periods`, and late exponents of those that got there."""
    n, n_periods = len(ensemble), settings.persistence_periods
    run = integrate(
        flow,
        ensemble,
        duration=np.full(n, flow.period * n_periods),
        n_points=n_periods * settings.points_per_period + 1,
        **(
            limits.limits
            | {
                "rtol": settings.rtol,
                "atol": settings.atol,
                "max_steps": settings.max_steps_per_period * n_periods,
            }
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
        start = _Decided([Estimate.none()] * n, [UNDECIDED] * n, [Status.complete.name] * n, ends.copy())
        plan = _Plan("late", settings.late_stages, settings.late_transient_periods, n_periods)
        late = _in_stages(flow, ensemble[complete], start, plan, settings, limits, seed)
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
