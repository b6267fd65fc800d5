"""Measured series in installed packages: what is there, and what is said of those that are not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from panda.config import arena, measured
from panda.config.estimate import estimate
from panda.config.load import load_config
from panda.config.measured import Measured
from panda.core.errors import PandaError
from panda.report.html import build_report
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def config(**evaluate):
    return load_config(ROOT / "config.yaml", preset="laptop", given={"evaluate": evaluate})


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch):
    """As if only `there` were installed."""

    def only(*there: str) -> None:
        entries = {
            name: entry if entry.package in there else entry.model_copy(update={"package": "no_such_package"})
            for name, entry in measured.measured().items()
        }
        for module in (arena, measured):
            monkeypatch.setattr(module, "measured", lambda: entries)

    return only


def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **change) -> Measured:
    """An entry whose package lies in `tmp_path` and would fail if it were imported."""
    folder = tmp_path / "measured_elsewhere"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "a.csv").write_text("x\n1\n2\n")
    monkeypatch.syspath_prepend(tmp_path)
    entry = measured.measured()["sunspots"]
    update = {"package": "measured_elsewhere", "version": "1.2", "file": "a.csv", "channels": ("x",)}
    return entry.model_copy(update=update | {"time": None, "n_points": 2} | change)


def test_versions_are_those_of_the_extra():
    wanted = {f"{one.package}=={one.version}" for one in measured.measured().values() if one.version}
    assert wanted == set(PROJECT["optional-dependencies"]["measured"])
    # What the tutorial forecasts comes with a checkout; another licence is only taken by whoever asks for it.
    assert {line for line in wanted if line in PROJECT["optional-dependencies"]["dev"]} == {
        "reservoirpy==0.4.2"
    }
    always = {one.package for one in measured.measured().values() if one.version is None}
    assert always <= {line.split(">")[0] for line in PROJECT["dependencies"]}


def test_the_list_comes_with_the_package():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert "measured.yaml" in data["panda.config"]


def test_an_unknown_series_names_the_nearest():
    with pytest.raises(PandaError, match="did you mean 'sunspots'"):
        measured.measured_series("sunspot")


def test_a_missing_package_file_or_content_is_said(tmp_path, monkeypatch):
    entry = fake(tmp_path, monkeypatch)
    assert entry.path == tmp_path / "measured_elsewhere" / "a.csv"
    assert entry.lacks == "a.csv of the installed measured_elsewhere is another file than expected: " + (
        "pip install measured_elsewhere==1.2"
    )
    gone = entry.model_copy(update={"file": "b.csv"})
    assert gone.lacks.startswith("the installed measured_elsewhere has no b.csv")
    nowhere = entry.model_copy(update={"package": "no_such_package"})
    assert nowhere.path is None
    assert nowhere.lacks == "no_such_package is not installed: pip install no_such_package==1.2"


def test_data_sets_without_their_package_are_left_out_and_named(without):
    without("statsmodels")
    ours = config()
    assert arena.of_measured(ours) == ("sunspots",)
    assert set(arena.absent(ours)) == {"laser", "fly_brain", "river_flow"}
    shown = config(datasets={"laser": {"in_report": True}, "sunspots": {"in_report": True}})
    assert {"sunspots"} == set(arena.reported(shown)) - set(arena.reported(ours))
    page = build_report(
        preset="laptop", preset_note="", figures=[], tables={}, provenance={}, absent=arena.absent(ours)
    )
    assert "since measured series are missing" in page and "<b>laser</b> (no_such_package is not" in page


def test_the_report_shows_them_where_their_figure_is_drawn(without):
    without("statsmodels", "reservoirpy", "pyEDM")
    ours = config()
    assert not set(arena.reported(ours)) & set(arena.MEASURED)
    drawn = load_config(ROOT / "config.yaml", preset="laptop", given={"figures": ["measured"]})
    assert set(arena.of_measured(drawn)) <= set(arena.reported(drawn))
    without_them, with_them = (
        next(stage.cpu_hours for stage in estimate(one) if stage.stage == "evaluate") for one in (ours, drawn)
    )
    assert with_them > without_them


def test_windows_must_fit_into_the_series():
    with pytest.raises(PandaError, match=r"sunspots: .* exceed the 309 points of its series"):
        config(datasets={"sunspots": {"context_length": 300}})


def test_they_need_no_model_of_the_run():
    ours = config()
    for name in arena.MEASURED:
        assert not set(arena.contestants(ours, name)) & set(ours.named_models())
        assert {"panda_analogue", "persistence", "parrot", "linear_ar"} <= set(arena.contestants(ours, name))
        assert arena.made_of(ours, name) == (f"{name}.npz",)
