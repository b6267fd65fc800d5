"""A user's own founder compiled and measured, as the tutorial has it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from panda.config import Discover, Founders
from panda.core.errors import PandaError
from panda.discovery.own.founders import ensure_own, measure_own, open_library
from panda.discovery.search.candidates import Group
from panda.discovery.search.measure import measure
from panda.discovery.search.search import search
from tests.conftest import ROOT
from tests.unit.discovery.test_select import OSCILLATOR

NAME = "LotkaVolterra"
RHS = "r * state * (1 - a @ state)"


def tutorial() -> str:
    """The file of docs/own-system.md."""
    text = (ROOT / "docs" / "own-system.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    return block


@pytest.fixture
def system(tmp_path: Path) -> Path:
    path = tmp_path / f"{NAME}.py"
    path.write_text(tutorial())
    return path


@pytest.fixture
def discover(smoke, settings, system: Path) -> Discover:
    founders = {**smoke.discover.founders.model_dump(), "own": [str(system)]}
    update = {"founders": Founders.model_validate(founders), "search": settings}
    return smoke.discover.model_copy(update=update)


@pytest.fixture
def folder(library_folder: Path, tmp_path: Path) -> Path:
    """A folder of founders of its own, with dysts' linked in."""
    made = tmp_path / "founders"
    made.mkdir()
    for path in library_folder.glob("*.*"):
        (made / path.name).symlink_to(path)
    return made


def test_it_is_measured_once_and_found_again(discover: Discover, folder: Path):
    with pytest.raises(PandaError, match=rf"{NAME}\.py: not compiled as it stands now"):
        open_library(folder, discover)
    ensure_own(folder, discover)
    founder = open_library(folder, discover)[NAME]
    assert founder.dimension == 4 and founder.parameter_names == ("a", "r")
    # Time averages of a Lotka-Volterra system are its inner fixed point: a x = 1.
    a = founder.parameters[:16].reshape(4, 4)
    np.testing.assert_allclose(founder.mean, np.linalg.solve(a, np.ones(4)), rtol=0.03)
    assert 20.0 < founder.period < 60.0
    assert founder.dt == pytest.approx(founder.period * 40 / 5119)
    (made,) = (path for path in (folder / "own").iterdir() if path.is_dir())
    times = {path: path.stat().st_mtime_ns for path in made.iterdir()}
    ensure_own(folder, discover)
    assert times == {path: path.stat().st_mtime_ns for path in made.iterdir()}
    # Damaged, it is built again; what a killed build of another version left goes.
    code = (made / f"{NAME}.o").read_bytes()
    (made / f"{NAME}.o").write_bytes(code[:-1])
    (left := made.with_name("Old-0123456789ab.part")).mkdir()
    ensure_own(folder, discover)
    assert (made / f"{NAME}.o").read_bytes() == code and not left.exists()


def test_an_edit_makes_another_and_a_comment_does_not(discover: Discover, folder: Path, system: Path):
    ensure_own(folder, discover)
    first = open_library(folder, discover)[NAME]
    system.write_text("# a remark\n" + tutorial())
    assert open_library(folder, discover)[NAME].period == first.period
    system.write_text(tutorial().replace("0.72", "0.73"))
    with pytest.raises(PandaError, match="not compiled as it stands now"):
        open_library(folder, discover)
    ensure_own(folder, discover)
    assert open_library(folder, discover)[NAME].parameters[17] == 0.73


def test_it_drives_responds_and_is_perturbed(discover: Discover, folder: Path):
    ensure_own(folder, discover)
    library = open_library(folder, discover)
    few = discover.founders.model_copy(update={"names": ("Lorenz",)})
    rms = measure(library, few, discover.search.integration.limits)
    assert sorted(rms["founder"]) == ["Lorenz", NAME]
    chosen = [Group(NAME, "", 3), Group(NAME, "Lorenz", 2), Group("Lorenz", NAME, 2)]
    found = search(library, rms, chosen, discover.search, 3).set_index("system")
    assert found.loc[f"{NAME}-pp0", "status"] == "complete"
    assert found.loc[f"{NAME}-pp1", "driver_parameters"][0] != 1.0
    assert found["period"].loc[f"Lorenz_{NAME}-pp0"] == library[NAME].period
    assert (found["status"] == "complete").sum() >= 4


