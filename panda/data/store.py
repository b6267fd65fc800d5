"""Trajectories in Arrow files: written one at a time, read back as views of the memory-mapped file."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Float

from panda.core.errors import PandaError
from panda.core.files import atomic_path, require

SCHEMA = pa.schema(
    [
        ("system", pa.string()),
        ("name", pa.string()),
        ("driver", pa.string()),
        ("response", pa.string()),
        ("population", pa.string()),
        ("strict", pa.bool_()),
        ("perturbation", pa.int64()),
        ("initial_condition", pa.int64()),
        ("period", pa.float64()),
        ("dt", pa.float64()),
        ("largest_exponent", pa.float64()),
        ("target", pa.list_(pa.list_(pa.float32()))),
        ("crc32", pa.uint32()),
        ("description_crc32", pa.uint32()),
    ]
)
# What describes a row: every column but the numbers and the checksums.
_DESCRIPTION = [name for name in SCHEMA.names if name not in ("target", "crc32", "description_crc32")]
# What no two trajectories have in common.
_KEY = ["system", "initial_condition"]

# What a whole Arrow stream ends with: a continuation marker and a message length of zero. Arrow itself
# takes a file that was cut between two messages for a whole one.
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


@dataclass(frozen=True)
class Trajectory:
    """One trajectory and where it comes from.

    `system` is the full id ("Lorenz_Rossler-pp3"), `name` the id without parameters ("Lorenz_Rossler"),
    `response` is "" and `population` "founder" for a founder, else `population` is "skew". `perturbation` 0
    means default parameters. `period` and `dt` are in the system's time units, `largest_exponent` is per
    time unit; each is NaN where it is not known (imported data). `strict` as in `panda.discovery.search.select.select`.
    """

    system: str
    name: str
    driver: str
    response: str
    population: str
    perturbation: int
    initial_condition: int
    period: float
    dt: float
    largest_exponent: float
    target: Float[np.ndarray, "dimension time"]
    strict: bool = False


def write_trajectories(path: str | Path, rows: Iterable[Trajectory]) -> int:
    """Write trajectories with `trajectory_writer`; return their number.

    Raises:
        PandaError: as `trajectory_writer`.
    """
    n_rows = 0
    with trajectory_writer(path) as write:
        for row in rows:
            write(row)
            n_rows += 1
    return n_rows


@contextmanager
def trajectory_writer(path: str | Path) -> Iterator[Callable[[Trajectory], None]]:
    """A function that appends a trajectory to an Arrow IPC stream, in float32 and one record batch per trajectory.

    The file appears whole when the block ends, or not at all, and memory holds one trajectory at a time.
    Each row carries two CRC-32: of its numbers (little-endian float32, one channel after the other) and of
    what describes them, shape included. `datasets.Dataset.from_file` opens the file.

    Raises:
        PandaError: a trajectory is not two-dimensional, is empty, or has values that are not finite in
            float32; the disk is full.
    """
    with atomic_path(path) as temporary, pa.ipc.new_stream(str(temporary), SCHEMA) as writer:
        yield lambda row: writer.write_batch(_record_batch(path, row))


def _record_batch(path: str | Path, row: Trajectory) -> pa.RecordBatch:
    with np.errstate(over="ignore"):
        target = np.ascontiguousarray(row.target, dtype="<f4")
    if target.ndim != 2 or target.size == 0:
        raise PandaError(
            f"{path}: trajectory {row.system!r} has shape {target.shape}, not (dimension, time), or is empty"
        )
    if not np.isfinite(target).all():
        raise PandaError(
            f"{path}: trajectory {row.system!r} has values not finite in float32; filter it out first"
        )
    dimension, time = target.shape
    channels = pa.ListArray.from_arrays(
        pa.array(np.arange(0, target.size + 1, time, dtype=np.int32)), pa.array(target.ravel())
    )
    columns: dict[str, pa.Array] = {
        "target": pa.ListArray.from_arrays(pa.array([0, dimension], pa.int32()), channels),
        "crc32": pa.array([zlib.crc32(target.data)], pa.uint32()),
    }
    for field in fields(row):
        if field.name != "target":
            columns[field.name] = pa.array([getattr(row, field.name)], SCHEMA.field(field.name).type)
    # Of the stored values, not the given ones: an integer that stands for a float must not matter.
    stored = {name: columns[name][0].as_py() for name in _DESCRIPTION}
    columns["description_crc32"] = pa.array([_description_crc32(stored, target.shape)], pa.uint32())
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _description_crc32(row: Mapping[str, Any], shape: tuple[int, ...]) -> int:
    """CRC-32 of what describes a row: its columns and the shape of its numbers, as JSON (exact for floats)."""
    return zlib.crc32(json.dumps([*(row[name] for name in _DESCRIPTION), *shape]).encode())


class TrajectoryStore:
    """Trajectories of one or more files, by system and initial condition, read on demand from memory maps.

    Their order, and with it all that is drawn from them, does not depend on how they are spread over files.
    `table` has one row per trajectory: the stored columns without the numbers, and `dimension` and `n_points`
    beside them.
    """

    def __init__(
        self, table: pd.DataFrame, views: list[Float[np.ndarray, "dimension time"]], origins: list[Path]
    ) -> None:
        self.table = table
        self._views, self._origins = views, origins
        self._checked = np.zeros(len(views), dtype=bool)
        self._crc32 = table.pop("crc32").to_numpy()

    @classmethod
    def open(cls, paths: str | Path | Sequence[str | Path]) -> Self:
        """Open files written by `write_trajectories`; a file may hold no row.

        What describes the rows is checked here, their numbers when they are first asked for.

        Raises:
            PandaError: a file is missing, truncated, damaged, or not a trajectory file; a trajectory occurs
                twice.
        """
        if isinstance(paths, str | Path):
            paths = [paths]
        tables = [_open_stream(require(path)) for path in paths]
        views, origins = [], []
        for path, table in zip(paths, tables, strict=True):
            own = list(_views(path, table.column("target")))
            _check_descriptions(path, table, own)
            views += own
            origins += [Path(path)] * len(own)
        without = ["target", "description_crc32"]
        metadata = pa.concat_tables([t.drop_columns(without) for t in (*tables, SCHEMA.empty_table())])
        frame = metadata.to_pandas(use_threads=False)  # for the reason of `core.files.read_table`
        frame["dimension"] = np.array([view.shape[0] for view in views], dtype=np.int64)
        frame["n_points"] = np.array([view.shape[1] for view in views], dtype=np.int64)
        _refuse_twice(frame, origins)
        order = frame.sort_values(_KEY).index.to_numpy()
        frame = frame.iloc[order].reset_index(drop=True)
        return cls(frame, [views[i] for i in order], [origins[i] for i in order])

    def __len__(self) -> int:
        return len(self._views)

    def subset(self, mask: Sequence[bool]) -> TrajectoryStore:
        """The trajectories where `mask` (one entry a trajectory) is True, as a store of the same files."""
        rows = np.flatnonzero(np.asarray(mask, dtype=bool))
        table = self.table.iloc[rows].reset_index(drop=True).assign(crc32=self._crc32[rows])
        return TrajectoryStore(table, [self._views[i] for i in rows], [self._origins[i] for i in rows])

    def series(self, i: int) -> Float[np.ndarray, "dimension time"]:
        """Trajectory i as a read-only float32 view of the file; checked when first asked for.

        Raises:
            PandaError: its numbers do not match their checksum, or are not finite.
        """
        view = self._views[i]
        if not self._checked[i]:
            where = f"{self._origins[i]}: trajectory {self.table['system'].iloc[i]!r}"
            if zlib.crc32(view.data) != self._crc32[i]:
                raise PandaError(f"{where} does not match its checksum; delete the file and make it again")
            if not np.isfinite(view).all():
                raise PandaError(f"{where} has values that are not finite; delete the file and make it again")
            self._checked[i] = True
        return view


def _open_stream(path: Path) -> pa.Table:
    """The file's rows, without reading their numbers, refused unless whole and of our schema."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - len(_END_OF_STREAM), 0))
        whole = file.read() == _END_OF_STREAM
    if size == 0:
        raise PandaError(f"{path}: empty file; delete it and make it again")
    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            if not reader.schema.equals(SCHEMA):
                missing = sorted(set(SCHEMA.names) - set(reader.schema.names))
                what = f"no column {missing[0]!r}" if missing else "columns of other types"
                raise PandaError(f"{path}: not a trajectory file ({what}); make it with the integrate stage")
            if not whole:
                raise PandaError(f"{path}: truncated trajectory file; delete it and make it again")
            table = reader.read_all()
            if source.tell() != size:
                raise PandaError(
                    f"{path}: damaged trajectory file (it ends early); delete it and make it again"
                )
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise PandaError(
            f"{path}: not a whole trajectory file ({line}); delete it and make it again"
        ) from error
    return table


