"""Measured series in files of installed packages, from measured.yaml beside this file; no package is imported."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import Field

from panda.config.pretrained import SHA256_PATTERN
from panda.config.types import Count, Name, PathText, Section
from panda.core.digest import sha256
from panda.core.errors import PandaError, did_you_mean
from panda.core.yaml_file import read_values

_FILE = Path(__file__).with_name("measured.yaml")


class LeaveOut(Section):
    """Rows of a table to leave out: those whose text in `column` ends with `ending`."""

    column: str
    ending: str


class Measured(Section):
    """Where a series is: `file` of `package`, which is installed in `version` (None: with this package in any case).

    `channels` are columns of a CSV file, or the names given to those of an .npy file; `n_points` are those that remain.
    """

    title: str
    package: Name
    version: str | None
    file: PathText
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN)]
    channels: tuple[str, ...]
    time: str | None
    leave_out: LeaveOut | None
    n_points: Count
    step: str
    source: str
    licence: str

    @property
    def path(self) -> Path | None:
        """The file on this machine; None: the package is not installed, or has no such file."""
        # Of a package's own name, this looks for its folder and runs none of its code.
        spec = find_spec(self.package)
        folders = (spec.submodule_search_locations or []) if spec is not None else []
        files = (Path(folder) / self.file for folder in folders)
        return next((file for file in files if file.is_file()), None)

    @property
    def lacks(self) -> str:
        """What is missing to read it, in a few words; empty if nothing is."""
        wanted = self.package + (f"=={self.version}" if self.version else "")
        if find_spec(self.package) is None:
            return f"{self.package} is not installed: pip install {wanted}"
        if self.path is None:
            return f"the installed {self.package} has no {self.file}: pip install {wanted}"
        if sha256(self.path) != self.sha256:
            return f"{self.file} of the installed {self.package} is another file than expected: pip install {wanted}"
        return ""


@cache
def measured() -> dict[str, Measured]:
    """Every measured series by its name, in the order of the file."""
    entries = read_values(_FILE, "list of measured series")
    return {name: Measured.model_validate(entry) for name, entry in entries.items()}


def measured_series(name: str) -> Measured:
    """The measured series of this name.

    Raises:
        PandaError: there is none; the nearest is named.
    """
    if name not in measured():
        raise PandaError(
            f"no measured series {name!r}{did_you_mean(name, measured())}; there are: {', '.join(measured())}"
        )
    return measured()[name]
