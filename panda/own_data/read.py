"""A user's file as a table: CSV, Parquet, Arrow or NPY. Nothing in it is run or unpickled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from panda.core.errors import PandaError
from panda.core.files import read_table, read_whole, require
from panda.own_data.read_csv import read_csv
from panda.own_data.rows import Rows, rows_of


def read_file(path: str | Path) -> tuple[pd.DataFrame, Rows]:
    """The table in a file, and the names of its rows; the kind is told by the suffix.

    Text (.csv, .tsv, .txt, .dat): see `read_csv`. Parquet (.parquet) and Arrow (.arrow, .feather; files and streams):
    columns as they are; an index that pandas has stored becomes columns again. NPY (.npy): (time,) or (time, channel),
    whose columns are `channel_1`, `channel_2`, ...

    Raises:
        PandaError: no such file, of another kind, damaged, empty, or an array of objects (pickled), which are never
            loaded, or of another shape.
    """
    path = require(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise PandaError(f"{path}: a file of a kind that is not read; give one of {', '.join(_READERS)}")
    frame, rows = reader(path)
    if frame.empty:
        raise PandaError(f"{path}: no rows in it; give a series, a column per channel")
    return frame, rows


def channel_names(n: int) -> list[str]:
    """Names of channels that have none."""
    return [f"channel_{i + 1}" for i in range(n)]


def _read_parquet(path: Path) -> tuple[pd.DataFrame, Rows]:
    return _table(path, read_table(path))


def _read_arrow(path: Path) -> tuple[pd.DataFrame, Rows]:
    try:
        table = _open(pa.BufferReader(read_whole(path))).read_all()
        table.validate(full=True)
        # As `read_table` does: in this thread alone.
        frame = table.to_pandas(use_threads=False, date_as_object=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise PandaError(f"{path}: not a whole Arrow file ({line}); write it again") from error
    return _table(path, frame)


def _open(source: pa.BufferReader) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _read_npy(path: Path) -> tuple[pd.DataFrame, Rows]:
    try:
        # Mapped, the header is held against the size of the file before memory is taken for what it claims.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise PandaError(
            f"{path}: not a whole .npy file of numbers ({line}); save the numbers again with numpy.save"
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or array.ndim not in (1, 2):
        raise PandaError(
            f"{path}: an array of {array.dtype} and shape {array.shape}; give numbers (time,) or (time, channel)"
        )
    values = np.array(array).reshape(len(array), -1)
    if values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("="))
    frame = pd.DataFrame(values, columns=channel_names(values.shape[1]))
    return frame, rows_of(str(path), len(frame))


def _table(path: Path, frame: pd.DataFrame) -> tuple[pd.DataFrame, Rows]:
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    return frame, rows_of(str(path), len(frame))


_READERS: dict[str, Callable[[Path], tuple[pd.DataFrame, Rows]]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".dat": read_csv,
    ".parquet": _read_parquet,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
    ".npy": _read_npy,
}
