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
        records = group.to_dict("records")
        for record, ensemble in zip(records, _split(from_rows(group)), strict=True):
            n = n_initial_conditions[record["system"]]
            for index, series in _trajectories(flow, record, ensemble, settings, n, seed):
                yield record, index, series
            if progress is not None:
                progress.advance()


def _split(ensemble: Ensemble) -> list[Ensemble]:
    return [ensemble[i : i + 1] for i in range(len(ensemble))]


def _trajectories(
    flow: Flow, record: Row, ensemble: Ensemble, settings: Integration, n: int, seed: int
) -> Iterator[tuple[int, Series]]:
    first = integrate_members(flow, ensemble, settings)
    if first.status[0] != Status.complete:
        raise PandaError(
            f"{record['system']}: its integration ends with {Status(int(first.status[0])).name}, though the "
            "catalogue says complete; search and select again with this code"
        )
    kept = first.states[:, settings.transient_points :]
    yield 0, saved_coordinates(flow, ensemble, kept)[0].T
    if n == 1:
        return
    stream = generator(seed, "integrate", record["system"], "initial")
    chosen = stream.choice(kept.shape[1], size=n - 1, replace=False)
    many = ensemble[np.zeros(n - 1, dtype=np.int64)]
    many = replace(many, initial=kept[0, chosen])
    run = integrate_members(flow, many, settings)
    complete = np.flatnonzero(run.status == Status.complete)
    if len(complete):
        saved = saved_coordinates(flow, many[complete], run.states[complete, settings.transient_points :])
        for i, member in enumerate(complete):
            yield 1 + int(member), saved[i].T
