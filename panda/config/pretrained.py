"""Models that are trained already, in the package, a folder or the Hub: forecasters by name, and what baselines need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from panda.config.types import PathText, Section
from panda.core.files import read_json
from panda.core.shipped import CONFIG, shipped_models

REVISION_PATTERN = r"^[\w./-]+$"
SHA256_PATTERN = r"^[0-9a-fA-F]{64}$"


class Pretrained(Section):
    """Where a model is: the name of a shipped one, a folder, or a Hub id (`owner/name`) with revision and SHA-256."""

    source: PathText
    revision: Annotated[str, Field(pattern=REVISION_PATTERN)] | None
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN)] | None

    @property
    def folder(self) -> Path | None:
        """The folder it lies in on this machine; None: it is on the Hub, or nowhere."""
        shipped = shipped_models().get(self.source)
        path = Path(self.source)
        return shipped or (path if path.is_dir() else None)

    @property
    def lacks(self) -> str:
        """What is missing to load it, in a few words; empty if nothing is."""
        if self.folder is not None:
            return ""
        if not _may_be_on_the_hub(self.source):
            return f"no model is shipped as {self.source}, and there is no such folder"
        return _unknown_on_the_hub(self)

    def content(self) -> dict[str, Any]:
        """What forecasts depend on: the weights themselves, by the digest beside them, where they lie here."""
        config = self.folder / CONFIG if self.folder is not None else None
        if config is None or not config.is_file():
            return self.model_dump(mode="json")
        return {"weights": read_json(config).get("sha256"), "sha256": self.sha256}


class Weights(Section):
    """Weights of others' models that a baseline needs: in a folder, or on the Hub by its id and a revision."""

    source: PathText
    revision: Annotated[str, Field(pattern=REVISION_PATTERN)] | None = None
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN)] | None = None

    @property
    def folder(self) -> Path | None:
        """The folder they lie in on this machine; None: they are on the Hub, or nowhere."""
        path = Path(self.source)
        return path if path.is_dir() else None

    @property
    def lacks(self) -> str:
        """What is missing to load the same ones again, in a few words; empty if nothing is."""
        if self.folder is not None:
            return (
                "" if self.sha256 is not None else f"the sha256 of the weights in {self.source} is not given"
            )
        if not _may_be_on_the_hub(self.source):
            return f"there is no folder {self.source}"
        return _unknown_on_the_hub(self)


def _may_be_on_the_hub(source: str) -> bool:
    return "/" in source and not source.startswith((".", "/", "~"))


def _unknown_on_the_hub(model: Pretrained | Weights) -> str:
    given = {"revision": model.revision, "sha256": model.sha256}
    unknown = [what for what, value in given.items() if value is None]
    return f"its {' and '.join(unknown)} on the Hub ({model.source}) are not given" if unknown else ""
