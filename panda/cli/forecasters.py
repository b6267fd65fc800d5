"""A forecaster by its name: a trained model, or a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from panda.core.importing import import_ours

if TYPE_CHECKING:
    from panda.config import Config
    from panda.evaluation.forecaster import Checked


def device_of(config: Config) -> str:
    """The torch device that `train.device` asks for."""
    if config.train.device != "auto":
        return config.train.device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def make_forecaster(config: Config, name: str, state: Path | None, *, raw_contexts: bool = False) -> Checked:
    """A model from its weights file, or a baseline from the registry (with its fitted state, if it has one).

    `raw_contexts`: whether a model is given its contexts as they are, see `PandaForecaster`.

    Raises:
        PandaError: an unknown name, or a state that is missing, not given or damaged.
    """
    from panda.core.errors import PandaError

    if name in config.named_models():
        from panda.core.files import require
        from panda.evaluation.forecaster import Checked
        from panda.evaluation.panda_forecaster import PandaForecaster
        from panda.model.weights import load_model

        if state is None:
            raise PandaError(f"{name} is a trained model; give --state its model.safetensors")
        weights = require(state)
        return Checked(
            PandaForecaster(
                load_model(weights.parent),
                name=name,
                batch_size=config.evaluate.batch_size,
                standardise_eps=config.evaluate.standardise_eps,
                threads=config.train.threads,
                device=device_of(config),
                raw=raw_contexts,
            )
        )
    registry = import_ours("baselines.registry")
    folder = None if state is None else state.parent
    return registry.create(
        name,
        config.baselines,
        state=folder,
        seed=config.seed,
        standardise_eps=config.evaluate.standardise_eps,
        threads=config.train.threads,
    )


def forecaster_roots(config: Config, name: str) -> list[str]:
    """The modules whose code the forecasts of `name` depend on."""
    if name in config.named_models():
        return ["panda.evaluation.panda_forecaster"]
    return [import_ours("baselines.registry").info(name).module]


def state_path(text: str) -> Path | None:
    """The path given on the command line; empty means none (a baseline without a state)."""
    return Path(text) if text.strip() else None