def _refuse_twice(table: pd.DataFrame, origins: list[Path]) -> None:
    twice = np.flatnonzero(table.duplicated(_KEY))
    if twice.size:
        system, condition = table.loc[twice[0], _KEY]
        first = np.flatnonzero((table["system"] == system) & (table["initial_condition"] == condition))[0]
        raise PandaError(
            f"{origins[twice[0]]}: trajectory {system!r}, initial condition {condition}, is in {origins[first]} too; "
            "give each file once, and of two runs or imported sets only one"
        )


def _views(path: str | Path, target: pa.ChunkedArray) -> Iterator[Float[np.ndarray, "dimension time"]]:
    """A (dimension, time) view a row, of the buffers Arrow mapped."""
    for chunk in target.chunks:
        if chunk.null_count or chunk.flatten().null_count or chunk.flatten().flatten().null_count:
            raise PandaError(f"{path}: missing values in the trajectories; delete it and make it again")
        numbers = chunk.values.values.to_numpy(zero_copy_only=True)
        rows, channels = chunk.offsets.to_numpy(), chunk.values.offsets.to_numpy()
        for first, last in pairwise(rows):
            lengths = np.diff(channels[first : last + 1])
            if lengths.size == 0 or lengths[0] == 0 or (lengths != lengths[0]).any():
                raise PandaError(f"{path}: channels of unequal or no length; delete it and make it again")
            yield numbers[channels[first] : channels[last]].reshape(lengths.size, lengths[0])


def _check_descriptions(
    path: str | Path, table: pa.Table, views: list[Float[np.ndarray, "dimension time"]]
) -> None:
    rows = table.select([*_DESCRIPTION, "description_crc32"]).to_pylist()
    for i, (row, view) in enumerate(zip(rows, views, strict=True)):
        if _description_crc32(row, view.shape) != row["description_crc32"]:
            raise PandaError(
                f"{path}: the description of trajectory {i} ({row['system']!r}) does not match its checksum; "
                "delete the file and make it again"
            )
