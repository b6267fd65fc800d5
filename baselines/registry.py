"""Baselines by name: what there is, what must be trained, and how to make one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from baselines.options import Options
from panda.core.errors import PandaError, did_you_mean
from panda.core.importing import check_imports, import_ours

if TYPE_CHECKING:
    from panda.config import Baselines
    from panda.core.progress import Progress
    from panda.data.store import TrajectoryStore
    from panda.evaluation.forecaster import Checked


@dataclass(frozen=True)
class Baseline:
    """Where an adapter lives and what it needs.

    The module has `create(name, settings, options) -> Forecaster` and, where `trained`, `fit(settings, train,
    validation, options, *, progress) -> dict`. `reads` are the keys of the configuration that its forecasts depend on,
    `extra` the optional dependencies it is installed with ("" for none).
    """

    module: str
    reads: tuple[str, ...]
    trained: bool = False
    extra: str = ""


_EPS = "evaluate.standardise_eps"
_BASELINES = {
    "persistence": Baseline("baselines.persistence", ()),
    "context_mean": Baseline("baselines.context_mean", ()),
    "fourier": Baseline("baselines.fourier", ("baselines.fourier",)),
    "fourier_periodic": Baseline("baselines.fourier", ("baselines.fourier",)),
    "linear_ar": Baseline("baselines.linear_ar", ("baselines.linear_ar", _EPS)),
    "parrot": Baseline("baselines.parrot", ("baselines.parrot", _EPS)),
    "parrot_anchored": Baseline("baselines.parrot", ("baselines.parrot", _EPS)),
    "darts_nbeats": Baseline(
        "baselines.darts_nbeats",
        ("seed", "baselines.darts_nbeats", _EPS, "train.threads"),
        trained=True,
        extra="baselines",
    ),
}


def names() -> list[str]:
    """Names of all baselines, sorted."""
    return sorted(_BASELINES)


def info(name: str) -> Baseline:
    """Where the baseline `name` lives and what it needs.

    Raises:
        PandaError: there is no such baseline; the nearest name is given.
    """
    if name not in _BASELINES:
        hint = did_you_mean(name, _BASELINES, f"; there are: {', '.join(names())}")
        raise PandaError(f"no baseline is called {name!r}{hint}")
    return _BASELINES[name]


def create(
    name: str,
    settings: Baselines,
    *,
    state: Path | None,
    seed: int,
    standardise_eps: float,
    threads: int,
) -> Checked:
    """The baseline `name` behind its guard; `state` is the folder `fit` wrote, for those that are trained.

    Raises:
        PandaError: the name is unknown, the baseline must be trained first, or its dependencies are missing.
    """
    if info(name).trained and state is None:
        raise PandaError(f"{name} must be trained before it forecasts; give the folder of its state")
    from panda.evaluation.forecaster import Checked  # and numpy: not where only names are asked for

    return Checked(_module(name).create(name, settings, Options(state, seed, standardise_eps, threads)))


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
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train the baseline `name`, write its weights below `state`, and return how it went, as plain data.

    Raises:
        PandaError: the name is unknown, the baseline is not trained, or its dependencies are missing.
    """
    if not info(name).trained:
        raise PandaError(f"{name} has nothing to train; it forecasts from the context alone")
    options = Options(state, seed, standardise_eps, threads)
    return _module(name).fit(settings, train, validation, options, progress=progress)


def check(forecasters: Iterable[str]) -> None:
    """Refuse baselines whose files will not be imported, without running them; other forecasters pass.

    Raises:
        PandaError: one is not there, no Python, or imports what is not there; with the line.
    """
    for name in sorted(set(forecasters) & set(_BASELINES)):
        check_imports(info(name).module, extra=info(name).extra)


def _module(name: str) -> ModuleType:
    baseline = info(name)
    return import_ours(baseline.module, extra=baseline.extra)
