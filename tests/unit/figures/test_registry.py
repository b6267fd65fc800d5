"""The list of figures is checked when it is read, and what a figure reads before it is drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from panda.core.errors import PandaError
from panda.figures.registry import choose, read_figures

ROOT = Path(__file__).resolve().parents[3]
FIGURES = read_figures(ROOT / "paper" / "figures.yaml")
EVERY = pytest.mark.parametrize("name", list(FIGURES))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("figures: {a: {title: x, number: null, module: os.path, category: c, caption: d}}", "a.module"),
        ("figures: {a: {title: x, number: null, module: panda.figures.scaling, category: c}}", "a.caption"),
        ("figures: {a: {titel: x}}", "figures.a"),
        ("figures: []", "needs a mapping"),
        ("figures: {a: [", "figures.yaml:1"),
    ],
)
def test_a_wrong_registry_is_refused(change, message, tmp_path):
    path = tmp_path / "figures.yaml"
    path.write_text(change)
    with pytest.raises(PandaError, match=message):
        read_figures(path)


def test_choosing_a_figure_names_the_nearest():
    with pytest.raises(PandaError, match="did you mean 'forecasts'"):
        choose(FIGURES, "forecast")


@EVERY
def test_a_declared_input_that_is_missing_is_named(name, results):
    tables, arrays = results
    spec = FIGURES[name]
    spec.require(tables, arrays)
    for pattern in (*spec.tables, *spec.arrays):
        prefix = pattern.split("{")[0]
        fewer = [{key: None for key in given if not key.startswith(prefix)} for given in (tables, arrays)]
        if pattern in spec.tables:
            fewer[1] = arrays
        with pytest.raises(PandaError, match=re.escape(f"{pattern}.")):
            spec.require(*fewer)
