"""SHA-256 of files and data; digests inside files, so that no flipped bit of a Parquet table or a JSON object is read in
silence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from panda.core.errors import PandaError

# In Parquet two entries of the footer's metadata: were there one, a flipped bit in its name would hide it.
_DIGEST, _MEANING = "panda.sha256", "panda.digest"
_BLANK = "0" * 64
METADATA = {_DIGEST: _BLANK, _MEANING: "panda.sha256 is that of the file with 64 zeros in its place"}
# The entry's name as the footer's encoding (Thrift) has it, up to its value of 64 characters.
_MARK = _DIGEST.encode() + b"\x18\x40"
_MAGIC = b"PAR1"

# In JSON the digest is a key of the object.
_KEY = "sha256 of all else: "
_SEALED = re.compile(r".*[0-9a-f]{64}")
SUFFIX = ".sha256"


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hex; the file may be larger than memory."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_bytes(data: bytes) -> str:
    """SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_json(value: Any) -> str:
    """SHA-256 of plain data, in hex, whatever the order of its keys."""
    return sha256_of_bytes(json.dumps(value, sort_keys=True).encode())


def seal_parquet(path: Path) -> None:
    """Put the digest of a Parquet file, written with `METADATA`, in the place kept for it."""
    data = path.read_bytes()
    at = data.rindex(_MARK) + len(_MARK)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(sha256_of_bytes(data).encode())


def check_parquet(path: Path, data: bytes) -> None:
    """Hold a Parquet file against the digest in it; one that others wrote has none.

    Raises:
        PandaError: it does not match.
    """
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    marked = data.find(_MEANING.encode(), max(footer, 0)) >= 0
    at = data.rfind(_MARK, max(footer, 0))
    if at < 0 and not marked:
        return
    first = at + len(_MARK)
    blank = data[:first] + _BLANK.encode() + data[first + 64 :]
    if at < 0 or sha256_of_bytes(blank).encode() != data[first : first + 64]:
        raise PandaError(f"{path}: damaged (its content does not match the digest in it); make it again")


def has_digest(data: bytes) -> bool:
    """Is a Parquet file or a JSON document one of ours, as it was written? (Or one that was damaged since.)"""
    return any(mark.encode() in data for mark in (_DIGEST, _MEANING, _KEY))


def seal_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object with the digest of its content."""
    return {**value, _KEY + sha256_of_json(value): []}


def open_json(path: Path, value: Any, *, required: bool) -> Any:
    """Plain data without their digest, once they match it; what others wrote has none.

    Raises:
        PandaError: they do not match it, or `required` and there is none.
    """
    keys = (
        [key for key in value if _SEALED.fullmatch(key) or key.startswith(_KEY)]
        if isinstance(value, dict)
        else []
    )
    if not keys and not required:
        return value
    content = {key: entry for key, entry in value.items() if key not in keys} if keys else None
    if content is None or keys != [_KEY + sha256_of_json(content)]:
        own = f", or, if you changed it yourself, take out its key {_KEY!r}..." if not required else ""
        raise PandaError(f"{path}: damaged (its content does not match the digest in it); make it again{own}")
    return content


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, as `json.loads` wants it.

    Raises:
        ValueError: a key is there twice, of which the first would be lost.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {twice!r} is there twice")
    return found


def check_beside(path: Path, data: bytes) -> None:
    """Hold a file against `<file>.sha256`, as `sha256sum` writes it, where there is one.

    Raises:
        PandaError: it does not match.
    """
    beside = path.with_name(path.name + SUFFIX)
    if not beside.is_file():
        return
    words = beside.read_text(encoding="utf-8", errors="replace").split()
    if words[:1] != [sha256_of_bytes(data)]:
        raise PandaError(
            f"{path}: damaged, or another file than {beside.name} says; restore it, or remove {beside.name}"
        )


def line_beside(path: Path) -> str:
    """What `<file>.sha256` says of a file whose format leaves no room for a digest."""
    return f"{sha256(path)}  {path.name}\n"
