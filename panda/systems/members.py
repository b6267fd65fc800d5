"""The members of a flow as rows of a table, and read back from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from panda.core.errors import PandaError
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary

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


def by_flow(library: FounderLibrary, rows: pd.DataFrame, size: int) -> Iterator[tuple[Flow, pd.DataFrame]]:
    """The rows of one flow after another, by driver and response, at most `size` at a time."""
    for (driver, response), group in rows.groupby(["driver", "response"], sort=True):
        flow = flow_of(library, str(driver), str(response))
        for first in range(0, len(group), size):
            yield flow, group.iloc[first : first + size]


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
