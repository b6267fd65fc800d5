"""Published trajectories, in the reference code's two layouts or as `datasets` saves them, read as ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float

from panda.config import Founders
from panda.core.errors import PandaError
from panda.core.files import read_json, require
from panda.core.progress import Progress
from panda.data.store import Trajectory

# `Driver` or `Driver_Response`, and the number of its parameters where a system has several initial conditions.
_DIRECTORY = re.compile(
    r"(?P<driver>[A-Za-z0-9]+)(?:_(?P<response>[A-Za-z0-9]+))?(?:-pp(?P<perturbation>\d+))?"
)
# The number of a trajectory, counted from 1, and its length; `pp3_` where the folder has lost its `-pp3`.
_FILE = re.compile(r"(?:pp(?P<perturbation>\d+)_)?(?P<number>\d+)_T-(?P<n_points>\d+)\.arrow")
_HUB_COLUMNS = ("target", "target._np_shape", "_source_directory", "_source_filename")
_UNKNOWN = float("nan")
_STATE = "state.json"
# The first bytes of an Arrow stream; an Arrow file begins with its name.
_STREAM = b"\xff\xff\xff\xff"
# Its last bytes: a message of no length. Without them it reads to its end all the same, if it is cut between two batches.
_END = b"\xff\xff\xff\xff\0\0\0\0"
# Rows of a Parquet file decoded at a time: some MB.
_ROWS = 32


@dataclass(frozen=True)
class Published:
    """A published trajectory, and the split its publisher put it in (`train`, `test_zeroshot`, ...)."""

    split: str
    trajectory: Trajectory
    origin: str


def find_published(folder: str | Path) -> list[Path]:
    """The Parquet and Arrow files anywhere below a folder, sorted; of a set saved by `datasets`, those it lists.

    Raises:
        PandaError: there is no such folder, or none in it.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise PandaError(f"{folder}: no such folder of published trajectories")
    files = sorted(
        path for path in folder.rglob("*") if path.suffix in (".parquet", ".arrow") and _listed(path)
    )
    if not files:
        raise PandaError(f"{folder}: no .parquet or .arrow file in it or below")
    return files


def read_published(paths: Sequence[Path], progress: Progress | None = None) -> Iterator[Published]:
    """The trajectories of published files, one after another, in the files' order.

    Three layouts are known (the first two: spec 1.6):

    - of the Hub, `<split>-00000-of-00003.parquet`: one row per trajectory, with `target` (the numbers, one
      channel after the other), `target._np_shape` (dimension, time), `_source_directory` and
      `_source_filename`, which are those of
    - the local one, `<split>/<System>/<number>_T-<points>.arrow`: one file per trajectory, written by gluonts;
    - the Hub's as `datasets` keeps it (`save_to_disk`): the same columns in `<split>/data-00000-of-00003.arrow`, and a
      `state.json` beside them.

    `<System>` is `Driver`, `Driver_Response`, or either with `-pp<k>`. With `-pp<k>`, k is the number of the
    parameters and the file's number that of the initial condition; without, the file's number is that
    of the parameters. Files count from 1 where parameters count from 0 (an offset of the reference code).
    Period, time step and exponent are not stored in these files: they are NaN.

    Raises:
        PandaError: a file is missing, truncated, damaged or of another layout; a name is none of the
            layout's; numbers do not fit the name's length or the stored shape; a trajectory occurs twice.
    """
    seen: dict[tuple[str, int], str] = {}
    for path in map(require, paths):
        rows = _rows(path)
        for one in rows:
            key = (one.trajectory.system, one.trajectory.initial_condition)
            if key in seen:
                raise PandaError(
                    f"{one.origin}: {key[0]}, initial condition {key[1]}, is in {seen[key]} too; "
                    "import one of the two"
                )
            seen[key] = one.origin
            yield one
        if progress is not None:
            progress.advance()


