"""Figures and tables call the user's own baselines what their files call them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from typer.testing import CliRunner

from panda.cli import app
from panda.core.files import write_table
from panda.figures import save
from tests.conftest import ROOT

SEASONAL = '"label": "as last week", "colour": "#123456", "idea": "-", "licence": "MIT"'
HORIZONS = (64, 128)


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """The options of a configuration with a baseline of one's own."""
    path = tmp_path / "mine.py"
    path.write_text(f'BASELINES = {{"seasonal": {{{SEASONAL}}}}}\n')
    lists = ["evaluate.forecasters=[panda, seasonal]", "figures=[]", f"baselines={{own: {{{path}: {{}}}}}}"]
    return ["--config", str(ROOT / "config.yaml"), *(word for line in lists for word in ("--set", line))]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The folder of a run with the tables of one founder system, as far as figure and report read them."""
    folder = tmp_path / "run"
    key = {"population": "founder", "name": "Lorenz"}
    rows = [
        {**key, "forecaster": name, "horizon": h, "smape": 9.0 + h, "mae": 0.1 + h, "spearman": 0.5}
        for name in ("panda", "seasonal")
        for h in HORIZONS
    ]
    systems = pd.DataFrame(rows)
    summary = systems.melt(
        id_vars=["forecaster", "population", "horizon"], value_vars=["smape", "mae"], var_name="metric"
    ).rename(columns={"value": "median"})
    summary = summary.assign(
        median_low=summary["median"], median_high=summary["median"], n_systems=1, n_founders=1
    )
    write_table(systems, folder / "evaluate" / "test" / "by_system.parquet")
    write_table(summary, folder / "evaluate" / "test" / "summary.parquet")
    return folder


def call(*words: object) -> None:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, repr(done.exception)


def test_a_figure_has_its_label_and_its_colour(
    own: list[str], results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    drawn = []
    monkeypatch.setattr(save, "save", lambda figure, *_: drawn.append(figure))
    monkeypatch.setattr("panda.figures.registry.FigureSpec.require", lambda *_: None)  # no examples
    tables = sorted(results.rglob("*.parquet"))
    call(
        "figures",
        "draw",
        "--figure",
        "forecasts",
        "--root",
        results,
        "--output",
        tmp_path / "f",
        *own,
        *tables,
    )
    ticks = [text for axes in drawn[0].get_axes() for text in axes.get_yticklabels()]
    colours = {text.get_text(): to_hex(text.get_color()) for text in ticks}
    assert colours["as last week"] == "#123456"


def test_the_report_has_its_label(own: list[str], results: Path, tmp_path: Path):
    page = tmp_path / "report.html"
    call(
        "report",
        "write",
        "--root",
        results,
        "--output",
        page,
        *own,
        *sorted(results.rglob("summary.parquet")),
    )
    assert "as last week" in page.read_text()
