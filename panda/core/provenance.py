"""A record beside every result: which code, configuration, seed and inputs made it, and at what cost."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from panda.core.checkout import SOURCE, in_checkout
from panda.core.digest import has_digest, sha256, sha256_of_json
from panda.core.errors import PandaError
from panda.core.files import check_writable, read_json, write_json

VERSIONS_OF = ("numpy", "scipy", "numba", "torch", "dysts", "pandas", "pyarrow", "snakemake", "darts")
SUFFIX = ".provenance.json"


def hash_of(value: Any) -> str:
    """Twelve hex digits over plain data, whatever the order of its keys."""
    return sha256_of_json(value)[:12]


def record_path(output: str | Path) -> Path:
    """Where the record of an output stands."""
    output = Path(output)
    return output.with_name(output.name + SUFFIX)


@contextmanager
def provenance(
    outputs: Sequence[str | Path],
    *,
    inputs: Sequence[str | Path],
    section: Any,
    seed: int,
    code: str,
) -> Iterator[dict[str, Any]]:
    """Time the work inside, then write `<output>.provenance.json` beside the first output.

    `wall_s` and `cpu_s` are of the work inside, `process_cpu_s` is of all since the process began. The yielded dict
    takes further entries (`device`, say). Nothing is written when the work raises.

    Raises:
        PandaError: an input is not the file that its own record describes: damaged, or of another run; or an output
            could not be written.
    """
    for output in outputs:
        check_writable(output)
    extra: dict[str, Any] = {}
    hashes = {str(path): _input_hash(Path(path)) for path in inputs if Path(path).is_file()}
    wall, cpu = time.time(), _cpu_s()
    yield extra
    present = [Path(output) for output in outputs if Path(output).is_file()]
    if not present:
        return
    record = {
        # By their way from here: shards of several splits have one name.
        "outputs": {os.path.relpath(path, present[0].parent): sha256(path) for path in present},
        "inputs": hashes,
        "section": section,
        "config_hash": hash_of(section),
        "code_version": code,
        "seed": seed,
        "git": git_state(),
        "versions": versions(),
        "machine": {
            "platform": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "device": "cpu",
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall)),
        "wall_s": round(time.time() - wall, 3),
        "cpu_s": round(_cpu_s() - cpu, 3),
        "process_cpu_s": round(_cpu_s(), 3),
        **extra,
    }
    write_json(record_path(present[0]), record, digest=True)


def check_one_run(
    tables: Sequence[str | Path], *, made_from: Sequence[str | Path] = (), shared: tuple[str, ...] = ()
) -> None:
    """Refuse tables that their records say are not of one run. Those without a record pass: they are others'.

    Args:
        tables: what must have the same seed.
        made_from: files of which each table must have been made, from one at least.
        shared: how the names of inputs end (`.arrow`) that must be the same for all tables.

    Raises:
        PandaError: a table is of another run than the files before it.
    """
    sources, first = {sha256(path) for path in made_from}, None
    for path in map(Path, tables):
        record = read_record(path)
        if record is None:
            continue
        if sources and not sources & set(record["inputs"].values()):
            raise PandaError(
                f"{path}: its provenance record says that it was not made from {', '.join(map(str, made_from))}; "
                "give files of one run, or make it again"
            )
        same = {name: digest for name, digest in record["inputs"].items() if name.endswith(shared)}
        made_with = (record["seed"], sorted(same.values()))
        if first is None:
            first = (path, made_with)
        elif made_with != first[1]:
            what = "seed" if made_with[0] != first[1][0] else f"{', '.join(shared)} files"
            raise PandaError(
                f"{path}: its provenance record says that it was made with another {what} than {first[0]}; "
                "give files of one run, or make it again"
            )


def read_record(path: str | Path) -> dict[str, Any] | None:
    """The record beside a file; None if there is none, or it is of other outputs.

    Raises:
        PandaError: the record is damaged.
    """
    where = record_path(path)
    if not where.is_file():
        return None
    record = read_json(where)
    if not isinstance(record, dict) or not all(
        isinstance(record.get(key), dict) for key in ("outputs", "inputs")
    ):
        raise PandaError(f"{where}: not a provenance record; remove it, or make {Path(path).name} again")
    return record if Path(path).name in record["outputs"] and "seed" in record else None


def _cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _input_hash(path: Path) -> str:
    """A file's hash, held against its own record. A table without a digest is someone's own, whatever is beside it."""
    found, record = sha256(path), read_record(path)
    known = found if record is None else record["outputs"][path.name]
    if known != found and (path.suffix not in (".parquet", ".json") or has_digest(path.read_bytes())):
        raise PandaError(
            f"{path}: damaged, or of another run: {record_path(path).name} beside it describes another file; "
            "make it again"
        )
    return found


@cache
def git_state() -> dict[str, Any]:
    """Commit and dirty flag of the source tree; both None outside a git checkout.

    An installed package has none, even where it lies within somebody's repository.
    """

    def ask(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(SOURCE), *words], capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()

    if not in_checkout():
        return {"commit": None, "dirty": None}
    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}


@cache
def versions() -> dict[str, str]:
    """Versions of the packages that results depend on; what is not installed is left out."""
    found = {}
    for name in VERSIONS_OF:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def processor() -> str:
    """The processor's model name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@contextmanager
def spent(record: dict[str, Any], what: str) -> Iterator[None]:
    """Add to a record how long what runs inside took, ``<what>_s`` in seconds of wall time, and ``peak_mb``, the largest
    memory of this process so far, in MiB."""
    began = time.perf_counter()
    yield
    record[f"{what}_s"] = round(time.perf_counter() - began, 3)
    record["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
