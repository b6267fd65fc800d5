"""A command that is called wrongly says so in one line, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import panda
from panda.cli import app
from panda.core.errors import PandaError
from panda.core.files import read_table, write_arrays, write_table
from tests.conftest import ROOT, needs_torch

CONFIG = ["--config", str(ROOT / "config.yaml")]


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def refusal(*words: object) -> str:
    """The one line of a call that must fail by a PandaError."""
    error = call(*words).exception
    assert isinstance(error, PandaError), repr(error)
    assert "\n" not in str(error)
    return str(error)


def test_the_version_is_printed():
    done = call("--version")
    assert done.exit_code == 0 and done.stdout == f"panda {panda.__version__}\n"


@pytest.fixture
def other_table(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "evaluate" / "summary.parquet"
    write_table(pd.DataFrame({"forecaster": ["a"], "mean": [1.0]}), path)
    return path


def test_another_table_is_not_selected_from(tmp_path: Path, other_table: Path):
    out = tmp_path / "out"
    outputs = [
        ("--output", out / "c.parquet"),
        ("--acceptance", out / "a.parquet"),
        ("--selections", out / "s.parquet"),
        ("--followed", other_table),
    ]
    words = [word for pair in outputs for word in pair]
    message = refusal("discover", "select", *CONFIG, *words, other_table)
    assert message.startswith(f"{other_table}: no column 'system'")
    assert not list(out.glob("*"))


SPLITS = ["--train", "t.arrow", "--validation", "v.arrow", "--test", "e.arrow"]
SPLITS += ["--long", "l.arrow", "--trust", "t.parquet"]


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["discover", "search", "--measures", "FILE", "--output", "o.parquet"], "discover.search.n_shards"),
        (
            ["discover", "spectra", "--catalogue", "FILE", "--output", "o.parquet"],
            "discover.spectrum.n_shards",
        ),
        (["integrate", "systems", "--catalogue", "FILE", *SPLITS], "integrate.n_shards"),
        (
            ["scaling", "integrate", "--split", "1", "--catalogue", "FILE", "--output", "o.arrow"],
            "scaling.n_shards",
        ),
    ],
)
def test_a_shard_that_is_not_there_names_its_key(words: list[str], key: str, other_table: Path):
    message = refusal(
        *words[:2], *CONFIG, "--shard", 999, *[str(other_table) if w == "FILE" else w for w in words[2:]]
    )
    assert message.startswith("--shard 999 is outside 0..") and f"{key} is " in message


def test_more_subsets_than_the_catalogue_has_systems(tmp_path: Path):
    path = tmp_path / "catalogue.parquet"
    catalogue = read_table(ROOT / "results/published/discovery/catalogue.parquet").head(150)
    write_table(catalogue, path)
    n_systems = int((catalogue["accepted"] & (catalogue["split"] == "train")).sum())
    words = ["--split", 8, "--shard", 0, "--output", tmp_path / "o.arrow"]
    message = refusal("scaling", "integrate", *CONFIG, "--catalogue", path, *words)
    assert message.startswith(f"{path}: {n_systems} accepted training systems; subset 8 halves them")
    assert message.endswith(f"at most {n_systems.bit_length()}") and not (tmp_path / "o.arrow").exists()


def test_another_table_is_not_integrated(other_table: Path):
    message = refusal("integrate", "systems", *CONFIG, "--shard", 0, "--catalogue", other_table, *SPLITS)
    assert "no column 'system'" in message


@needs_torch
def test_a_trained_model_asks_for_its_state(tmp_path: Path):
    words = ["--dataset", "test", "--output", tmp_path / "f.npz"]
    message = refusal("evaluate", "forecast", *CONFIG, "--forecaster", "panda", *words, ROOT / "config.yaml")
    assert message == "panda is a trained model; give --state its model.safetensors"


def test_a_figure_is_not_drawn_without_its_data(tmp_path: Path):
    run, out = tmp_path / "run", tmp_path / "out"
    gallery = run / "discover" / "gallery.npz"
    write_arrays(gallery, x=np.zeros(3))
    message = refusal(
        *("figures", "draw", *CONFIG, "--figure", "spectra", "--root", run, "--output", out, gallery)
    )
    assert message.startswith("spectra: discover/spectra.parquet is not among the files given")
    assert not list(out.glob("*"))


def test_a_report_needs_its_figures(tmp_path: Path, other_table: Path):
    message = refusal(
        *(
            "report",
            "write",
            *CONFIG,
            "--root",
            tmp_path / "run",
            "--output",
            tmp_path / "r.html",
            other_table,
        )
    )
    assert "figures" in message and message.endswith("no such file; make it first, or correct the path")
