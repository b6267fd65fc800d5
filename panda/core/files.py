"""Files that appear whole or not at all, and the formats of tables and arrays."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panda.core.errors import PandaError
from panda.core.spreadsheet import write_csv

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# Errors that mean: the disk takes no more. The last is a limit on the size of one file (ulimit -f).
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Of a file that cannot be read: it may be damaged, or one that was never ours to delete.
_AGAIN = "correct the path or, if a run made this file, make it again"


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it into place, on error remove it.

    Raises:
        PandaError: the disk is full (nothing half-written is left).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays at the end: writers such as numpy and matplotlib choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise PandaError(
                f"{path}: no space left on the disk; free some and run the same command again"
            ) from error
        raise
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold the lock of the file `path`, waiting for whoever holds it; a holder's death gives it back."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, keys in order, NaN refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Raises:
        PandaError: the file is missing or is no JSON.
    """
    path = require(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PandaError(f"{path}: not a JSON file ({error}); {_AGAIN}") from error


def require(path: str | Path) -> Path:
    """`path`, if a file is there.

    Raises:
        PandaError: it is not.
    """
    path = Path(path)
    if not path.is_file():
        raise PandaError(f"{path}: no such file; make it first, or correct the path")
    return path


def listing(folder: str | Path) -> str:
    """Twelve hex digits over the names and sizes of all files below a folder: have its contents changed?

    Raises:
        PandaError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PandaError(f"{folder}: no such folder; correct the path")
    files = sorted(
        (str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file()
    )
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]


def write_table(frame: pd.DataFrame, path: str | Path, *, machines_only: Iterable[str] = ()) -> None:
    """Write a table as Parquet for machines (at `path`) and as CSV for people (beside it).

    Columns of `machines_only`, where the table has them, are left out of the CSV: long lists that no one reads.
    """
    path = Path(path)
    with atomic_path(path.with_suffix(".csv")) as temporary:
        write_csv(frame.drop(columns=[*machines_only], errors="ignore"), temporary)
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, index=False)


def read_table(path: str | Path, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read a Parquet table, which must have `columns` (and may have more).

    Raises:
        PandaError: the file is missing, truncated, no Parquet, or lacks a column: it is another table.
    """
    import pandas as pd
    import pyarrow as pa

    path = require(path)
    try:
        table = pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise PandaError(f"{path}: not a whole Parquet table ({line}); {_AGAIN}") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise PandaError(f"{path}: no column {missing[0]!r}; it is another table than the one needed here")
    return table


def write_arrays(path: str | Path, **arrays: np.ndarray) -> None:
    """Write named arrays as a compressed `.npz`, atomically; object arrays (pickle) are refused."""
    import numpy as np

    for name, array in arrays.items():
        if np.asarray(array).dtype == object:
            raise PandaError(
                f"{path}: array {name!r} has Python objects; store numbers or fixed-width strings"
            )
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read a `.npz` without pickle.

    Raises:
        PandaError: the file is missing, truncated, or holds pickled objects.
    """
    import zlib

    import numpy as np

    path = require(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError, zlib.error) as error:
        raise PandaError(f"{path}: not a whole .npz archive ({error}); {_AGAIN}") from error
