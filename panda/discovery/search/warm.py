"""Everything compiled before the first job that needs it: founders, integrators, filters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from panda.config import Search
from panda.core.errors import PandaError
from panda.core.files import locked
from panda.core.progress import Progress
from panda.discovery.search.candidates import Group
from panda.discovery.search.search import search
from panda.systems.library import FounderLibrary, build_library, repair_library


def ensure_library(folder: Path, names: Sequence[str], progress: Progress | None = None) -> FounderLibrary:
    """The library in `folder`, whole: built first unless one of this machine, code and versions is there.

    Single founders whose code is damaged or missing are compiled again. A lock beside the folder lets one process
    build while others wait.
    """
    with locked(folder.parent / f"{folder.name}.lock"):
        try:
            repaired = repair_library(folder, progress)
            library = FounderLibrary.open(folder)
            if progress is not None and set(names) <= set(library.names):
                _count_as_there(progress, len(repaired))
        except PandaError:
            library = None
        if library is None or not set(names) <= set(library.names):
            # All founders, not only `names`: runs with other lists share the folder.
            build_library(folder, progress=progress)
            library = FounderLibrary.open(folder)
        return library


def _count_as_there(progress: Progress, n_repaired: int) -> None:
    """All but the repaired are from an earlier build."""
    progress.start_at(max(0, progress.total - n_repaired))
    progress.advance(progress.total - progress.done)


def warm_up(library: FounderLibrary, names: Sequence[str], settings: Search, seed: int) -> None:
    """Search one founder of each kind in `names`, with and without delay.

    After that numba's cache holds integrators, tangent flows and filters for every job.
    """
    nothing = pd.DataFrame({"founder": [], "flow_rms": []})
    one_a_kind = {library[name].delay_index is None: Group(name, "", 1) for name in names}
    search(library, nothing, list(one_a_kind.values()), settings, seed)
