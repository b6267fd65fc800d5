"""Results that other runs may take: kept by what they were made from, as further names of the same files."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from panda.core.digest import sha256
from panda.core.errors import PandaError
from panda.core.files import atomic_path

FOLDER = Path(".cache") / "results"
# Set to 0, every job computes: nothing is taken from another run, and nothing kept for one.
VARIABLE = "PANDA_REUSE"
_DIGESTS = "sha256.json"


def is_on() -> bool:
    """Whether results are shared between runs."""
    return os.environ.get(VARIABLE, "1") != "0"


def fetch(key: str, outputs: Sequence[Path], folder: Path = FOLDER) -> bool:
    """Restore `outputs` from what was kept under `key`, with the files beside them; False if nothing was kept.

    Files are whole or not there: they are never changed, only replaced, so that runs may share them. Those that no longer
    have the digest they were kept with are thrown away.
    """
    entry = folder / key
    if not entry.is_dir():
        return False
    try:
        whole = json.loads((entry / _DIGESTS).read_text()) == _digests(entry)
    except (OSError, ValueError):
        whole = False
    if not whole:
        shutil.rmtree(entry, ignore_errors=True)
        return False
    for number, output in enumerate(outputs):
        kept = sorted((entry / str(number)).iterdir())
        output.parent.mkdir(parents=True, exist_ok=True)
        # The output itself last: it says that all is there.
        for file in sorted(kept, key=lambda path: path.name == output.suffix):
            _link(file, output.with_name(output.stem + file.name))
    return True


def keep(key: str, outputs: Sequence[Path], suffixes: Iterable[str], folder: Path = FOLDER) -> None:
    """Keep `outputs` under `key`, each with the files beside it that end with `suffixes` instead of its own.

    A disk that takes no links, or no more files, keeps nothing: that costs another run its time, and this one nothing.
    """
    part = folder / f"{key}.{secrets.token_hex(4)}.part"
    try:
        for number, output in enumerate(outputs):
            (part / str(number)).mkdir(parents=True)
            for suffix in dict.fromkeys((output.suffix, *suffixes)):
                file = output.with_name(output.stem + suffix)
                if file.is_file():
                    _link(file, part / str(number) / suffix)
        (part / _DIGESTS).write_text(json.dumps(_digests(part)))
        part.rename(folder / key)
    except (OSError, PandaError):  # also where another process was faster
        shutil.rmtree(part, ignore_errors=True)


def _digests(entry: Path) -> dict[str, str]:
    """The SHA-256 of every file of an entry, by its path there."""
    files = sorted(path for path in entry.glob("*/*") if path.is_file())
    return {path.relative_to(entry).as_posix(): sha256(path) for path in files}


def _link(source: Path, target: Path) -> None:
    """Another name for a file, or a copy where the disk knows no links; it replaces what was there."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with suppress(OSError):
        os.link(source, part)
        part.replace(target)
        return
    with atomic_path(target) as copy:
        shutil.copyfile(source, copy)
