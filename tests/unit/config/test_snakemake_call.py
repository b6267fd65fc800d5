"""Slips in a call of Snakemake are found before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda.config import Config
from panda.config.load import load_config
from panda.config.snakemake_call import check, check_targets
from panda.core.errors import PandaError
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def smoke() -> Config:
    return load_config(ROOT / "config.yaml", preset="smoke")


def refusal(*words: str) -> str:
    with pytest.raises(PandaError) as error:
        check(words)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("-n --config preset=smoke systems", "snakemake -n --config preset=smoke -- systems"),
        ("--config systems", "snakemake -- systems"),
        ("-C preset=smoke systems models -n", "snakemake -C preset=smoke -n -- systems models"),
        (
            "--configfile tests/tiny.yaml results/tiny/report.html",
            "snakemake --configfile tests/tiny.yaml -- results/tiny/report.html",
        ),
    ],
)
def test_a_swallowed_target_is_named_with_the_call_that_works(words: str, call: str):
    assert refusal(*words.split()).endswith(f"put -- before it: {call}")


def test_a_configuration_file_is_read_before_snakemake_reads_it(tmp_path: Path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: 1\nb: [1,\n")
    assert refusal("--configfile", str(bad)).startswith(f"{bad}:3: not valid YAML")
    assert refusal("--configfile", "no.yaml").startswith("no.yaml: no such configuration file")


def test_calls_that_are_right_pass():
    check(["-n", "--config", "preset=smoke", "train.batch_size=3", "--", "systems"])
    check(["--configfile", "tests/tiny.yaml", "--cores", "2", "--", "results/tiny/report.html"])
    check(["systems", "--config", "preset=smoke"])
    check([])


def test_a_cluster_that_is_not_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    message = "--profile slurm: no SLURM on this machine (no command sbatch); start it on a login node"
    assert refusal("--profile", "slurm", "--config", "preset=paper").startswith(message)
    assert refusal("--executor", "slurm", "--jobs", "3").startswith(message)
    check(["--profile", "slurm", "-n"])
    check(["--cores", "1"])
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    check(["--profile", "slurm"])
    monkeypatch.setattr("panda.config.snakemake_call.find_spec", lambda name: None)
    assert refusal("--profile", "slurm").endswith("install it (pip install '.[slurm]')")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("results/laptop/report.html", "say --config preset=laptop"),
        ("./results/laptop/figures/attractors.pdf", "say --config preset=laptop"),
        ("results/seed7/report.html", "say --config run=seed7"),
        (str(ROOT / "results/smoke/report.html"), "say results/smoke/report.html"),
    ],
)
def test_a_file_of_another_run(smoke: Config, target: str, words: str):
    with pytest.raises(PandaError) as error:
        check_targets(["--cores", "2", "--", target], smoke)
    assert str(error.value).startswith(f"{target}: ") and str(error.value).endswith(words)


def test_a_run_that_was_there_names_its_preset(smoke: Config, tmp_path: Path, monkeypatch):
    folder = tmp_path / "results" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("preset: laptop\nrun: mine\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PandaError, match=r"say --config preset=laptop run=mine$"):
        check_targets(["results/mine/report.html"], smoke)


def test_files_of_this_run_and_names_pass(smoke: Config):
    check_targets(["results/smoke/report.html", "results/smoke/train/panda/model.safetensors"], smoke)
    check_targets(["--cores", "2", "systems", "-n"], smoke)
    check_targets([], smoke)
