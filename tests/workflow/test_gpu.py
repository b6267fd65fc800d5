"""The command for a bare machine with a GPU, at a tiny size on the CPU."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from gpu.jobs import Clock
from gpu.run import Plan, run
from gpu.stages import Study
from panda.config.load import load_config
from panda.core.files import read_table, write_table
from tests.conftest import ROOT

pytestmark = pytest.mark.workflow
OVERLAY = ROOT / "tests" / "gpu_tiny.yaml"
PUBLISHED = ROOT / "results" / "published" / "discovery" / "catalogue.parquet"
SPEED = ["samples_per_s", "tflops_per_s", "mfu"]


def write_catalogue(path: Path, names: tuple[str, ...]) -> None:
    """A few systems of the published catalogue, whose founders are among `names`."""
    table = read_table(PUBLISHED)
    own = table[table["driver"].isin(names) & (table["response"].isin(names) | (table["response"] == ""))]
    # Of each population: windows are drawn from founders and skew products.
    rows = [
        own[own["split"] == split].groupby("population").head(n)
        for split, n in (("train", 3), ("validation", 2), ("test", 1))
    ]
    write_table(pd.concat(rows, ignore_index=True), path)


def lay_out(folder: Path, catalogue: Path) -> Path:
    """A folder to run in, with the compiled founders of the checkout."""
    folder.mkdir(parents=True)
    (folder / ".cache").mkdir()
    (ROOT / ".cache" / "founders").mkdir(parents=True, exist_ok=True)
    (folder / ".cache" / "founders").symlink_to(ROOT / ".cache" / "founders")
    shutil.copy(catalogue, folder / "catalogue.parquet")
    return folder


@pytest.fixture(scope="module")
def study() -> Study:
    """With a training of the second model that takes some seconds, so that a call can end in the midst of it."""
    settings = {"train": {"device": "cpu", "definitions": {"panda_small": {"n_steps": 3000}}}}
    return Study(load_config([ROOT / "config.yaml", OVERLAY], preset="gpu", given=settings), cores=2)


@pytest.fixture(scope="module")
def integrated(tmp_path_factory, study: Study) -> Path:
    """A folder with the trajectories, made by a call of its own stage."""
    folder = tmp_path_factory.mktemp("gpu")
    write_catalogue(folder / "catalogue.parquet", study.config.discover.founders.names)
    folder = lay_out(folder / "integrated", folder / "catalogue.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        study.check()
        assert study.integrate(Clock(0, reserve=0)) == 2  # compiled, and no time for a shard
        assert study.integrate(Clock(60, reserve=0)) == 0
        assert len(read_table("results/gpu_tiny/integrate/trust/0.parquet").columns)
    return folder


def copied(integrated: Path, folder: Path) -> Path:
    lay_out(folder, integrated / "catalogue.parquet")
    shutil.copytree(integrated / "results", folder / "results")
    return folder


def plan(folder: Path, seconds: float) -> Plan:
    return Plan(seconds / 60, 0.0, folder / "out", None, "state", piece_mib=1)


def test_calls_that_end_in_the_midst_of_a_training_end_as_one_call_does(
    study, integrated, tmp_path, monkeypatch
):
    monkeypatch.chdir(copied(integrated, tmp_path / "one"))
    whole = run(study, plan(tmp_path / "one", 3600))
    monkeypatch.chdir(copied(integrated, tmp_path / "parts"))
    # A short call may not get as far as the first step; each that follows is longer.
    seconds, found = 8.0, {}
    while not 0 < study.steps_done("panda_small") < 3000:
        assert not study.is_finished("panda_small"), "a call was long enough for the whole training"
        found = run(study, plan(tmp_path / "parts", seconds))
        seconds += 3
    small = {model["model"]: model for model in found["models"]}["panda_small"]
    assert 0 < small["steps"] < 3000 and not small["finished"] and small["minutes_left"] > 0
    assert {row["forecaster"] for row in found["scores"]} >= {"panda_small", "parrot", "linear_ar"}

    # Another machine: pieces are all that comes along.
    elsewhere = copied(integrated, tmp_path / "elsewhere")
    monkeypatch.chdir(elsewhere)
    ended = run(study, replace(plan(elsewhere, 3600), resume=tmp_path / "parts" / "out"))
    assert all(model["finished"] for model in ended["models"])
    assert ended["scores"] == whole["scores"]
    for name in study.config.train.models:
        ours, theirs = (tmp_path / at / "results/gpu_tiny/train" / name for at in ("elsewhere", "one"))
        tensors, others = load_file(ours / "model.safetensors"), load_file(theirs / "model.safetensors")
        assert tensors.keys() == others.keys()
        for key, tensor in tensors.items():
            np.testing.assert_array_equal(tensor, others[key])
        logs = [read_table(folder / "log.parquet").drop(columns=SPEED) for folder in (ours, theirs)]
        pd.testing.assert_frame_equal(*logs)


def test_one_command_does_it_all_and_its_pieces_are_small(study, integrated, tmp_path):
    folder = lay_out(tmp_path / "checkout", integrated / "catalogue.parquet")
    for name in ("panda", "baselines", "presets", "gpu"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("config.yaml", "requirements.lock"):
        shutil.copy2(ROOT / name, folder / name)
    words = [
        "run",
        "--device",
        "cpu",
        "--cores",
        "2",
        "--minutes",
        "60",
        "--config",
        str(OVERLAY),
        "--out",
        "out",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "gpu", *words, "--pack", "weights", "--set", "train.log_every=2"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "panda_21m: finished" in done.stdout and "| parrot |" in done.stdout
    found = json.loads((folder / "out" / "summary.json").read_text())
    assert [(model["steps"], model["finished"]) for model in found["models"]] == [(20, True), (12, True)]
    assert all(model["samples_per_s"] > 0 and model["tflops_per_s"] > 0 for model in found["models"])
    assert all(row["smape"] is not None for row in found["scores"])
    unpacked = subprocess.run(
        [sys.executable, "-m", "gpu", "unpack", str(folder / "out"), "--into", str(tmp_path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(unpacked.stdout.splitlines()) == 4
    weights = tmp_path / "results/gpu_tiny/rounded/panda_small/model.safetensors"
    whole = folder / "results/gpu_tiny/train/panda_small/model.safetensors"
    assert weights.stat().st_size < 0.75 * whole.stat().st_size
