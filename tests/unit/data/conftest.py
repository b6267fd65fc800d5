from __future__ import annotations

import numpy as np
import pytest

from panda.config import TrainData
from panda.data.store import Trajectory


def settings(**changes) -> TrainData:
    values = dict(
        n_channels=3,
        standardise_eps=1e-10,
        augmentation_probability=0.5,
        delay_max_lag=10,
        mixing_dimensions=(3, 8),
        dirichlet_alpha=1.0,
        affine_scale=1.0,
    )
    return TrainData(**{**values, **changes})


def trajectory(
    index: int, *, dimension: int = 3, n_points: int = 200, population: str = "skew"
) -> Trajectory:
    """Smooth noise with a mean and a spread of its own in every channel."""
    rng = np.random.default_rng(index)
    walk = np.cumsum(rng.standard_normal((dimension, n_points)), axis=1)
    scale = rng.uniform(0.1, 30, (dimension, 1))
    target = (walk * scale + rng.uniform(-100, 100, (dimension, 1))).astype(np.float32)
    response = "" if population == "founder" else "B"
    return Trajectory(
        f"A_B-pp{index}", "A_B", "A", response, population, index, 0, 2.5, 0.1, float("nan"), target
    )


@pytest.fixture
def make_trajectory():
    return trajectory


@pytest.fixture
def make_settings():
    return settings
