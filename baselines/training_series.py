"""Pieces of single channels that channel-independent baselines learn from."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from panda.core import seeds
from panda.core.errors import PandaError
from panda.data.store import TrajectoryStore
from panda.evaluation.standardise import context_scale


def draw_series(
    store: TrajectoryStore,
    *,
    n_windows: int,
    input_length: int,
    output_length: int,
    standardise_eps: float,
    seed: int,
    stage: str,
) -> Float[np.ndarray, "n time"]:
    """All channels of `n_windows` windows, each a series of `input_length + output_length` points, float32.

    Trajectory and start are uniform, from a stream of (seed, stage, window). Each series is in units of the
    mean and standard deviation of its first `input_length` points, as at forecast time.

    Raises:
        PandaError: there is no trajectory, or none is long enough.
    """
    length = input_length + output_length
    long_enough = np.flatnonzero(store.table["n_points"].to_numpy() >= length)
    if long_enough.size == 0:
        raise PandaError(
            f"no trajectory has the {length} points of input and output (of {len(store)}); integrate first, "
            "or shorten the baseline's lengths"
        )
    parts = []
    for window in range(n_windows):
        rng = seeds.generator(seed, stage, window)
        series = store.series(int(rng.choice(long_enough)))
        start = int(rng.integers(0, series.shape[1] - length + 1))
        parts.append(series[:, start : start + length])
    pieces = np.concatenate(parts).astype(np.float64)[:, :, None]
    scaled = context_scale(pieces[:, :input_length], eps=standardise_eps).apply(pieces)
    return scaled[:, :, 0].astype(np.float32)