def test_its_exponent_is_the_published_one(folder: Path, discover: Discover):
    # Vano and others (2006): 0.0203.
    ensure_own(folder, discover)
    library = open_library(folder, discover)
    longer = discover.search.exponent.model_copy(
        update={"n_periods": 300, "transient_periods": 20, "n_blocks": 20}
    )
    settings = discover.search.model_copy(update={"exponent": longer})
    nothing = pd.DataFrame({"founder": [], "flow_rms": []})
    row = search(library, nothing, [Group(NAME, "", 1)], settings, 0).iloc[0]
    assert row["exponent_error"] < 0.002
    assert abs(row["largest_exponent"] - 0.0203) < 4 * row["exponent_error"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (RHS, "-state", "ends in a fixed point"),
        (RHS, "state", "leaves the bounds"),
        (RHS, "0 * state", "is a fixed point; start elsewhere"),
        (RHS, "state**2", "leaves the bounds"),
    ],
)
def test_what_cannot_be_measured_is_said(
    discover: Discover, folder: Path, system: Path, old: str, new: str, words: str
):
    system.write_text(tutorial().replace(old, new))
    with pytest.raises(PandaError, match=words) as error:
        ensure_own(folder, discover)
    assert str(system) in str(error.value) and "\n" not in str(error.value)
    assert not list((folder / "own").glob("*.part")) and not list((folder / "own").glob("*/founders.json"))


def test_a_harmonic_oscillator_has_its_period(discover: Discover, folder: Path, system: Path):
    system.write_text(tutorial().replace(RHS, "[3 * state[1], -3 * state[0], 0, 0]"))
    ensure_own(folder, discover)
    assert open_library(folder, discover)[NAME].period == pytest.approx(2 * np.pi / 3, rel=1e-3)


def test_the_period_of_a_file_stands(discover: Discover, folder: Path, system: Path):
    system.write_text(tutorial() + "\n\nperiod = 5.5\n")
    ensure_own(folder, discover)
    assert open_library(folder, discover)[NAME].period == 5.5


@pytest.mark.parametrize("name", ["Rossler", "Halvorsen", "SprottJ", "GenesioTesi", "HenonHeiles"])
def test_the_measured_period_is_that_of_dysts_where_the_spectrum_has_a_line(
    library, smoke, settings, name: str
):
    from dataclasses import replace

    flow = library.flow(name)
    unknown = replace(flow, driver=replace(flow.driver, period=np.nan))
    founder = measure_own(unknown, name, smoke.discover.founders, smoke.discover.search.integration.limits)
    assert founder.period == pytest.approx(flow.driver.period, rel=0.05)


def test_check_prints_it_and_leaves_nothing(system: Path, tmp_path: Path, monkeypatch):
    from panda.cli import app

    before = {path.name for path in tmp_path.iterdir()}
    done = CliRunner().invoke(app, ["discover", "check", str(system), "--config", str(ROOT / "config.yaml")])
    assert done.exit_code == 0, done.output
    for words in (
        f"{NAME}, 4 coordinates",
        "r 1 0.72 1.53",
        "verdict      chaotic",
        "persistence  complete",
        "convergence  chaotic at a finer tolerance",
        "passes 12 of 12",
        "enters       yes",
    ):
        assert words in done.output
    value, error = map(float, re.search(r"lambda_1 +(\S+) \+- (\S+) per unit", done.output).groups())
    assert abs(value - 0.0203) < 3 * error < 0.012
    assert {path.name for path in tmp_path.iterdir()} == before


def test_check_explains_what_is_wrong(system: Path):
    from panda.cli import app

    system.write_text(tutorial().replace("a @ state", "b @ state"))
    done = CliRunner().invoke(app, ["discover", "check", str(system), "--config", str(ROOT / "config.yaml")])
    assert isinstance(done.exception, PandaError)
    assert re.search(rf"{NAME}\.py:\d+: NameError: name 'b' is not defined", str(done.exception))


@pytest.mark.parametrize(
    ("named", "words"), [("[]", "enters       no: as it is"), ("[Mine]", "enters       yes: ")]
)
def test_check_says_whether_a_founder_without_certificate_enters(tmp_path: Path, named: str, words: str):
    from panda.cli import app

    path = tmp_path / "Mine.py"
    path.write_text(OSCILLATOR)
    config = tmp_path / "own.yaml"
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    text = text.replace(" own: [] ", f" own: [{path}] ").replace("own_enter: [] ", f"own_enter: {named} ")
    config.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["discover", "check", str(path), "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert words in done.output and "not_periodic" in done.output


def test_own_enter_names_founders_of_your_own(smoke):
    select = smoke.discover.select.model_copy(update={"own_enter": ("Lorenz",)})
    with pytest.raises(
        ValueError, match="own_enter: no founder of your own is named 'Lorenz'; there is none"
    ):
        Discover.model_validate(smoke.discover.model_copy(update={"select": select}).model_dump())
