"""Baselines by name: what there is, what must be trained, and how to make one.

A baseline is a file that describes itself (`panda.core.baseline_files`): those of this folder, and the user's own. Its
module has `create(name, settings, options) -> Forecaster` and, where it is trained, `fit(settings, train, validation,
options, *, progress) -> dict`; `settings` are those of the file, None if it has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from baselines.options import Options
from panda.core.baseline_files import FOLDER, Baseline, read_baselines
from panda.core.errors import PandaError, did_you_mean
from panda.core.importing import check_imports, check_imports_of_file, import_file, import_ours
from panda.core.known_baselines import read_all

if TYPE_CHECKING:
    from panda.config import Baselines, Train
    from panda.core.progress import Progress
    from panda.data.store import TrajectoryStore
    from panda.evaluation.forecaster import Checked


class Entry(NamedTuple):
    """A baseline as steps see it: the module of its code ("" for the user's own, whose content is among `reads`)."""

    module: str
    reads: tuple[str, ...]
    trained: bool
    extra: str
    described: Baseline


def names(own: Collection[str] = ()) -> list[str]:
    """Names of all baselines, with those of the user's `own` files, sorted."""
    return sorted(_all(own))


def info(name: str, own: Collection[str] = ()) -> Entry:
    """Where the baseline `name` lives and what it needs.

    Raises:
        PandaError: there is no such baseline (the nearest name is given); a file does not describe itself; or two files
            have a baseline of the same name.
    """
    known = _all(own)
    if name not in known:
        hint = did_you_mean(name, known, f"; there are: {', '.join(sorted(known))}")
        raise PandaError(f"no baseline is called {name!r}{hint}")
    found = known[name]
    if found.file.parent != FOLDER:
        return Entry("", ("baselines.own", *found.reads), found.trained, found.extra, found)
    settings = (f"baselines.{found.file.stem}",) if read_baselines(found.file).settings else ()
    reads = (*settings, *found.reads)
    return Entry(f"baselines.{found.file.stem}", reads, found.trained, found.extra, found)


def create(
    name: str,
    settings: Baselines,
    *,
    state: Path | None,
    seed: int,
    standardise_eps: float,
    threads: int,
    training: Train | None = None,
) -> Checked:
    """The baseline `name` behind its guard; `state` is the folder `fit` wrote, for those that are trained, and
    `training` how and where our models train, for those that run there too.

    Raises:
        PandaError: the name is unknown, the baseline must be trained first, or its dependencies are missing.
    """
    entry = info(name, settings.own)
    if entry.trained and state is None:
        raise PandaError(f"{name} must be trained before it forecasts; give the folder of its state")
    from panda.evaluation.forecaster import Checked  # and numpy: not where only names are asked for

    options = Options(state, seed, standardise_eps, threads, training=training)
    return Checked(_module(entry).create(name, _settings(entry, settings), options))


def fit(
    name: str,
    settings: Baselines,
    train: TrajectoryStore,
    validation: TrajectoryStore,
    *,
    state: Path,
    seed: int,
    standardise_eps: float,
    threads: int,
    training: Train | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train the baseline `name`, write its weights below `state`, and return how it went, as plain data.

    Raises:
        PandaError: the name is unknown, the baseline is not trained, or its dependencies are missing.
    """
    entry = info(name, settings.own)
    if not entry.trained:
        raise PandaError(f"{name} has nothing to train; it forecasts from the context alone")
    options = Options(state, seed, standardise_eps, threads, settings.seed_windows, training)
    return _module(entry).fit(_settings(entry, settings), train, validation, options, progress=progress)


def length(name: str, settings: Baselines) -> tuple[int, str]:
    """How long a trained baseline takes at most, for its progress: its `n_steps` steps, or its `max_epochs` epochs."""
    own = _settings(info(name, settings.own), settings)
    n_steps = getattr(own, "n_steps", None)
    return (getattr(own, "max_epochs", 1), "epochs") if n_steps is None else (n_steps, "steps")


def check(forecasters: Iterable[str], settings: Baselines) -> None:
    """Refuse baselines that cannot run, without running them; other forecasters pass.

    Those that lack published weights, or packages that are optional, are left out before (`panda.config.arena.lacking`).

    Raises:
        PandaError: a file is missing, is not Python, or imports what is not there, with the line.
    """
    known = _all(settings.own)
    for name in sorted(set(forecasters) & set(known)):
        entry = info(name, settings.own)
        if entry.module:
            check_imports(entry.module, extra=entry.extra)
        else:
            check_imports_of_file(entry.described.file, extra=entry.extra)


def _all(own: Collection[str]) -> dict[str, Baseline]:
    try:
        return read_all(own)
    except ValueError as error:
        raise PandaError(str(error)) from None


def _settings(entry: Entry, settings: Baselines) -> Any:
    return settings.of(entry.described.file.stem, str(entry.described.file))


def _module(entry: Entry) -> ModuleType:
    if entry.module:
        return import_ours(entry.module, extra=entry.extra)
    return import_file(entry.described.file)
