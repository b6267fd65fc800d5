"""A forecaster by its name: a trained model, or a baseline."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from panda.config.steps import forecaster
from panda.core.importing import import_ours

if TYPE_CHECKING:
    from panda.config import Config
    from panda.evaluation.forecaster import Checked
    from panda.model.panda import Panda


def device_of(config: Config) -> str:
    """The torch device that `train.device` asks for."""
    if config.train.device != "auto":
        return config.train.device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def make_forecaster(config: Config, name: str, state: Path | None) -> Checked:
    """A model from its weights file, or a baseline from the registry (with its fitted state, if it has one).

    Raises:
        PandaError: an unknown name, or a state that is missing, not given or damaged.
    """
    from panda.core.errors import PandaError

    if name in config.named_models():
        from panda.core.files import require
        from panda.model.weights import load_model

        if state is None:
            raise PandaError(f"{name} is a trained model; give --state its model.safetensors")
        weights = require(state)
        return _model(config, name, load_model(weights.parent))
    if name in config.taken:
        return _pretrained(config, name)
    registry = import_ours("baselines.registry")
    folder = None if state is None else state.parent
    return registry.create(
        name,
        config.baselines,
        state=folder,
        seed=config.seed,
        standardise_eps=config.evaluate.standardise_eps,
        threads=config.train.threads,
        training=config.train,
    )


def _pretrained(config: Config, name: str) -> Checked:
    """A model that was trained elsewhere.

    Raises:
        PandaError: it is not at hand, or damaged; what is missing is said.
    """
    from panda.core.errors import PandaError
    from panda.model.weights import load_model

    one = config.taken[name]
    if one.lacks:
        raise PandaError(
            f"pretrained.{name}: {one.lacks}; leave it out of the forecasters, or complete the entry"
        )
    model = load_model(one.folder or one.source, revision=one.revision, sha256=one.sha256)
    return _model(config, name, model)


def _model(config: Config, name: str, model: Panda) -> Checked:
    from panda.evaluation.forecaster import Checked
    from panda.evaluation.panda_forecaster import PandaForecaster

    return Checked(
        PandaForecaster(
            model,
            name=name,
            batch_size=config.evaluate.batch_size,
            standardise_eps=config.evaluate.standardise_eps,
            threads=config.train.threads,
            device=device_of(config),
            raw=config.evaluate.contexts == "raw",
        )
    )


class Depends(TypedDict):
    """What `recorded` takes of a forecaster: keys of the configuration, and modules."""

    reads: tuple[str, ...]
    code: tuple[str, ...]


def depends(config: Config, name: str) -> Depends:
    """What a step depends on for the forecaster `name`, as `recorded` takes it."""
    info = partial(import_ours("baselines.registry").info, own=tuple(config.baselines.own))
    reads, code = forecaster(config, name, info)
    return {"reads": reads, "code": code}


def state_path(text: str) -> Path | None:
    """The path given on the command line; empty means none (a baseline without a state)."""
    return Path(text) if text.strip() else None