def own_split(one: Published, founders: Founders) -> str | None:
    """The split of ours that a published trajectory belongs to; None if it belongs to none.

    Decided by founder, as for our own systems. What its publisher tests on is never trained on: if none of its
    founders is held out here, it is left out.
    """
    names = filter(None, (one.trajectory.driver, one.trajectory.response))
    split = founders.split(*names)
    return None if split != "test" and one.split.startswith("test") else split


def _trajectory(directory: str, filename: str, target: np.ndarray, origin: str) -> Trajectory:
    """A trajectory by its names in the layout."""
    folder, file = _DIRECTORY.fullmatch(directory), _FILE.fullmatch(filename)
    if folder is None:
        raise PandaError(f"{origin}: {directory!r} is no system name (Driver or Driver_Response, maybe -pp3)")
    if file is None:
        raise PandaError(f"{origin}: {filename!r} is no file name of the layout (5_T-4096.arrow)")
    number, stated = int(file["number"]), int(file["n_points"])
    if number < 1:
        raise PandaError(f"{origin}: {filename!r} has number 0, but the layout counts from 1")
    if target.ndim != 2 or target.shape[1] != stated:
        raise PandaError(f"{origin}: shape {target.shape}, but the name says (dimension, {stated})")
    driver, response = folder["driver"], folder["response"] or ""
    name = f"{driver}_{response}" if response else driver
    given = folder["perturbation"] or file["perturbation"]
    perturbation, condition = (number - 1, 0) if given is None else (int(given), number - 1)
    return Trajectory(
        system=f"{name}-pp{perturbation}",
        name=name,
        driver=driver,
        response=response,
        population="skew" if response else "founder",
        perturbation=perturbation,
        initial_condition=condition,
        period=_UNKNOWN,
        dt=_UNKNOWN,
        largest_exponent=_UNKNOWN,
        target=target,
    )


def _rows(path: Path) -> Iterator[Published]:
    """The trajectories of one file, by its layout."""
    if path.suffix == ".parquet":
        return _hub_rows(path)
    if _state(path) is not None:
        return _saved_rows(path)
    with path.open("rb") as file:
        start = file.read(len(_STREAM))
    if start == _STREAM:
        raise PandaError(
            f"{path}: an Arrow stream without the {_STATE} that `save_to_disk` of `datasets` writes beside it; give "
            "the folder that it saved, or the published Parquet files"
        )
    return _local_rows(path)


def _hub_rows(path: Path) -> Iterator[Published]:
    with _named(path, "Parquet file"), pq.ParquetFile(path, page_checksum_verification=True) as file:
        _check_columns(path, file.schema_arrow, _HUB_COLUMNS)
        # All columns: pyarrow takes a dot in a column's name for a level of nesting.
        yield from _of_batches(file.iter_batches(batch_size=_ROWS), path, path.stem.split("-")[0])


def _saved_rows(path: Path) -> Iterator[Published]:
    state = _state(path)
    assert state is not None
    # A set of one split names it here; one of several has a folder for each.
    split = str(state.get("_split") or path.parent.name)
    with (
        _named(path, "Arrow stream"),
        pa.memory_map(str(path)) as source,
        pa.ipc.open_stream(source) as reader,
    ):
        if source.size() < len(_END) or source.read_at(len(_END), source.size() - len(_END)) != _END:
            raise ValueError("it ends too early")
        _check_columns(path, reader.schema, _HUB_COLUMNS)
        yield from _of_batches(reader, path, split)


def _of_batches(batches: Iterable[pa.RecordBatch], path: Path, split: str) -> Iterator[Published]:
    """The trajectories of rows with the Hub's columns."""
    number = 0
    for batch in batches:
        batch.validate(full=True)
        columns = [batch.column(batch.schema.get_field_index(name)) for name in _HUB_COLUMNS]
        for values, shape, directory, filename in zip(*columns, strict=True):
            directory, filename = (str(text.as_py()) for text in (directory, filename))
            origin = f"{path}, row {number} ({directory}/{filename})"
            target = _array(values, shape.as_py(), origin)
            name = PurePosixPath(directory).name
            yield Published(split, _trajectory(name, filename, target, origin), origin)
            number += 1


