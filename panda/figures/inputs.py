"""What a figure takes from the tables and arrays it is handed, with a clear word when columns do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from panda.core.errors import PandaError

Tables = Mapping[str, pd.DataFrame]
Arrays = Mapping[str, Mapping[str, np.ndarray]]
Shown = pd.DataFrame | dict[str, np.ndarray]


def table(tables: Tables, key: str, columns: Sequence[str]) -> pd.DataFrame:
    """The named columns of `tables[key]`; no rows where the table is not there (its stage did not run).

    Raises:
        PandaError: the table lacks a column.
    """
    frame = tables.get(key)
    if frame is None:
        return pd.DataFrame({column: pd.Series(dtype=float) for column in columns})
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise PandaError(
            f"{key}: no column {', '.join(missing)}; the table is of another version, make it again"
        )
    return frame.loc[:, list(columns)].reset_index(drop=True)


def array(arrays: Arrays, key: str, names: Sequence[str]) -> dict[str, np.ndarray] | None:
    """The named arrays of `arrays[key]`; None where the archive is not there.

    Raises:
        PandaError: the archive lacks one of them.
    """
    archive = arrays.get(key)
    if archive is None:
        return None
    missing = [name for name in names if name not in archive]
    if missing:
        raise PandaError(
            f"{key}: no array {', '.join(missing)}; the archive is of another version, make it again"
        )
    return {name: np.asarray(archive[name]) for name in names}


def examples(arrays: Arrays, dataset: str, names: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Forecaster -> the named arrays of its example forecasts of a data set, in the order given.

    `forecast`, which has an entry for each of the archive's `forecasters`, is cut to that of the one.

    Raises:
        PandaError: an archive lacks one of them.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for key in (key for key in arrays if key.startswith(f"scores/{dataset}/")):
        archive = array(arrays, key, [*names, "forecasters"])
        if archive is None:
            continue
        for place, forecaster in enumerate(archive["forecasters"].astype(str)):
            found[str(forecaster)] = {
                name: archive[name][place] if name == "forecast" else archive[name] for name in names
            }
    return found
