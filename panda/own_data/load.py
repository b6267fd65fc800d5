"""A model by its name, its folder or its Hub id, ready to be asked."""

from __future__ import annotations

from pathlib import Path

import torch

from panda.config.own_data import own_data
from panda.core.digest import sha256 as sha256_of_file
from panda.core.errors import PandaError, did_you_mean
from panda.core.shipped import shipped_models
from panda.evaluation.forecaster import Checked
from panda.evaluation.panda_forecaster import PandaForecaster
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
    settings = own_data()
    source = str(model) if model is not None else settings.model
    shipped = shipped_models()
    folder = shipped.get(source)
    if folder is None:
        _check_is_place(source, shipped)
    network = load_model(folder or source, revision=revision, sha256=sha256)
    place = folder or Path(source)
    digest = sha256_of_file(place / WEIGHTS) if place.is_dir() else sha256
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    name = Path(source).resolve().name or source
    forecaster = PandaForecaster(
        network,
        name=name,
        batch_size=settings.batch_size,
        standardise_eps=settings.standardise_eps,
        threads=torch.get_num_threads(),
        device=device,
    )
    return Model(
        Checked(forecaster),
        context_length=network.shape.context_length,
        patch_length=network.shape.patch_length,
        source={"model": source, "revision": revision, "sha256": digest},
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
