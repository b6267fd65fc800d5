"""The members of a group of candidates: drawn from the seed, or read back from a catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Search
from panda.core.errors import PandaError
from panda.discovery.candidates import Group, member_generator
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.mutation import perturb
from panda.systems.skew import default_member, founder_ensemble, mutate_member, skew_ensemble

COLUMNS = (
    "driver_parameters",
    "response_parameters",
    "driver_scale",
    "response_scale",
    "driver_index",
    "initial",
)


def flow_of(library: FounderLibrary, driver: str, response: str) -> Flow:
    """The flow of a founder (`response` empty) or of an ordered pair."""
    return library.flow(driver, response or None)


def draw_members(
    flow: Flow,
    group: Group,
    settings: Search,
    rms: Mapping[str, Float64[np.ndarray, " dimension"]],
    seed: int,
) -> Ensemble:
    """All members of a group: member 0 unperturbed, the others mutated, each from its own stream.

    A founder without parameters is a group of one: its perturbations would be copies of it.
    """
    options = settings.mutation.model_dump()
    streams = [member_generator(seed, group.system(i), "parameters") for i in range(1, group.n_members)]
    if flow.response is None:
        founder = flow.driver
        streams = streams if founder.n_parameters else []
        mutated = [
            perturb(founder.parameters, sizes=founder.parameter_sizes, **options, generator=stream)
            for stream in streams
        ]
        initial = np.tile(founder.initial_condition, (1 + len(streams), 1))
        return founder_ensemble(flow, np.stack([founder.parameters, *mutated]), initial)
    first = default_member(
        flow,
        driver_rms=rms[group.driver],
        response_rms=rms[group.response],
        stiffness=settings.stiffness,
    )
    return skew_ensemble(
        flow, [first, *(mutate_member(flow, first, **options, generator=stream) for stream in streams)]
    )


def to_columns(ensemble: Ensemble) -> dict[str, list[np.ndarray]]:
    """The members as list columns of a table; float64 keeps every bit, empty ones keep their type."""
    return {column: list(getattr(ensemble, column)) for column in COLUMNS}


def from_rows(rows: pd.DataFrame) -> Ensemble:
    """The members that `to_columns` stored: rows of one flow.

    Raises:
        PandaError: they are not as long as each other. How long they must be, the integrator checks.
    """
    try:
        arrays: dict[str, Any] = {column: np.stack([*map(np.asarray, rows[column])]) for column in COLUMNS}
    except ValueError as error:
        raise PandaError(
            f"{rows['system'].iloc[0]} and others of its name differ in how many parameters or coordinates they have; "
            "correct the table, or make it again"
        ) from error
    return Ensemble(**arrays)


def shard_of_flows(systems: pd.DataFrame, index: int, n_shards: int) -> pd.DataFrame:
    """The systems of every `n_shards`-th flow from `index` on; those of one flow stay together."""
    return systems[systems["name"].isin(sorted(set(systems["name"]))[index::n_shards])]
