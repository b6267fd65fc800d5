from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gpu import machine, wheels
from tests.conftest import ROOT

# What a machine has of its own, and what these bring along.
OF_THE_MACHINE = {
    *machine.OWN,
    "setuptools",
    "sympy",
    "mpmath",
    "networkx",
    "jinja2",
    "markupsafe",
    "filelock",
    "fsspec",
}
# What libraries take up where it happens to be installed.
OPTIONAL = {
    "coverage",
    "cloudpickle",
    "charset-normalizer",
    "dill",
    "psutil",
    "matplotlib",
    "pillow",
    "triton",
}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gpu", *words],
        cwd=ROOT,
        env=machine.environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wheel(folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any") -> Path:
    """A wheel of one module without content."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_the_list_has_all_that_the_commands_import():
    code = (
        f"import sys, json; before = set(sys.modules); import {', '.join(machine.ENTRIES)}\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=machine.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    providers = importlib.metadata.packages_distributions()
    imported = {machine.normal(name) for top in json.loads(done.stdout) for name in providers.get(top, [])}
    assert not imported - set(machine.needed()) - OF_THE_MACHINE - OPTIONAL - {"panda-pipeline"}


def test_every_package_of_the_list_is_in_the_lock():
    assert not set(machine.needed()) - wheels.locked().keys()
    assert set(wheels.wanted(["scipy", "PyArrow"], [])) == {
        line for line in wheels.wanted([], []) if not re.match("scipy|pyarrow", line)
    }
    assert [line.split("==")[0] for line in wheels.wanted([], ["dysts", "pydantic_core"])] == [
        "dysts",
        "pydantic-core",
    ]


def test_all_that_is_missing_is_said_at_once(monkeypatch, tmp_path):
    versions = {"torch": "2.9.1+cu128", "numba": "0.68.1", "llvmlite": "0.50.0"}
    there = {name: "1.0" for name in machine.needed() if name not in ("dysts", "pydantic")}
    monkeypatch.setattr(machine, "_version", lambda name: (there | versions).get(name))
    monkeypatch.setattr(machine, "_has_cuda", lambda: False)
    assert machine.lacks(None, cuda=True) == [
        "torch 2.11 or newer (here: 2.9.1+cu128)",
        "numpy 2.0 or newer",
        "a GPU that PyTorch sees (--device cpu trains without)",
        "dysts, pydantic (bring wheels, and name their folder by --wheels)",
    ]
    wheel(tmp_path, "dysts")
    assert machine.lacks(tmp_path, cuda=False)[-1] == f"pydantic (no wheel in {tmp_path})"
    wheel(tmp_path, "pydantic")
    wheel(tmp_path, "numpy", "2.4.6")
    assert machine.lacks(tmp_path, cuda=False) == ["torch 2.11 or newer (here: 2.9.1+cu128)"]


def test_another_python_is_refused(monkeypatch):
    monkeypatch.setattr(machine.sys, "version_info", (3, 9, 2))
    assert machine.lacks(None, cuda=False)[0] == "Python 3.11 to 3.13 (here: 3.9)"


def test_wheels_are_installed_beside_what_is_there(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "PACKAGES", tmp_path / "packages")
    wheel(tmp_path / "wheels", "pandaprobe", "2.5")
    assert machine.install(tmp_path / "wheels") is None
    assert "2.5" in (tmp_path / "packages" / "pandaprobe.py").read_text()
    assert str(tmp_path / "packages") in machine.environment()["PYTHONPATH"]
    # A second call finds them there.
    monkeypatch.setattr(machine.subprocess, "run", lambda *_, **__: pytest.fail("installed again"))
    assert machine.install(tmp_path / "wheels") is None


def test_wheels_of_another_python_are_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "PACKAGES", tmp_path / "packages")
    wheel(tmp_path / "wheels", "pandaprobe", tag="cp26-cp26-manylinux_2_17_x86_64")
    reason = machine.install(tmp_path / "wheels")
    assert reason is not None and "not a supported wheel" in reason and "\n" not in reason
    (tmp_path / "none").mkdir()
    assert "no wheels here" in str(machine.install(tmp_path / "none"))


def test_without_a_gpu_the_command_says_so_in_one_line(tmp_path):
    done = run("run", "--out", str(tmp_path / "out"), CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 1 and not (tmp_path / "out").exists()
    assert done.stderr == "error: this machine lacks a GPU that PyTorch sees (--device cpu trains without)\n"


def test_a_package_that_the_lock_does_not_know_is_one_line(tmp_path):
    done = run("wheels", "--to", str(tmp_path / "wheels"), "--only", "numppy")
    assert done.returncode == 1 and "no package 'numppy'" in done.stderr and "Traceback" not in done.stderr
