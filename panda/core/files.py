"""Files that appear whole or not at all, and the formats of tables and arrays."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import re
import secrets
import socket
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from panda.core.digest import (
    METADATA,
    SUFFIX,
    check_beside,
    check_parquet,
    line_beside,
    open_json,
    seal_json,
    seal_parquet,
    sha256_of_json,
    unique,
)
from panda.core.errors import PandaError
from panda.core.spreadsheet import write_csv

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# Errors that mean: the disk takes no more. The last is a limit on the size of one file (ulimit -f).
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Of a file that cannot be read: it may be damaged, or one that was never ours to delete.
_AGAIN = "correct the path or, if a run made this file, make it again"
# A table of more rows has no CSV beside it.
CSV_ROWS = 200_000
# A temporary file: `.<name>.<host>-<process>-<random>.part<suffix>`, with at most this many characters of the name.
_STEM = 60
_PART = re.compile(r"\..*\.[A-Za-z0-9-]*-\d+-[0-9a-f]{8}\.part(\..+)?")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it into place, on error remove it.

    The file gets the permissions that any new file has here, whatever its writer gave it. What killed writers left
    in the folder is removed first: they hold no lock any more.

    Raises:
        PandaError: the disk is full (nothing half-written is left).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    temporary = None
    try:
        temporary, claim = _claim(path)
        with claim:
            permissions = stat.S_IMODE(os.fstat(claim.fileno()).st_mode)
            yield temporary
            temporary.chmod(permissions)
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
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _claim(path: Path) -> tuple[Path, IO[bytes]]:
    """A new temporary file for `path`, locked for as long as it is open.

    Its name is no one else's: containers that share a disk may share process ids, and names of hosts too.
    """
    host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())[:24]
    while True:
        writer = f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
        # The suffix stays at the end: writers such as numpy and matplotlib choose the format by it.
        temporary = path.with_name(f".{path.stem[:_STEM]}.{writer}.part{path.suffix}")
        claim = temporary.open("xb")
        if _lock(claim) is not False and temporary.exists():
            return temporary, claim
        claim.close()  # taken for abandoned before it was locked


def _lock(file: IO[bytes]) -> bool | None:
    """Lock a file without waiting; False if someone else holds it, None where the disk knows no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove_abandoned(path: Path) -> None:
    """Remove the temporary files in the folder of `path` that no living writer holds."""
    # Before they were locked, temporary files were named by the process alone.
    older = re.compile(rf"\.{re.escape(path.stem)}\.\d+\.part{re.escape(path.suffix)}")
    for part in path.parent.glob(".*.part*"):
        if _PART.fullmatch(part.name) or older.fullmatch(part.name):
            # Another process may be faster, or it may be someone else's.
            with suppress(OSError), part.open("r+b") as file:
                if _lock(file):
                    part.unlink()


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


def write_json(path: str | Path, value: Any, *, digest: bool = False) -> None:
    """Write JSON atomically, keys in order, NaN refused; an object with its `digest`, if asked for."""
    content = seal_json(value) if digest else value
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_beside(path: str | Path) -> None:
    """Write `<file>.sha256` (as `sha256sum` does), against which `read_whole` holds a file of others' format."""
    path = Path(path)
    write_text(path.with_name(path.name + SUFFIX), line_beside(path))


