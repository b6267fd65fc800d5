"""N-BEATS: one tiny training, its state, and its silence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from baselines import registry
from panda.config import Baselines
from panda.core.errors import PandaError
from panda.data.store import Trajectory, TrajectoryStore, write_trajectories
from panda.evaluation.forecaster import Checked

pytest.importorskip("darts")
COMMON = {"seed": 3, "standardise_eps": 1e-10, "threads": 1}


def sines(path: Path, seed: int) -> TrajectoryStore:
    rng = np.random.default_rng(seed)
    t = np.arange(300)
    names = ("Lorenz", "Rossler", "Chua")
    write_trajectories(
        path,
        (
            Trajectory(
                system=f"{name}-pp0",
                name=name,
                driver=name,
                response="",
                population="founder",
                perturbation=0,
                initial_condition=0,
                period=1.0,
                dt=0.01,
                largest_exponent=1.0,
                target=np.sin(0.15 * t + rng.uniform(0, 6, size=(2, 1))),
            )
            for name in names
        ),
    )
    return TrajectoryStore.open(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, smoke) -> tuple[Baselines, Path, dict]:
    folder = tmp_path_factory.mktemp("darts")
    tiny = smoke.baselines.darts_nbeats.model_copy(
        update={
            "input_length": 32,
            "output_length": 16,
            "layer_width": 16,
            "n_stacks": 2,
            "max_epochs": 6,
            "patience": 2,
            "batches_per_epoch": 8,
            "batch_size": 16,
        }
    )
    settings = smoke.baselines.model_copy(update={"seed_windows": 64, "darts_nbeats": tiny})
    stores = sines(folder / "train.arrow", 0), sines(folder / "validation.arrow", 1)
    record = registry.fit("darts_nbeats", settings, *stores, state=folder / "state", **COMMON)
    again = registry.fit("darts_nbeats", settings, *stores, state=folder / "again", **COMMON)
    assert record == again
    assert (folder / "state" / "model.safetensors").read_bytes() == (
        folder / "again" / "model.safetensors"
    ).read_bytes()
    return settings, folder / "state", record


def test_training_lowers_the_validation_loss(trained: tuple[Baselines, Path, dict]) -> None:
    _, state, record = trained
    losses = record["validation_loss"]
    assert min(losses) < losses[0] and losses[record["best_epoch"] - 1] == min(losses)
    assert record["n_series"] == [128, 128]
    assert sorted(p.name for p in state.iterdir()) == ["config.json", "model.safetensors"]
    assert not Path("lightning_logs").exists() and not Path("darts_logs").exists()


def test_forecasts_move_with_units_and_channels(
    trained: tuple[Baselines, Path, dict], capfd: pytest.CaptureFixture[str]
) -> None:
    settings, state, _ = trained
    forecaster = Checked(registry.create("darts_nbeats", settings, state=state, **COMMON))
    t = np.arange(100)[None, :, None]
    context = np.sin(0.15 * t + np.arange(12).reshape(4, 1, 3))
    forecast = forecaster.forecast(context, 40)
    assert forecaster.n_failed == 0
    assert np.allclose(forecaster.forecast(5 + 100 * context, 40), 5 + 100 * forecast, atol=1e-3)
    assert np.allclose(
        forecaster.forecast(context[:, :, [1, 2, 0]], 40), forecast[:, :, [1, 2, 0]], atol=1e-5
    )
    assert np.allclose(forecaster.forecast(context[:, 68:], 40), forecast, atol=1e-5)
    assert np.allclose(forecaster.forecast(context, 16), forecast[:, :16], atol=1e-5)
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""
    with pytest.raises(PandaError, match="input_length"):
        forecaster.forecast(context[:, :20], 10)


@pytest.mark.parametrize("value", [7.0, 0.0, 1e-6, -1e9])
def test_a_constant_channel_stays_constant(trained: tuple[Baselines, Path, dict], value: float) -> None:
    settings, state, _ = trained
    forecaster = registry.create("darts_nbeats", settings, state=state, **COMMON)
    wave = np.sin(np.arange(100) / 9.0)
    # Constant in the points that the model sees, whatever came before.
    late = np.where(np.arange(100) < 50, wave, value)
    context = np.stack([wave, np.full(100, value), late], axis=1)[None]
    forecast = forecaster.forecast(context, 40)[0]
    assert (forecast[:, 1:] == value).all() and np.ptp(forecast[:, 0]) > 0
    with pytest.raises(PandaError, match="darts_nbeats: the context must be finite"):
        forecaster.forecast(np.full((1, 100, 1), np.nan), 4)


def test_foreign_and_damaged_state_is_refused(trained: tuple[Baselines, Path, dict], tmp_path: Path) -> None:
    settings, state, _ = trained
    wider = settings.darts_nbeats.model_copy(update={"layer_width": 17})
    with pytest.raises(PandaError, match="another layer_width"):
        registry.create(
            "darts_nbeats", settings.model_copy(update={"darts_nbeats": wider}), state=state, **COMMON
        )
    damaged = tmp_path / "damaged"
    shutil.copytree(state, damaged)
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(PandaError, match="SHA-256"):
        registry.create("darts_nbeats", settings, state=damaged, **COMMON)
    (damaged / "config.json").write_text(json.dumps({}))
    with pytest.raises(PandaError, match="another input_length"):
        registry.create("darts_nbeats", settings, state=damaged, **COMMON)
    with pytest.raises(PandaError, match="no such file"):
        registry.create("darts_nbeats", settings, state=tmp_path / "nowhere", **COMMON)
