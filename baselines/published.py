"""Weights that others published: in a folder, or on the Hub by revision and SHA-256."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from panda.core.errors import PandaError
from panda.core.importing import import_ours

if TYPE_CHECKING:
    from panda.config.pretrained import Weights


def check_given(key: str, weights: Weights | None) -> Weights:
    """The weights at a key of the configuration; nothing is fetched here.

    Raises:
        PandaError: none are named, or what is needed to find the same ones tomorrow is missing.
    """
    lacks = "no weights are named" if weights is None else weights.lacks
    if weights is None or lacks:
        raise PandaError(
            f"{key}: {lacks}; complete the entry (source, revision, sha256), or leave out the forecaster that needs it"
        )
    return weights


def folder_of(key: str, weights: Weights | None) -> tuple[Path, str]:
    """Folder and SHA-256 of the weights at a key: as they are, or in the cache of the Hub, fetched where need be.

    Raises:
        PandaError: as `check_given`, or the Hub is out of reach, or lacks them, or has others.
    """
    given = check_given(key, weights)
    sha256 = str(given.sha256)
    if given.folder is not None:
        return given.folder, sha256
    # By its name, so that the code of our model, which is in that file too, is no part of a baseline's: whatever fetches,
    # what is fetched is held against its digest.
    fetch = import_ours("panda.model.weights").fetch_model
    return fetch(given.source, revision=str(given.revision), sha256=sha256), sha256
