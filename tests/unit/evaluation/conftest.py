"""A small store of trajectories and settings to evaluate on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panda.config import Evaluate
from panda.data.store import Trajectory, TrajectoryStore, write_trajectories

N_POINTS = 400


def trajectory(name: str, perturbation: int, dimension: int, population: str, offset: float) -> Trajectory:
    """Incommensurate sines: smooth, bounded, different in every system."""
    t = np.arange(N_POINTS)[None, :] * 0.1
    frequency = 1.0 + 0.31 * np.arange(dimension)[:, None] + 0.07 * offset
    target = (
        np.sin(frequency * t + offset) + 0.4 * np.sin(1.7 * frequency * t) + np.arange(dimension)[:, None]
    )
    driver, _, response = name.partition("_")
    return Trajectory(
        system=f"{name}-pp{perturbation}",
        name=name,
        driver=driver,
        response=response,
        population=population,
        perturbation=perturbation,
        initial_condition=0,
        period=6.28,
        dt=0.1,
        largest_exponent=0.5,
        target=target,
    )


def rows() -> list[Trajectory]:
    """Two founders with three parameter sets each, four pairs with three, in three and five dimensions."""
    founders = [
        trajectory(n, p, 3, "founder", i + 0.1 * p)
        for i, n in enumerate(("Lorenz", "Rossler"))
        for p in range(3)
    ]
    pairs = [
        trajectory(n, p, 5 if n == "C_D" else 3, "skew", 3 + i + 0.1 * p)
        for i, n in enumerate(("A_B", "B_A", "C_D", "D_C"))
        for p in range(3)
    ]
    return founders + pairs


@pytest.fixture
def store(tmp_path: Path) -> TrajectoryStore:
    """The trajectories of `rows`, in order."""
    write_trajectories(tmp_path / "0.arrow", rows())
    return TrajectoryStore.open(tmp_path / "0.arrow")


@pytest.fixture
def reversed_store(tmp_path: Path) -> TrajectoryStore:
    """The same trajectories, last first, in two files."""
    shuffled = rows()[::-1]
    write_trajectories(tmp_path / "1.arrow", shuffled[:5])
    write_trajectories(tmp_path / "2.arrow", shuffled[5:])
    return TrajectoryStore.open([tmp_path / "1.arrow", tmp_path / "2.arrow"])


@pytest.fixture
def settings() -> Evaluate:
    """Contexts of 128 points, horizons up to 96."""
    return Evaluate(
        datasets={},
        keep_forecasts=True,
        precision="float64",
        together=False,
        forecasters=("persistence",),
        reference=None,
        tested_horizons=(),
        completion_model=None,
        n_windows=2,
        max_trajectories=None,
        start=None,
        context_length=128,
        contexts="standardised",
        horizons=(32, 64, 96),
        standardise_eps=1e-10,
        smape_eps=1e-10,
        valid_time_threshold=0.4,
        batch_size=5,
        fast_samples=10,
        n_bootstrap=100,
        confidence=0.95,
        n_examples=4,
        n_completions=2,
        n_mask_draws=2,
    )
