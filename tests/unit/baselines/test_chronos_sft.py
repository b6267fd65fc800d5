"""Chronos-SFT: one tiny training from scratch, its state, its forecasts."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from baselines import registry
from panda.config import Baselines
from panda.config.pretrained import Weights
from panda.core.errors import PandaError, Paused
from panda.data.store import TrajectoryStore
from panda.evaluation.forecaster import Checked
from tests.unit.baselines.test_darts_nbeats import sines

pytest.importorskip("chronos", reason="chronos-forecasting is in the extra 'foundation'")
N_STEPS = 60
TINY = {
    "start": None,
    "context_length": 32,
    "prediction_length": 16,
    "n_tokens": 66,
    "token_limit": 4.0,
    "n_layers": 1,
    "d_model": 16,
    "n_heads": 2,
    "d_kv": 8,
    "d_ff": 32,
    "dropout": 0.1,
    "missing_probability": 0.1,
    "n_steps": N_STEPS,
    "batch_size": 16,
    "learning_rate": 1e-2,
}


@pytest.fixture(scope="module")
def common(smoke) -> dict:
    data = smoke.train.data.model_copy(update={"delay_max_lag": 2})
    update = {"data": data, "checkpoint_every": 16, "log_every": 10, "founder_probability": None}
    update |= {"device": "cpu"}
    training = smoke.train.model_copy(update=update)
    return {"seed": 3, "standardise_eps": 1e-10, "threads": 1, "training": training}


def settings_with(smoke, **changes: object) -> Baselines:
    tiny = smoke.baselines.chronos_sft.model_copy(update=TINY | changes)
    return smoke.baselines.model_copy(update={"chronos_sft": tiny})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrajectoryStore:
    return sines(tmp_path_factory.mktemp("series") / "train.arrow", 0)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, smoke, store: TrajectoryStore, common: dict
) -> tuple[Baselines, Path]:
    state = tmp_path_factory.mktemp("chronos") / "state"
    settings = settings_with(smoke)
    record = registry.fit("chronos_sft", settings, store, store, state=state, **common)
    assert record["loss"] > 0 and record["seed"] == 3
    return settings, state


class Interrupting:
    """A progress that asks for a pause after a few steps."""

    def __init__(self, after: int) -> None:
        self.left, self.first = after, -1

    def start_at(self, n: int) -> None:
        self.first = n

    def advance(self, n: int, **notes: float) -> None:
        self.left -= n
        if self.left == 0:
            signal.raise_signal(signal.SIGTERM)


def test_training_lowers_the_loss_and_writes_no_pickle(trained: tuple[Baselines, Path]) -> None:
    log = pd.read_parquet(trained[1] / "log.parquet")
    assert log["step"].tolist() == list(range(10, N_STEPS + 1, 10))
    assert log["loss"].iloc[-1] < 0.95 * log["loss"].iloc[0] < np.log(66)  # that of 66 tokens alike
    written = {path.suffix for path in trained[1].rglob("*") if path.is_file() and path.name != "lock"}
    assert written == {".safetensors", ".json", ".parquet", ".csv"}


def test_chronos_reads_what_was_written(trained: tuple[Baselines, Path]) -> None:
    from chronos import BaseChronosPipeline

    found = BaseChronosPipeline.from_pretrained(trained[1], local_files_only=True)
    assert type(found).__name__ == "ChronosPipeline"
    assert (found.model_context_length, found.model_prediction_length) == (32, 16)


def test_a_paused_training_ends_with_the_same_bits(
    trained: tuple[Baselines, Path], tmp_path: Path, store: TrajectoryStore, common: dict
) -> None:
    settings, state = trained
    for after in (21, 5):
        with pytest.raises(Paused, match=f"after step .. of {N_STEPS} .SIGTERM., its state is saved"):
            progress = Interrupting(after)
            registry.fit("chronos_sft", settings, store, store, state=tmp_path, progress=progress, **common)
    last = Interrupting(-1)
    registry.fit("chronos_sft", settings, store, store, state=tmp_path, progress=last, **common)
    assert last.first == 26
    weights = "model.safetensors"
    assert (tmp_path / weights).read_bytes() == (state / weights).read_bytes()
    for column in ("step", "loss", "learning_rate", "gradient_norm"):
        one, two = (pd.read_parquet(path / "log.parquet")[column] for path in (state, tmp_path))
        assert one.tolist() == two.tolist()


def test_it_starts_from_published_weights(
    trained: tuple[Baselines, Path], tmp_path: Path, smoke, store: TrajectoryStore, common: dict
) -> None:
    _, state = trained
    sha256 = json.loads((state / "config.json").read_text())["fit"]["sha256"]
    start = Weights(source=str(state), sha256=sha256)
    settings = settings_with(smoke, start=start, n_steps=1, prediction_length=8)
    registry.fit("chronos_sft", settings, store, store, state=tmp_path / "tuned", **common)
    first = pd.read_parquet(tmp_path / "tuned" / "log.parquet")["loss"].iloc[0]
    assert first < pd.read_parquet(state / "log.parquet")["loss"].iloc[1]
    wrong = settings_with(smoke, start=Weights(source=str(state), sha256="0" * 64), n_steps=1)
    with pytest.raises(PandaError, match=r"not the weights that are asked for \(its SHA-256"):
        registry.fit("chronos_sft", wrong, store, store, state=tmp_path / "wrong", **common)


@pytest.mark.parametrize("sampling", [{}, {"n_samples": 3, "top_k": 50}])
def test_windows_and_channels_do_not_depend_on_their_neighbours(
    trained: tuple[Baselines, Path], smoke, common: dict, sampling: dict, capfd: pytest.CaptureFixture[str]
) -> None:
    _, state = trained
    forecaster = Checked(
        registry.create("chronos_sft", settings_with(smoke, **sampling), state=state, **common)
    )
    t = np.arange(40)[None, :, None]
    context = np.sin(0.15 * t + np.arange(6).reshape(3, 1, 2))
    forecast = forecaster.forecast(context, 20)
    assert forecaster.n_failed == 0 and np.ptp(forecast, axis=1).min() > 0
    assert np.array_equal(forecaster.forecast(context[::-1], 20), forecast[::-1])
    assert np.array_equal(forecaster.forecast(context[:, 8:], 20), forecast)
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


def test_forecasts_move_with_units_and_constants_stay(trained: tuple[Baselines, Path], common: dict) -> None:
    settings, state = trained
    forecaster = registry.create("chronos_sft", settings, state=state, **common)
    wave = np.sin(np.arange(40) / 9.0)
    context = np.stack([wave, 8 + 64 * wave, np.full(40, -1e9)], axis=1)[None]
    forecast = forecaster.forecast(context, 20)[0]
    assert np.allclose(forecast[:, 1], 8 + 64 * forecast[:, 0]) and (forecast[:, 2] == -1e9).all()


def test_foreign_and_damaged_state_is_refused(
    trained: tuple[Baselines, Path], tmp_path: Path, smoke, common: dict
) -> None:
    settings, state = trained
    with pytest.raises(PandaError, match="another d_model"):
        registry.create("chronos_sft", settings_with(smoke, d_model=18), state=state, **common)
    damaged = tmp_path / "damaged"
    shutil.copytree(state, damaged)
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(PandaError, match="SHA-256"):
        registry.create("chronos_sft", settings, state=damaged, **common)
    (damaged / "config.json").write_text("{}")
    with pytest.raises(PandaError, match="says nothing of a training"):
        registry.create("chronos_sft", settings, state=damaged, **common)