def _state(path: Path) -> dict[str, Any] | None:
    """What `save_to_disk` of `datasets` says of the files in this one's folder; None: they are not its own.

    Raises:
        PandaError: it is damaged.
    """
    file = path.with_name(_STATE)
    state = read_json(file) if file.is_file() else None
    if state is not None and not isinstance(state, dict):
        raise PandaError(
            f"{file}: not the {_STATE} that `save_to_disk` of `datasets` writes; save the set again"
        )
    return state if state is not None and "_data_files" in state else None


def _listed(path: Path) -> bool:
    """Whether a file holds data: beside the files of a saved set lie the caches of what was done to it."""
    state = _state(path) if path.suffix == ".arrow" else None
    if state is None:
        return True
    try:
        return path.name in [entry["filename"] for entry in state["_data_files"]]
    except (KeyError, TypeError) as error:
        raise PandaError(f"{path.with_name(_STATE)}: lists no files; save the set again") from error


def _local_rows(path: Path) -> Iterator[Published]:
    with _named(path, "Arrow file"), pa.memory_map(str(path)) as source:
        with pa.ipc.open_file(source) as reader:
            table = reader.read_all()
        table.validate(full=True)
    _check_columns(path, table.schema, ("target",))
    shapes = [None] * table.num_rows
    if "target._np_shape" in table.schema.names:
        shapes = table.column("target._np_shape").to_pylist()
    pieces = [
        _array(value, shape, str(path)) for value, shape in zip(table.column("target"), shapes, strict=True)
    ]
    # A file has one row of all channels, or (gluonts' univariate form) one row per channel.
    if not pieces or (len(pieces) > 1 and any(piece.ndim != 1 for piece in pieces)):
        raise PandaError(f"{path}: {len(pieces)} trajectories; a file of the published layout holds one")
    if len({piece.shape for piece in pieces}) > 1:
        raise PandaError(f"{path}: channels of unequal length")
    target = pieces[0] if pieces[0].ndim == 2 else np.stack(pieces)
    split, directory = path.parent.parent.name, path.parent.name
    yield Published(split, _trajectory(directory, path.name, target, str(path)), str(path))


def _array(values: Any, shape: list[int] | None, origin: str) -> Float[np.ndarray, ...]:
    """One `target` in the stored shape; without one, as it stands: a channel, or a list of channels."""
    if not values.is_valid:
        raise PandaError(f"{origin}: no numbers in 'target'")
    numbers, own = values.values, [len(values.values)]
    if pa.types.is_list(numbers.type) or pa.types.is_large_list(numbers.type):
        lengths = set(numbers.value_lengths().to_pylist())
        if len(lengths) != 1:
            raise PandaError(f"{origin}: channels of unequal length")
        numbers, own = numbers.flatten(), [len(values.values), lengths.pop()]
    if not pa.types.is_floating(numbers.type) or numbers.null_count:
        raise PandaError(f"{origin}: 'target' is {numbers.type} or has gaps; floating-point numbers expected")
    array, wanted = numbers.to_numpy(), own if shape is None else shape
    if None in wanted or array.size != np.prod(wanted):
        raise PandaError(f"{origin}: {array.size} numbers do not fill the stored shape {wanted}")
    if not np.isfinite(array).all():
        raise PandaError(f"{origin}: values that are not finite; leave this trajectory out")
    return array.reshape(wanted)


def _check_columns(path: Path, schema: pa.Schema, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in schema.names]
    if missing:
        raise PandaError(
            f"{path}: no column {missing[0]!r}; not a file of the published layouts (its columns: "
            f"{', '.join(schema.names[:8])})"
        )


@contextmanager
def _named(path: Path, kind: str) -> Iterator[None]:
    """Errors of the reading library as one line with the file's name."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise PandaError(
            f"{path}: not a whole {kind} ({line}); fetch it again, or take it out of the folder"
        ) from error
