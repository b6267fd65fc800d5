"""A training so small that tests can afford many, also in a process to be killed."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from panda.config import ModelShape, Recipe, TrainData
from panda.data.store import Trajectory, TrajectoryStore, write_trajectories
from panda.data.windows import TrainingWindows
from panda.training.hardware import Machine
from panda.training.loop import Saving, train, window_length

N_STEPS = 20


def shape(head: str = "forecast", **changes) -> ModelShape:
    values = dict(
        context_length=64, prediction_length=16, patch_length=8, n_layers=1, d_model=16, n_heads=2,
        ffn_dim=16, channel_attention=True, channel_rope=False, max_wavelength=500.0, rope_fraction=0.75,
        norm_eps=1e-5, scale_eps=1e-5, init_std=0.02, poly_degrees=(2, 3), n_poly_features=2,
        n_fourier_features=4, fourier_scale=1.0, mask_ratio=0.5, head=head, pooling="flatten",
        embedding="dynamics" if head == "forecast" else "linear", residual_on_last=True,
    )  # fmt: skip
    return ModelShape(**{**values, **changes})


def recipe(**changes) -> Recipe:
    values = dict(
        pooling="flatten", residual_on_last=True, loss="mae", loss_space="normalised", smape_weight=0.0,
        step_power=0.0, n_passes=1, average_decay=0.0, optimiser="muon", learning_rate=1.5e-3, muon_learning_rate=3e-3,
        weight_decay=0.0, betas=(0.9, 0.999), eps=1e-8,
        warmup_fraction=0.1, max_grad_norm=1.0,
    )  # fmt: skip
    return Recipe(**{**values, **changes})


def write_store(path: Path) -> Path:
    rng = np.random.default_rng(0)
    time = np.arange(400) * 0.1
    rows = []
    for i in range(6):
        waves = np.sin(time * rng.uniform(0.5, 2, (4, 1)) + rng.uniform(0, 6, (4, 1)))
        target = waves + 0.05 * rng.standard_normal(waves.shape)
        population = "founder" if i < 3 else "skew"
        rows.append(Trajectory(f"S{i}-pp0", f"S{i}", f"S{i}", "", population, 0, 0, 6.3, 0.1, 0.1, target))
    write_trajectories(path, rows)
    return path


def make_windows(
    store_path: Path, model_shape: ModelShape, *, batch_size: int = 4, of: Recipe | None = None
) -> TrainingWindows:
    settings = TrainData(
        n_channels=3, standardise_eps=1e-10, augmentation_probability=0.5, delay_max_lag=3,
        mixing_dimensions=(3, 8), dirichlet_alpha=1.0, affine_scale=1.0,
    )  # fmt: skip
    return TrainingWindows(
        TrajectoryStore.open(store_path), settings, window_length=window_length(model_shape, of or recipe()),
        batch_size=batch_size, founder_probability=0.5, seed=3,
    )  # fmt: skip


def run(store_path: Path, state_folder: Path, **changes):
    """A model and its log."""
    return run_whole(store_path, state_folder, **changes)[:2]


def run_whole(store_path: Path, state_folder: Path, *, head: str = "forecast", model_shape=None, **changes):
    model_shape = model_shape or shape(head)
    machine = dict(device="cpu", threads=1, precision="auto", compile=False, peak_tflops=None, loaders=0)
    saving = dict(
        folder=state_folder, fingerprint="f", checkpoint_every=4, log_every=6, n_snapshots=0, tensorboard=None
    )
    arguments = dict(encoder=None, n_steps=N_STEPS, seed=7, recipe=recipe())
    for bundle in (machine, saving):
        bundle |= {name: changes.pop(name) for name in bundle.keys() & changes.keys()}
    made = {"windows": make_windows(store_path, model_shape, of=changes.get("recipe"))}
    arguments |= made | changes
    return train(model_shape, machine=Machine(**machine), saving=Saving(**saving), **arguments)


class Ask:
    """A progress that tells every step and waits for an answer: the test decides how far it goes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def start_at(self, done: int) -> None:
        self.connection.send(done)

    def advance(self, n: int = 1, **notes) -> None:
        self.connection.send("step")
        self.connection.recv()


def run_and_ask(
    connection: Connection, store_path: Path, state_folder: Path, head: str, changes: dict
) -> None:
    """As `run`, in a process that waits at every step."""
    run(store_path, state_folder, head=head, progress=Ask(connection), **changes)
