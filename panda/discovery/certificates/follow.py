"""Candidates followed for hundreds of periods and more: is the motion chaotic, and does it stay so?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from panda.config import Follow, Select
from panda.core.limits import Limits
from panda.core.progress import Progress
from panda.discovery.certificates.refine import COLUMNS as FINE
from panda.discovery.certificates.refine import TEXTS as FINE_TEXTS
from panda.discovery.certificates.refine import refine_members
from panda.discovery.certificates.stages import LOST, Decided, Plan, in_stages, persistence
from panda.discovery.certificates.verdict import CHAOTIC, UNDECIDED, Estimate, of_search
from panda.discovery.search.filters import FILTERS, asked
from panda.dynamics.integrate import Status
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import COLUMNS as MEMBER
from panda.systems.members import by_flow, from_rows

# Members of a flow side by side; a result does not depend on it.
BATCH = 64
STATES = ("end_state",)
# What is read of a candidate beside what the filters read.
MEMBERS = (*MEMBER, "exponent_periods", "exponent_status")
COLUMNS = (
    "system", "verdict", "why_undecided", "followed_periods", "followed_exponent", "followed_error", "follow_status",
    "escape_periods", "growth", "late_verdict", "late_exponent", "late_error", *FINE, "end_state",
)  # fmt: skip


def follow(
    library: FounderLibrary,
    candidates: pd.DataFrame,
    select: Select,
    settings: Follow,
    limits: Limits,
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
    `persistence_periods`. `growth`: see `stages.growth`.

    Convergence, of persistent candidates of a selection that asks for it: all of this once more at a finer tolerance,
    which shares nothing with the first but the initial state (`refine.refine_members`).
    """
    decide, persist, converge = asked(candidates, select)
    candidates = candidates.assign(persist=persist, converge=converge)[decide]
    rows: list[dict[str, Any]] = []
    for flow, part in by_flow(library, candidates, BATCH):
        rows += _follow_members(flow, part, select, settings, limits, seed)
        if progress is not None:
            progress.advance(len(part))
    return follow_table(rows)


def follow_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a table of fixed columns and types, also where there is none."""
    texts = ("system", "verdict", "why_undecided", "follow_status", "late_verdict", *FINE_TEXTS)
    types = {name: "object" if name in texts else "float64" for name in COLUMNS if name != "end_state"}
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(types)


def _follow_members(
    flow: Flow, part: pd.DataFrame, select: Select, settings: Follow, limits: Limits, seed: int
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
                **dict.fromkeys(FINE_TEXTS, ""),
                "end_state": np.empty(0),
            }
        )
    lasting = np.flatnonzero(part["persist"].to_numpy() & [row["verdict"] == CHAOTIC for row in rows])
    if len(lasting):
        for i, more in zip(
            lasting, persistence(flow, ensemble[lasting], settings, limits, seed), strict=True
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
    again = [
        i
        for i, (row, wanted) in enumerate(zip(rows, part["converge"], strict=True))
        if wanted and row["verdict"] == CHAOTIC and FILTERS["persistent"](row, select)
    ]
    if again:
        for i, fine in zip(again, refine_members(flow, ensemble[again], settings, limits, seed), strict=True):
            rows[i] |= fine
    return rows


def _decide(
    flow: Flow, part: pd.DataFrame, ensemble: Ensemble, settings: Follow, limits: Limits, seed: int
) -> Decided:
    """Each member's exponent after as many stages as it took, the search's own among them."""
    known = [of_search(row, flow.period) for row in part.to_dict("records")]
    start = Decided(
        known,
        [one.verdict(settings) for one in known],
        list(part["exponent_status"]),
        ensemble.initial.copy(),
    )
    plan = Plan("follow", settings.stages, settings.transient_periods, 0)
    return in_stages(flow, ensemble, start, plan, settings, limits, seed)
