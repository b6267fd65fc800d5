"""Everything compiled before the first job that needs it: founders, integrators, filters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from panda.config import Search
from panda.core.errors import PandaError
from panda.core.files import locked
from panda.core.progress import Progress
from panda.discovery.candidates import Group
from panda.discovery.search import search
from panda.systems.library import FounderLibrary, build_library


def ensure_library(folder: Path, names: Sequence[str], progress: Progress | None = None) -> FounderLibrary:
    """The library in `folder`, built first unless one of this machine, code and versions is there.

    A lock beside the folder lets one process build while others wait.
    """
    with locked(folder.parent / f"{folder.name}.lock"):
        try:
            library = FounderLibrary.open(folder)
        except PandaError:
            library = None
        if library is None or not set(names) <= set(library.names):
            # All founders, not only `names`: runs with other lists share the folder.
            build_library(folder, progress=progress)
            library = FounderLibrary.open(folder)
        return library


def warm_up(library: FounderLibrary, settings: Search, seed: int) -> None:
    """Search one founder, so that numba's cache holds integrator, tangent flow and filters for every job."""
    nothing = pd.DataFrame({"founder": [], "flow_rms": []})
    search(library, nothing, [Group(library.names[0], "", 1)], settings, seed)