def read_json(path: str | Path, *, digest: bool = False) -> Any:
    """Read JSON, without the digest of its content, against which it is held.

    Raises:
        PandaError: the file is missing, no JSON, has a key twice, does not match its digest, or has none though one
            must be there (`digest`).
    """
    path = require(path)
    try:
        value = json.loads(read_whole(path).decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise PandaError(f"{path}: not a JSON file ({error}); {_AGAIN}") from error
    return open_json(path, value, required=digest)


def read_whole(path: str | Path) -> bytes:
    """The bytes of a file, held against `<file>.sha256` (as `sha256sum` writes it) where that stands beside it.

    Raises:
        PandaError: the file is missing, cannot be read, or does not match.
    """
    path = require(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PandaError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    check_beside(path, data)
    return data


def require(path: str | Path) -> Path:
    """`path`, if a file is there.

    Raises:
        PandaError: it is not.
    """
    path = Path(path)
    if not path.is_file():
        raise PandaError(f"{path}: no such file; make it first, or correct the path")
    return path


def check_writable(path: str | Path) -> None:
    """Refuse an output that could not be written, before any work is done for it. Nothing is made.

    Raises:
        PandaError: it is a folder, a file stands where it needs a folder, or its folder may not be written to.
    """
    path = Path(path)
    if path.is_dir():
        raise PandaError(f"{path}: a folder; give the output the name of a file")
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise PandaError(f"{folder}: a file, where {path} needs a folder; move it, or choose another output")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PandaError(f"{folder}: read-only, or not yours to write to; choose another output than {path}")


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
    return sha256_of_json(files)[:12]


def write_table(frame: pd.DataFrame, path: str | Path, *, machines_only: Iterable[str] = ()) -> None:
    """Write a table as Parquet for machines (at `path`) and as CSV for people (beside it).

    Columns of `machines_only`, where the table has them, are left out of the CSV: long lists that no one reads. Nor does
    anyone read more than `CSV_ROWS` rows: such a table has no CSV (the paper's whole catalogue would take minutes and
    half a gigabyte), and one of an earlier run goes.
    """
    path = Path(path)
    copy = path.with_suffix(".csv")
    if len(frame) > CSV_ROWS:
        copy.unlink(missing_ok=True)
    else:
        with atomic_path(copy) as temporary:
            write_csv(frame.drop(columns=[*machines_only], errors="ignore"), temporary)
    write_parquet(frame, path)


def write_parquet(frame: pd.DataFrame, path: str | Path, *, compression: str = "snappy") -> None:
    """Write a table as Parquet alone: each page with its checksum, the whole file with its SHA-256 (`core.digest`)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    with atomic_path(path) as temporary:
        with pq.ParquetWriter(
            temporary, table.schema, compression=compression, write_page_checksum=True
        ) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata(METADATA)
        seal_parquet(temporary)


def read_table(path: str | Path, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read a Parquet table, which must have `columns` (and may have more).

    Whatever digests and checksums it has are verified. Those that others wrote may have none. It is read in this thread
    alone: a thread of pyarrow's pool that lets go of a Python object while the interpreter shuts down, as it does right
    after an error in a command's input, ends the process by abort ("terminate called without an active exception").

    Raises:
        PandaError: the file is missing, truncated, damaged, no Parquet, or lacks a column: it is another table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = require(path)
    data = read_whole(path)
    check_parquet(path, data)
    try:
        # `ParquetFile`: `read_table` and pandas go by way of data sets, which start threads whatever they are told.
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True, pre_buffer=False) as file:
            table = file.read(use_threads=False).to_pandas(use_threads=False)
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
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read a `.npz` without pickle.

    Raises:
        PandaError: the file is missing, truncated, damaged, or holds pickled objects.
    """
    import struct
    import zlib

    path = require(path)
    # RuntimeError: a flag or a method of compression that no `.npz` has.
    damage = (ValueError, EOFError, OSError, KeyError, RuntimeError, MemoryError, zlib.error, struct.error)
    try:
        with zipfile.ZipFile(io.BytesIO(read_whole(path))) as archive:
            # Each is read to its end, where its checksum is verified, before its header is believed.
            members = {name: archive.read(name) for name in archive.namelist()}
        return {name.removesuffix(".npy"): _array(member) for name, member in members.items()}
    except (zipfile.BadZipFile, *damage) as error:
        raise PandaError(f"{path}: not a whole .npz archive ({error}); {_AGAIN}") from error


def _array(member: bytes) -> np.ndarray:
    """The array in a `.npy` file, whose header is held against the data before memory is taken for what it claims.

    Raises:
        ValueError: damaged, or it claims more values than there are.
    """
    import math

    import numpy as np

    stream = io.BytesIO(member)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"a .npy of version {version}")
    read_header = (
        np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(stream)
    n_bytes = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and n_bytes != len(member) - stream.tell():
        raise ValueError(f"it claims {n_bytes:.3g} bytes of data and has {len(member) - stream.tell()}")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
