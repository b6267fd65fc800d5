"""Measured series read from the files of installed packages: as a table for people, as arrays for the arena."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from panda.config.measured import Measured, measured_series
from panda.core.errors import PandaError


def read_measured(name: str) -> pd.DataFrame:
    """A measured series: a row per time, the column of times first where there is one, then a column per channel.

    Raises:
        PandaError: there is no such series, it is not on this machine, or its file is not laid out as listed.
    """
    entry = measured_series(name)
    path = entry.path
    if path is None or entry.lacks:
        raise PandaError(f"{name}: {entry.lacks}")
    try:
        table = _from_npy(path, entry) if path.suffix == ".npy" else _from_csv(path, entry)
    except (OSError, ValueError, KeyError) as error:
        raise PandaError(f"{name}: {path} is not laid out as listed ({error})") from error
    values = table[list(entry.channels)].to_numpy()
    if len(table) != entry.n_points or values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise PandaError(f"{name}: {path} does not hold {entry.n_points} finite rows of numbers")
    return table


def series_arrays(name: str) -> dict[str, np.ndarray]:
    """A measured series as `panda.data.series` opens it: `series` (1, time, channel), float64, and `names` (1).

    Neither `dt` nor an exponent is given: the Lyapunov time of these systems is not known.

    Raises:
        PandaError: as `read_measured`.
    """
    values = read_measured(name)[list(measured_series(name).channels)].to_numpy(dtype=np.float64)
    return {"series": values[None], "names": np.array([name])}


def _from_npy(path: Path, entry: Measured) -> pd.DataFrame:
    """Columns of an array (time, channel) under the names of the channels; pickled objects are refused."""
    return pd.DataFrame(np.load(path, allow_pickle=False), columns=list(entry.channels))


def _from_csv(path: Path, entry: Measured) -> pd.DataFrame:
    table = pd.read_csv(path)
    if entry.leave_out is not None:
        table = table[~table[entry.leave_out.column].str.endswith(entry.leave_out.ending)]
    times = [entry.time] if entry.time is not None else []
    return table[[*times, *entry.channels]].reset_index(drop=True)
