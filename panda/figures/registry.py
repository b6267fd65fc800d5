"""The list of figures in paper/figures.yaml: what each shows, from which results, drawn by which module."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from panda.core.errors import PandaError


class FigureSpec(BaseModel):
    """One figure.

    `number` is the paper's ("2", "8"), None for a figure that the paper has not. `tables` and `arrays` are
    paths below the run's folder without suffix; `{forecaster}` stands for every forecaster of the stage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    number: str | None
    module: str
    category: str
    tables: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
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

    def inputs(self, forecasters: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
        """Names of tables and of arrays, with `{forecaster}` replaced by each of `forecasters[stage]`.

        The stage is the first part of the path (`pde/forecasts/{forecaster}` -> `pde`).
        """
        return _expanded(self.tables, forecasters), _expanded(self.arrays, forecasters)

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
    path = Path(path)
    if not path.is_file():
        raise PandaError(f"{path}: no such file; it lists the figures")
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise PandaError(f"{where}: not valid YAML ({getattr(error, 'problem', error)})") from error
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


def choose(figures: Mapping[str, FigureSpec], name: str) -> FigureSpec:
    """The figure with this id.

    Raises:
        PandaError: there is none; the nearest is named.
    """
    if name not in figures:
        close = difflib.get_close_matches(name, list(figures), n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise PandaError(f"figures: no figure {name!r}{hint}; known: {', '.join(figures)}")
    return figures[name]


def complete(spec: FigureSpec, figure: str, given: Sequence[str]) -> None:
    """Check that the results named `given` are all that a figure reads; of `{forecaster}` one is enough.

    Raises:
        PandaError: one is missing; a figure without its data must not pass for one.
    """
    for name in (*spec.tables, *spec.arrays):
        start, placeholder, end = name.partition("{forecaster}")
        found = name in given or (placeholder and any(g.startswith(start) and g.endswith(end) for g in given))
        if not found:
            suffix = "parquet" if name in spec.tables else "npz"
            raise PandaError(f"{figure}: needs {name}.{suffix} of the run's folder, which was not given")


def _expanded(patterns: Sequence[str], forecasters: Mapping[str, Sequence[str]]) -> list[str]:
    names: list[str] = []
    for pattern in patterns:
        if "{forecaster}" in pattern:
            stage = pattern.split("/", 1)[0]
            names += [pattern.replace("{forecaster}", name) for name in forecasters.get(stage, ())]
        else:
            names.append(pattern)
    return list(dict.fromkeys(names))
