"""From trajectory files to the summary: how the trajectories are spread over files means nothing."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.registry import create
from panda.config import Config
from panda.data.store import Trajectory, TrajectoryStore, write_trajectories
from panda.evaluation.forecasts import forecast_windows
from panda.evaluation.score import example_forecasts, score
from panda.evaluation.summary import summarise
from panda.evaluation.windows import draw_windows

SEED = 7
NAMES = [("Lorenz", ""), ("Rossler", ""), ("Lorenz", "Rossler"), ("Rossler", "Lorenz"), ("Chua", "Lorenz")]


def trajectories() -> list[Trajectory]:
    """Two parameter sets of each name, walks of three or four coordinates."""
    rows = []
    for i, (driver, response) in enumerate(NAMES):
        name = f"{driver}_{response}" if response else driver
        for p in range(2):
            walk = np.cumsum(np.random.default_rng([i, p]).standard_normal((3 + (i == 3), 260)), axis=1)
            population = "skew" if response else "founder"
            rows.append(
                Trajectory(f"{name}-pp{p}", name, driver, response, population, p, 0, 6.0, 0.1, 0.5, walk)
            )
    return rows


def evaluated(files: list[list[Trajectory]], config: Config) -> tuple[pd.DataFrame, np.ndarray]:
    """The summary of one forecaster and its examples, from trajectories in these files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.arrow" for i in range(len(files))]
        for path, rows in zip(paths, files, strict=True):
            write_trajectories(path, rows)
        windows = draw_windows(TrajectoryStore.open(paths), config.evaluate, seed=SEED)
        forecaster = create(
            "linear_ar", config.baselines, state=None, seed=SEED, standardise_eps=1e-10, threads=1
        )
        made = forecast_windows(forecaster, windows, config.evaluate)
        scores = score(made, windows, config.evaluate)
        examples = example_forecasts([made], windows, config.evaluate, seed=SEED)
    held_out = config.discover.founders.test_names
    return summarise(scores, config.evaluate, held_out=held_out, seed=SEED), examples["forecast"]


@settings(max_examples=8, deadline=None)
@given(st.permutations(trajectories()), st.lists(st.integers(0, len(NAMES) * 2), max_size=3))
def test_files_and_their_order_change_no_bit(smoke, rows: list[Trajectory], cuts: list[int]):
    small = {"context_length": 128, "horizons": (32, 64), "max_trajectories": 8, "n_bootstrap": 50}
    config = smoke.model_copy(update={"evaluate": smoke.evaluate.model_copy(update=small)})
    edges = [0, *sorted(cuts), len(rows)]
    # Empty files among them: a shard may have selected nothing.
    files = [rows[a:b] for a, b in pairwise(edges)]
    summary, examples = evaluated(files, config)
    expected_summary, expected_examples = evaluated([trajectories()], config)
    pd.testing.assert_frame_equal(summary, expected_summary, check_exact=True)
    assert np.array_equal(examples, expected_examples, equal_nan=True)
