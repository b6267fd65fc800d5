"""A catalogue read back from disk: by its own command, a later stage, or someone who has edited it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from panda.core.errors import PandaError
from panda.core.files import read_table
from panda.core.names import SPLITS

CATALOGUE = ("system", "name", "driver", "response", "accepted", "split")
# Lists of finite numbers, in part empty for founders.
_NUMBERS = ("driver_parameters", "response_parameters", "driver_scale", "response_scale", "initial")


def read_catalogue(path: str | Path, columns: Iterable[str] = CATALOGUE) -> pd.DataFrame:
    """Read a catalogue, which must have `columns`, and refuse rows that no search could have written.

    Raises:
        PandaError: no whole table, or another one; or a row that names nothing, no split, or no finite numbers.
    """
    table = read_table(path, ["system", "name", "driver", "response", "accepted", *columns])
    for name in ("system", "name", "driver", "response"):
        empty = table[name].map(lambda text: not isinstance(text, str)) | (
            (table[name] == "") & (name != "response")
        )
        _refuse(table, empty, path, f"no {name}")
    _refuse(table, table["system"].duplicated(), path, "a system that occurs twice")
    if "split" in table:
        _refuse(table, ~table["split"].isin(SPLITS), path, f"a split that is none of {', '.join(SPLITS)}")
    if table["accepted"].dtype != bool:
        bad = ~table["accepted"].isin([True, False])
        _refuse(table, bad, path, "neither true nor false in `accepted`")
        raise PandaError(
            f"{path}: `accepted` holds {table['accepted'].dtype}, not true and false; make it again"
        )
    if "period" in table:
        period = pd.to_numeric(table["period"], errors="coerce")
        _refuse(table, ~(np.isfinite(period) & (period > 0)), path, "no period")
    for name in _NUMBERS:
        if name in table:
            # A rejected candidate may have been rejected for just that.
            bad = table["accepted"] & ~table[name].map(_finite).astype(bool)
            _refuse(table, bad, path, f"no finite numbers in `{name}`")
    return table


def _finite(values: object) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "f" and bool(np.isfinite(values).all())


def _refuse(table: pd.DataFrame, bad: pd.Series, path: str | Path, what: str) -> None:
    if bad.any():
        n, row = int(bad.sum()), int(np.flatnonzero(bad)[0])
        rows = f"row {row}" if n == 1 else f"{n} rows, the first of them row {row}"
        raise PandaError(
            f"{path}: {what} in {rows} ({table['system'].iloc[row]!r}); correct it, or make the catalogue again"
        )
