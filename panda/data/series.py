"""Series to forecast, whatever they are kept in: trajectory files, or the user's own arrays, with one schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.core.errors import PandaError
from panda.core.files import read_arrays, require
from panda.data.store import TrajectoryStore

# What an array file may be called by: the solver of the equation calls its runs fields.
_SERIES = ("series", "fields")


class SeriesStore(Protocol):
    """Series and what is known of each.

    `table` has one row per series: `system`, `name`, `driver`, `response`, `population`, `strict`, `perturbation`,
    `initial_condition`, `period`, `dt`, `largest_exponent` (empty or NaN where there is none), `dimension`, `n_points`.
    """

    table: pd.DataFrame

    def __len__(self) -> int: ...

    def series(self, i: int) -> Float[np.ndarray, "dimension time"]:
        """Series i, one row per channel."""
        ...


class ArrayStore:
    """Series in memory: those of one file of arrays, all of one shape, or a list of them."""

    def __init__(
        self,
        table: pd.DataFrame,
        values: Float[np.ndarray, "n time channel"] | Sequence[Float[np.ndarray, "time channel"]],
    ) -> None:
        self.table, self._values = table, values

    def __len__(self) -> int:
        return len(self._values)

    def series(self, i: int) -> Float[np.ndarray, "dimension time"]:
        """Series i, as a view."""
        return self._values[i].T


def open_series(paths: Sequence[str | Path], *, name: str) -> SeriesStore:
    """The series in trajectory files (`.arrow`), or in one file of arrays (`.npz`).

    Such a file holds `series` (n, time, channel); `dt` (one number), `exponents` (n) and `names` (n) where they are
    known. A series without a name has that of its data set, `name`, and they are told apart by `initial_condition`.

    Raises:
        PandaError: a file is missing or damaged, kinds are mixed, or an array has another shape or holds no numbers.
    """
    kinds = {Path(path).suffix for path in paths}
    if kinds == {".arrow"}:
        return TrajectoryStore.open(paths)
    if len(paths) != 1 or kinds != {".npz"}:
        raise PandaError(f"{name}: give trajectory files (.arrow), or one file of arrays (.npz)")
    path = require(paths[0])
    arrays = read_arrays(path)
    key = next((key for key in _SERIES if key in arrays), None)
    if key is None:
        raise PandaError(f"{path}: no array `series` (n, time, channel)")
    values = np.asarray(arrays[key])
    if (
        values.ndim != 3
        or 0 in values.shape
        or values.dtype.kind not in "fiu"
        or not np.isfinite(values).all()
    ):
        raise PandaError(f"{path}: `{key}` must be finite numbers (n, time, channel), and is {values.shape}")
    return ArrayStore(_described(path, arrays, values.shape, name), values)


def _described(path: Path, arrays: dict[str, np.ndarray], shape: tuple[int, ...], name: str) -> pd.DataFrame:
    n, n_points, dimension = shape
    names = np.asarray(arrays.get("names", np.full(n, name))).astype(str)
    exponents = np.asarray(arrays.get("exponents", np.full(n, np.nan)), dtype=np.float64)
    dt = np.asarray(arrays.get("dt", np.nan), dtype=np.float64)
    if names.shape != (n,) or exponents.shape != (n,) or dt.shape != ():
        raise PandaError(
            f"{path}: `names` and `exponents` need an entry per series ({n}), `dt` is one number"
        )
    table = pd.DataFrame(
        {"system": names, "name": names, "driver": "", "response": "", "population": "series"}
    )
    return table.assign(
        strict=False,
        perturbation=0,
        initial_condition=table.groupby("system").cumcount().to_numpy(),
        period=np.nan,
        dt=float(dt),
        largest_exponent=exponents,
        dimension=dimension,
        n_points=n_points,
    )
