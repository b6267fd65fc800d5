"""A model by its name, its folder or its Hub id, ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from panda.config.own_data import own_data
from panda.core.digest import sha256 as sha256_of_file
from panda.core.errors import PandaError, did_you_mean
from panda.core.shipped import shipped_models
from panda.evaluation.forecaster import Checked
from panda.evaluation.panda_forecaster import PandaForecaster
from panda.model.panda import Panda
from panda.model.weights import WEIGHTS, load_model
from panda.own_data.model import Model


def load(
    model: str | Path | None = None,
    *,
    revision: str | None = None,
    sha256: str | None = None,
    device: str = "auto",
) -> Model:
    """A model that forecasts series of one's own.

    Args:
        model: the name of a shipped one, a folder with `config.json` and `model.safetensors`, or a Hub id
            (`owner/name`); the shipped one of `own_data.yaml` where nothing is given. `./name` is a folder always.
        revision: commit, tag or branch; needed for a Hub id.
        sha256: of the weights, in hex; needed for a Hub id, checked for the others where given.
        device: of torch; `auto` takes a GPU if there is one.

    Raises:
        PandaError: no model of that name is shipped and it is neither a folder nor a Hub id; as `load_model`; or the
            model does not forecast.
    """
    return as_model(find_network(model, revision=revision, sha256=sha256), device=device)


@dataclass(frozen=True)
class Found:
    """A network, what it is called, and where it is from: `model`, `revision`, `sha256` of its weights."""

    network: Panda
    name: str
    source: dict[str, str | None]


def find_network(
    model: str | Path | None = None, *, revision: str | None = None, sha256: str | None = None
) -> Found:
    """The network of a model; arguments and errors are those of `load`."""
    source = str(model) if model is not None else own_data().model
    shipped = shipped_models()
    folder = shipped.get(source)
    if folder is None:
        _check_is_place(source, shipped)
    network = load_model(folder or source, revision=revision, sha256=sha256)
    place = folder or Path(source)
    digest = sha256_of_file(place / WEIGHTS) if place.is_dir() else sha256
    name = Path(source).resolve().name or source
    return Found(network, name, {"model": source, "revision": revision, "sha256": digest})


def as_model(found: Found, *, device: str = "auto") -> Model:
    """A network ready to be asked; `device` as for `load`.

    Raises:
        PandaError: it does not forecast.
    """
    settings = own_data()
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    forecaster = PandaForecaster(
        found.network,
        name=found.name,
        batch_size=settings.batch_size,
        standardise_eps=settings.standardise_eps,
        threads=torch.get_num_threads(),
        device=device,
    )
    return Model(
        Checked(forecaster),
        context_length=found.network.shape.context_length,
        patch_length=found.network.shape.patch_length,
        source=found.source,
        network=found.network,
    )


def _check_is_place(source: str, shipped: dict[str, Path]) -> None:
    """Refuse a name that can only be meant as that of a shipped model."""
    if "/" in source or Path(source).exists() or Path(source).suffix:
        return
    there = f"; shipped are: {', '.join(shipped)}" if shipped else "; none is in this version"
    raise PandaError(
        f"no model is shipped as {source!r}{did_you_mean(source, shipped, there)}; "
        f"or give a folder with {WEIGHTS}, or a Hub id (owner/name)"
    )
