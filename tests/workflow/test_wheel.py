"""The package alone: a wheel in an environment of its own, used in a folder that has nothing to do with the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.workflow
BUILT_FROM = ("panda", "baselines", "pyproject.toml", "README.md", "LICENSE")
NO_DATA = {".py", ".pyc", ".nbi", ".nbc"}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def run(*words: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this checkout."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHONPATH", "PIP_"))}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=kept, capture_output=True, text=True, check=False
    )
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel is built from, copied: a build leaves files behind."""
    folder = tmp_path_factory.mktemp("sources")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, sources, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, which borrows all that it depends on from this one.

    Of a folder that is named in a `.pth`, such files of its own are not read: a checkout that is installed in place here
    is not there.
    """
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    (packages,) = folder.glob("lib/python*/site-packages")
    borrowed = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    python = folder / "bin" / "python"
    pip = (*PIP, "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=folder)
    return folder / "bin"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with a series."""
    time = np.arange(600)
    table = np.column_stack([time * 0.1, np.sin(time / 5), np.cos(time / 7)])
    np.savetxt(tmp_path / "data.csv", table, delimiter=",", header="t,x,y", comments="")
    return tmp_path


def test_the_wheel_has_every_file_of_the_packages(sources: Path, wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    there = {
        path.relative_to(sources).as_posix()
        for package in ("panda", "baselines")
        for path in (sources / package).rglob("*")
        if path.is_file()
    }
    data = {name for name in there if Path(name).suffix not in NO_DATA and not name.endswith("/README.md")}
    code = {name for name in there if name.endswith(".py")}
    assert {"panda/shipped/panda_analogue/model.safetensors", "panda/config/own_data.yaml"} <= data
    assert (data | code) - packed == set()
    assert {name for name in there if name.startswith("panda/shipped/")} - packed == set()
    assert {name.split("/")[0] for name in packed if ".dist-info/" not in name} == {"panda", "baselines"}


def test_the_command_forecasts(environment: Path, elsewhere: Path):
    done = run(environment / "panda", "forecast", "data.csv", "--horizon", 32, "--plot", cwd=elsewhere)
    assert done.stdout.split() == ["data.forecast.csv", "data.forecast.png"]
    table = np.genfromtxt(elsewhere / "data.forecast.csv", delimiter=",", names=True)
    assert len(table) == 32 and table["t"][0] == pytest.approx(60.0)
    assert np.abs(table["x"]).max() < 2 and np.isfinite(table["y"]).all()


def test_python_forecasts(environment: Path, elsewhere: Path):
    code = (
        "import panda; print(panda.__file__, len(panda.load().predict([0.1, 0.4, 0.2, 0.5] * 16, horizon=8)))"
    )
    where, n = run(environment / "python", "-c", code, cwd=elsewhere).stdout.split()
    assert n == "8" and Path(where).is_relative_to(environment.parent)


def test_the_backtest_finds_its_baselines(environment: Path, elsewhere: Path):
    done = run(environment / "panda", "forecast", "data.csv", "--backtest", 32, cwd=elsewhere)
    assert "windows of 32 points" in done.stdout and "trust panda_analogue here" in done.stdout


@pytest.mark.parametrize("words", [("config", "check"), ("report", "where")])
def test_a_step_of_the_workflow_says_that_it_needs_a_checkout(
    environment: Path, elsewhere: Path, words: tuple[str, ...]
):
    done = run(environment / "panda", *words, cwd=elsewhere, check=False)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "error: config.yaml: no such configuration file; this command is a step of the workflow"
    )
    assert "clone" in line


def test_an_environment_within_a_repository_is_not_taken_for_it(environment: Path, elsewhere: Path):
    """The commit in a record would be one of the user's own project."""
    packages = next(environment.parent.glob("lib/python*/site-packages"))
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        run("git", *words, cwd=packages)
    code = "from panda.core.provenance import git_state; print(git_state())"
    done = run(environment / "python", "-c", code, cwd=elsewhere)
    shutil.rmtree(packages / ".git")
    assert done.stdout.strip() == "{'commit': None, 'dirty': None}"
