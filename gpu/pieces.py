"""Files packed into pieces of limited size, with checksums, and back."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from panda.core.digest import sha256_of_bytes
from panda.core.errors import PandaError
from panda.core.files import atomic_path, read_json, write_json

MANIFEST = "pieces.json"
MIB = 2**20


def pack(root: Path, files: Iterable[Path], folder: Path, *, piece_bytes: int) -> list[Path]:
    """Write files, named by their way from `root`, as pieces into a folder; older pieces there are removed after.

    The pieces are those of an uncompressed tar file (weights do not shrink). The manifest, with the SHA-256 of each,
    is written when all are there, so that a pack that is cut short leaves the one before it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces = []
    with tempfile.TemporaryFile(dir=folder) as stream:
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for path in sorted(files):
                archive.add(path, arcname=str(path.relative_to(root)), recursive=False)
        stream.seek(0)
        while data := stream.read(piece_bytes):
            digest = sha256_of_bytes(data)
            path = folder / f"state-{len(pieces):03d}-{digest[:8]}.bin"
            with atomic_path(path) as temporary:
                temporary.write_bytes(data)
            pieces.append({"name": path.name, "bytes": len(data), "sha256": digest})
    write_json(folder / MANIFEST, {"pieces": pieces}, digest=True)
    kept = {folder / piece["name"] for piece in pieces}
    for path in folder.glob("state-*.bin"):
        if path not in kept:
            path.unlink()
    return sorted(kept)


def unpack(folder: Path, root: Path) -> list[Path]:
    """Put the files of a packed folder back below `root`; what lies there under their names is replaced.

    Raises:
        PandaError: the manifest or a piece is missing or damaged; nothing has been unpacked then.
    """
    manifest = read_json(folder / MANIFEST, digest=True)
    try:
        pieces = [(folder / piece["name"], piece["bytes"], piece["sha256"]) for piece in manifest["pieces"]]
    except (KeyError, TypeError) as error:
        raise PandaError(f"{folder / MANIFEST}: not a list of pieces; pack the state again") from error
    for path, size, digest in pieces:
        _check(path, size, digest)
    with tempfile.TemporaryFile(dir=root) as stream:
        for path, _, _ in pieces:
            stream.write(path.read_bytes())
        stream.seek(0)
        with tarfile.open(fileobj=stream, mode="r") as archive:
            members = archive.getmembers()
            check_stay_below(root, members, where=folder)
            archive.extractall(root, members)
            return [root / member.name for member in members]


def check_stay_below(root: Path, members: Iterable[tarfile.TarInfo], *, where: Path) -> None:
    """Refuse links and names that lead out of `root`, as tarfile's filter `data` does, which early Python 3.11 lacks.

    Raises:
        PandaError: there is such a member.
    """
    for member in members:
        if not member.isfile() or not (root / member.name).resolve().is_relative_to(root.resolve()):
            raise PandaError(f"{where}: holds {member.name!r}, which no state has; pack the state again")


def _check(path: Path, size: int, digest: str) -> None:
    if not path.is_file():
        raise PandaError(
            f"{path}: this piece of the saved state is missing; bring all that pieces.json names"
        )
    if path.stat().st_size != size:
        raise PandaError(
            f"{path}: this piece of the saved state has {path.stat().st_size} bytes, not {size}; bring it again"
        )
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
            raise PandaError(
                f"{path}: this piece of the saved state is damaged (its checksum does not match); bring it again"
            )
