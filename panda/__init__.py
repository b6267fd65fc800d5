"""Panda: chaotic systems discovered, integrated, learnt and forecast, as one reproducible pipeline.

`panda.load("panda_analogue").predict(series, horizon)` forecasts a series of one's own (docs/forecast.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panda.own_data.model import Model

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`panda.Model`, imported when it is asked for."""
    if name == "Model":
        from panda.own_data.model import Model

        return Model
    raise AttributeError(f"module 'panda' has no attribute {name!r}")


def load(
    model: Any = None, *, revision: str | None = None, sha256: str | None = None, device: str = "auto"
) -> Model:
    """A shipped model by its name, or one in a folder or on the Hub; see `panda.own_data.load.load`.

    Imported when it is called: torch takes a second or two.

    Raises:
        PandaError: there is no such model, or it is damaged or needs a revision and a SHA-256.
    """
    from panda.own_data.load import load

    return load(model, revision=revision, sha256=sha256, device=device)
