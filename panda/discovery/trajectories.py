"""The trajectories of the selected systems, regenerated from the catalogue alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Integration
from panda.core.errors import PandaError
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.discovery.members import flow_of, from_rows
from panda.discovery.search import integrate_members
from panda.dynamics.integrate import Status
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.postprocess import saved_coordinates

Row = Mapping[str, Any]
Series = Float64[np.ndarray, "dimension time"]
# Members integrated side by side: several rounds of all lanes, and states of at most some hundred MB.
BATCH = 64


def regenerate(
    library: FounderLibrary,
    rows: pd.DataFrame,
    settings: Integration,
    *,
    n_initial_conditions: Mapping[str, int],
    seed: int,
    progress: Progress | None = None,
) -> Iterator[tuple[Row, int, Series]]:
    """Each system's trajectories as (row of the catalogue, index of the initial condition, saved series).

    Index 0 starts from the stored state and is bit for bit the searched trajectory. The others start from
    states drawn from it without replacement, after the transient (spec 1.5), with the system's own stream.
    The transient is dropped. A start from which the system escapes is left out.

    Raises:
        PandaError: a stored system no longer integrates to its end (the catalogue is of other code).
    """
    for (driver, response), group in rows.groupby(["driver", "response"], sort=True):
        flow = flow_of(library, str(driver), str(response))
        for first in range(0, len(group), BATCH):
            part = group.iloc[first : first + BATCH]
            counts = [n_initial_conditions[system] for system in part["system"]]
            yield from _trajectories(flow, part, settings, counts, seed)
            if progress is not None:
                progress.advance(len(part))


def _trajectories(
    flow: Flow, rows: pd.DataFrame, settings: Integration, counts: list[int], seed: int
) -> Iterator[tuple[Row, int, Series]]:
    ensemble, records = from_rows(rows), rows.to_dict("records")
    run = integrate_members(flow, ensemble, settings)
    for record, status in zip(records, run.status, strict=True):
        if status != Status.complete:
            raise PandaError(
                f"{record['system']}: its integration ends with {Status(int(status)).name}, though the "
                "catalogue says complete; search and select again with this code"
            )
    kept = run.states[:, settings.transient_points :]
    saved = saved_coordinates(flow, ensemble, kept)
    for i, (record, n) in enumerate(zip(records, counts, strict=True)):
        yield record, 0, saved[i].T
        for index, series in _restarted(flow, ensemble[i : i + 1], kept[i], settings, record, n - 1, seed):
            yield record, index, series


def _restarted(
    flow: Flow,
    member: Ensemble,
    kept: Float64[np.ndarray, "time dimension"],
    settings: Integration,
    record: Row,
    n: int,
    seed: int,
) -> Iterator[tuple[int, Series]]:
    """Trajectories from `n` states of the first one, in batches."""
    stream = generator(seed, "integrate", record["system"], "initial")
    chosen = stream.choice(len(kept), size=n, replace=False)
    for first in range(0, n, BATCH):
        starts = kept[chosen[first : first + BATCH]]
        many = replace(member[np.zeros(len(starts), dtype=np.int64)], initial=starts)
        run = integrate_members(flow, many, settings)
        complete = np.flatnonzero(run.status == Status.complete)
        if len(complete):
            states = run.states[complete, settings.transient_points :]
            saved = saved_coordinates(flow, many[complete], states)
            for i, number in enumerate(complete):
                yield 1 + first + int(number), saved[i].T
