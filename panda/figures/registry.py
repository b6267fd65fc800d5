"""The list of figures in paper/figures.yaml: what each shows, from which results, drawn by which module."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from panda.core.errors import PandaError, did_you_mean
from panda.core.yaml_file import read_values


class FigureSpec(BaseModel):
    """One figure.

    `number` is the paper's ("2", "8"), None for a figure that the paper has not. `tables` and `arrays` are
    paths below the run's folder without suffix; `{scored}` stands for the tables of scores of a data set,
    `{measured}` for the data sets of measured series at hand.
    `published` are tables of published numbers, `paper/<name>.csv` of the repository.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    number: str | None
    module: str
    category: str
    tables: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    caption: str

    @field_validator("module")
    @classmethod
    def _module_is_a_figure(cls, value: str) -> str:
        if not value.startswith("panda.figures."):
            raise ValueError("a figure's module stands in panda.figures")
        return value

    @field_validator("caption", "title")
    @classmethod
    def _one_paragraph(cls, value: str) -> str:
        text = " ".join(value.split())
        if not text:
            raise ValueError("is empty")
        return text

    def require(self, tables: Collection[str], arrays: Collection[str]) -> None:
        """Check that the results given are all that the figure reads; `{scored}`, `{measured}`: at least one.

        Raises:
            PandaError: one is not there; the first is named.
        """
        for patterns, given, suffix in ((self.tables, tables, "parquet"), (self.arrays, arrays, "npz")):
            for pattern in patterns:
                if not any(fnmatchcase(name, pattern.format(scored="*", measured="*")) for name in given):
                    raise PandaError(
                        f"{self.module.rsplit('.', 1)[1]}: {pattern}.{suffix} is not among the files given; "
                        "give every file that `panda figures list` names for this figure"
                    )

    def load(self) -> ModuleType:
        """The module with `shown` and `draw`.

        Raises:
            PandaError: there is no such module.
        """
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise PandaError(
                f"{self.module}: no such module; correct `module` in paper/figures.yaml"
            ) from error


def read_figures(path: str | Path) -> dict[str, FigureSpec]:
    """Every figure of a figures.yaml by id, in the order of the file.

    Raises:
        PandaError: the file is missing or no YAML, or an entry has a wrong, missing or unknown key.
    """
    content = read_values(path, "file; it lists the figures")
    entries = content.get("figures") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise PandaError(f"{path}: needs a mapping `figures` of ids to figures")
    figures = {}
    for name, entry in entries.items():
        try:
            figures[str(name)] = FigureSpec.model_validate(entry)
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in problem["loc"])
            message = problem["msg"].removeprefix("Value error, ")
            raise PandaError(f"{path}: figures.{name}.{key}: {message}") from None
    return figures


def read_published(spec: FigureSpec, folder: str | Path) -> dict[str, Any]:
    """The published tables of a figure from `folder`, keyed `paper/<name>`; lines after # are comments.

    Raises:
        PandaError: one is missing or no table.
    """
    import pandas as pd

    tables = {}
    for name in spec.published:
        path = Path(folder) / f"{name}.csv"
        try:
            tables[f"paper/{name}"] = pd.read_csv(path, comment="#")
        except (OSError, ValueError) as error:
            raise PandaError(f"{path}: cannot be read ({error}); restore it from the repository") from error
    return tables


def choose(figures: Mapping[str, FigureSpec], name: str) -> FigureSpec:
    """The figure with this id.

    Raises:
        PandaError: there is none; the nearest is named.
    """
    if name not in figures:
        raise PandaError(
            f"figures: no figure {name!r}{did_you_mean(name, figures)}; known: {', '.join(figures)}"
        )
    return figures[name]
