"""`panda train fine-tune`, as one calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.core.progress import Progress
from tests.conftest import needs_torch
from tests.unit.cli.test_wrong_calls import call, refusal

pytestmark = needs_torch
T = np.arange(400)
SERIES = pd.DataFrame({"time": T * 0.25, "x": np.sin(T / 5), "y": 1e9 + np.cos(T / 7)})
SHORT = ["--horizon", 16, "--set", "n_steps=12", "--set", "batch_size=4", "--set", "checkpoint_every=4"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that one works in, with a series."""
    monkeypatch.chdir(tmp_path)
    SERIES.to_csv("data.csv", index=False)
    return tmp_path


def done(*words: object) -> str:
    found = call("train", "fine-tune", *words, *SHORT)
    assert found.exit_code == 0, (found.output, found.exception)
    return found.stdout


def weights(folder: str) -> bytes:
    return Path(folder, "model.safetensors").read_bytes()


def test_a_model_a_card_and_whether_it_helped(here: Path, tiny: Path):
    lines = done("data.csv", "--model", tiny, "--output", "mine").splitlines()
    assert lines[0] == "held out: 5 forecasts of 16 points" and lines[-1] == "mine"
    assert {line.split()[0] for line in lines[2:8]} >= {"tiny", "mine", "persistence", "context"}
    assert lines[-2].startswith("fine-tuning ") and "windows)" in lines[-2]
    assert {path.name for path in Path("mine").iterdir()} == {
        "model.safetensors", "config.json", "README.md", "log.parquet", "log.csv", "held_out.parquet", "held_out.csv",
        "model.safetensors.provenance.json",
    }  # fmt: skip
    assert weights("mine") != weights(str(tiny))
    card = Path("mine/README.md").read_text()
    assert "| data.csv | 320 | 80 | 2 |" in card and "12 steps of 4 windows" in card
    assert lines[-2].removeprefix("fine-tuning ") in card
    record = json.loads(Path("mine/model.safetensors.provenance.json").read_text())
    assert record["section"]["model"]["model"] == str(tiny) and record["section"]["settings"]["n_steps"] == 12
    assert set(record["outputs"]) >= {"model.safetensors", "config.json", "README.md"}
    found = call("forecast", "data.csv", "--horizon", 4, "--model", "mine")
    assert found.exit_code == 0 and len(pd.read_csv("data.forecast.csv")) == 4
    assert "mine: holds a model; choose another --output" in refusal(
        "train", "fine-tune", "data.csv", "--model", tiny, "--output", "mine", *SHORT
    )


def test_the_same_call_has_the_same_weights_also_when_it_was_interrupted(
    here: Path,
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    done("data.csv", "--model", tiny, "--output", "whole")
    advance, starts = Progress.advance, []

    def until_the_power_fails(self: Progress, n: int = 1, **notes: object) -> None:
        advance(self, n, **notes)
        if self.done == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "advance", until_the_power_fails)
        call("train", "fine-tune", "data.csv", "--model", tiny, "--output", "parts", *SHORT)
    assert not Path("parts/config.json").exists() and list(
        Path("parts/.training").glob("*/step-*4.safetensors")
    )
    start_at = Progress.start_at
    monkeypatch.setattr(Progress, "start_at", lambda self, n: (starts.append(n), start_at(self, n)))
    done("data.csv", "--model", tiny, "--output", "parts")
    assert starts == [4] and weights("parts") == weights("whole") and not Path("parts/.training").exists()


def test_other_settings_make_other_weights(here: Path, tiny: Path):
    done("data.csv", "--model", tiny, "--output", "one")
    done("data.csv", "--model", tiny, "--output", "two", "--set", "seed=1")
    Path("mine.yaml").write_text("recipe: {learning_rate: 1.0e-5, muon_learning_rate: 1.0e-5}\n")
    done("data.csv", "--model", tiny, "--output", "three", "--config", "mine.yaml")
    assert len({weights(name) for name in ("one", "two", "three")}) == 3


def test_several_files_of_any_kind_with_gaps_filled(here: Path, tiny: Path):
    SERIES.drop(index=[100, 200]).to_parquet("gaps.parquet")
    np.save("one.npy", np.sin(T / 9))
    files = ["data.csv", "gaps.parquet", "one.npy"]
    message = refusal("train", "fine-tune", *files, "--model", tiny, "--output", "mine", *SHORT)
    assert message.startswith("gaps.parquet, row 101, column 'time': 1 step of 0.25 is missing")
    assert not Path("mine").exists()
    lines = done(*files, "--model", tiny, "--output", "mine", "--fill", "linear").splitlines()
    assert lines[0] == "held out: 15 forecasts of 16 points"
    assert "| one.npy | 320 | 80 | 1 |" in Path("mine/README.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no.csv"], "no.csv: no such file"),
        (["data.csv", "--columns", "z"], "data.csv: no column 'z'"),
        (
            ["data.csv", "--set", "held_out=0.9"],
            "data.csv: 400 points, 40 without the held-out part, and a training",
        ),
        (["data.csv", "--set", "held_out=0.03"], "the held-out part has 12 points, fewer than the 16"),
        (["data.csv", "--set", "nsteps=3"], "fine-tune: nsteps: unknown key; did you mean 'n_steps'?"),
        (["data.csv", "--set", "held_out=1"], "fine-tune: held_out: input should be less than 1"),
        (["data.csv", "--set", "data.n_channels=5"], "fine-tune: data: mixing_dimensions [3, 8] must rise"),
        (["data.csv", "--output", "data.csv"], "data.csv: a file; give --output the name of a folder"),
        (["data.csv", "--output", "."], ".: holds other files; give --output a new or an empty folder"),
        (["data.csv", "--model", "a/b"], "a/b: no such folder; a Hub id needs a revision"),
    ],
)
def test_a_wrong_call_writes_nothing(here: Path, tiny: Path, words: list[object], message: str):
    model = [] if "--model" in words else ["--model", tiny]
    output = [] if "--output" in words else ["--output", "mine"]
    assert message in refusal("train", "fine-tune", *SHORT, *words, *model, *output)
    assert [path.name for path in here.iterdir()] == ["data.csv"]
