"""What every adapter is given, beside its own settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panda.config import Train


@dataclass(frozen=True)
class Options:
    """`state`: folder of a trained baseline's weights, None for the others; `seed`: root seed of the run;
    `n_windows`: windows that a baseline is fitted to;
    `standardise_eps`: share of its size below which a context's channel counts as constant; `threads`: of
    torch; `training`: how and where our models train, for what trains as they do.
    """

    state: Path | None
    seed: int
    standardise_eps: float
    threads: int
    n_windows: int = 0
    training: Train | None = None
