"""Where numba keeps compiled kernels, if neither the source tree nor the user's cache may be written to.

A checkout that another user owns, a read-only mount, a home that is missing on a cluster's nodes: importing a module of
kernels fails then ("no locator available").
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def ensure_kernel_cache(package: str | Path) -> None:
    """Give numba a folder of ours for the kernels of the folder `package`, if it would find none.

    Call before they are imported.
    The choice stands in the environment, for the processes that this one starts as well.
    """
    if os.environ.get(VARIABLE):
        return
    cache = _user_cache()
    if _writable(Path(package) / "__pycache__") or (cache is not None and _writable(cache / "numba")):
        return
    folder = _private_folder()
    os.environ[VARIABLE] = str(folder)
    print(
        f"{package}: read-only, as is {cache or 'the home'}: compiled kernels are kept in {folder} (or set {VARIABLE})",
        file=sys.stderr,
    )


def _user_cache() -> Path | None:
    """The user's cache folder; None where there is no user by this number."""
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(given) if given else Path.home() / ".cache"
    except RuntimeError:
        return None


def _writable(folder: Path) -> bool:
    """Whether a file could be made in the folder, or in the one it would be made in."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if os.path.lexists(parent))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _private_folder() -> Path:
    """One for all processes of this user: compiled code that others could write to would be theirs to choose."""
    folder = Path(tempfile.gettempdir()) / f"panda-kernels-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="panda-kernels-"))
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return folder if ours else Path(tempfile.mkdtemp(prefix="panda-kernels-"))
