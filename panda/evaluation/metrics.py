"""Pointwise errors, rank correlation and valid prediction time of forecasts, over nested horizons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from panda.core.errors import PandaError

SMAPE_MAX = 200.0


class ValidTime(NamedTuple):
    """Steps until the error passes the threshold; `censored` where it has not done so by the end of the horizon."""

    n_steps: Int[np.ndarray, "batch n_horizons"]
    censored: Bool[np.ndarray, "batch n_horizons"]


def nested_means(
    values: Float[np.ndarray, "batch time channel"], horizons: Sequence[int]
) -> Float[np.ndarray, "batch n_horizons"]:
    """Mean over channels and over the first h steps, for each horizon h, from one cumulative sum.

    Raises:
        PandaError: a horizon is below 1 or beyond the last step.
    """
    ends = _ends(values.shape[1], horizons)
    return np.cumsum(values.mean(axis=2), axis=1)[:, ends] / (ends + 1)


def smape(
    forecast: Float[np.ndarray, "batch time channel"],
    truth: Float[np.ndarray, "batch time channel"],
    horizons: Sequence[int],
    *,
    eps: float,
) -> Float[np.ndarray, "batch n_horizons"]:
    """`200 * mean(|x - y| / (|x| + |y| + eps))`, from 0 to 200. (The reference prints half of it, 0 to 100.)

    A horizon with a point that is no number scores 200, the worst there is.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.abs(forecast - truth) / (np.abs(forecast) + np.abs(truth) + eps)
    means = SMAPE_MAX * nested_means(ratio, horizons)
    return np.where(np.isnan(means), SMAPE_MAX, means)


def mse(
    forecast: Float[np.ndarray, "batch time channel"],
    truth: Float[np.ndarray, "batch time channel"],
    horizons: Sequence[int],
) -> Float[np.ndarray, "batch n_horizons"]:
    """`mean((x - y)^2)`; infinite where a point is no number."""
    with np.errstate(over="ignore"):
        means = nested_means(np.square(forecast - truth), horizons)
    return np.where(np.isnan(means), np.inf, means)


def mae(
    forecast: Float[np.ndarray, "batch time channel"],
    truth: Float[np.ndarray, "batch time channel"],
    horizons: Sequence[int],
) -> Float[np.ndarray, "batch n_horizons"]:
    """`mean(|x - y|)`; infinite where a point is no number."""
    means = nested_means(np.abs(forecast - truth), horizons)
    return np.where(np.isnan(means), np.inf, means)


def spearman(
    forecast: Float[np.ndarray, "batch time channel"],
    truth: Float[np.ndarray, "batch time channel"],
    horizons: Sequence[int],
) -> Float[np.ndarray, "batch n_horizons"]:
    """Spearman's rho of each channel (Pearson's of average ranks, ties included), averaged over channels.

    A channel that is constant in the forecast or in the truth has none and is left out; NaN where no channel is
    left, or where a point is not a number.
    """
    columns = []
    for end in _ends(truth.shape[1], horizons) + 1:
        x, y = (rankdata(a[:, :end], axis=1) - (end + 1) / 2 for a in (forecast, truth))
        power = np.sqrt(np.square(x).sum(axis=1) * np.square(y).sum(axis=1))
        rho = np.full(power.shape, np.nan)
        np.divide((x * y).sum(axis=1), power, out=rho, where=power > 0)
        defined = ~np.isnan(rho)
        n = defined.sum(axis=1)
        mean = np.full(len(rho), np.nan)
        np.divide(np.where(defined, rho, 0.0).sum(axis=1), n, out=mean, where=n > 0)
        mean[~np.isfinite(forecast[:, :end]).all(axis=(1, 2))] = np.nan
        columns.append(mean)
    return np.stack(columns, axis=1)


def valid_time(
    forecast: Float[np.ndarray, "batch time channel"],
    truth: Float[np.ndarray, "batch time channel"],
    horizons: Sequence[int],
    *,
    threshold: float,
) -> ValidTime:
    """The first step k (from 1) at which `sum_c (x_c - y_c)^2 / sum_c var_c` passes `threshold`.

    Arrays are in units of the context's standard deviation, so that each channel's variance is 1 and the
    summed variance is the number of channels. A horizon h caps the time at h steps; `censored` says that it
    did. A point that is no number ends the time. Definition (a) of the fair-evaluation page, with threshold
    0.4 there; times the sampling step and the largest exponent it is in Lyapunov times.
    """
    with np.errstate(over="ignore"):
        error = np.square(forecast - truth).mean(axis=2)
    passed = ~(error <= threshold)
    n_times = truth.shape[1]
    first = np.where(passed.any(axis=1), passed.argmax(axis=1) + 1, n_times + 1)[:, None]
    caps = (_ends(n_times, horizons) + 1)[None, :]
    return ValidTime(np.minimum(first, caps), first > caps)


def _ends(n_times: int, horizons: Sequence[int]) -> Int[np.ndarray, " n_horizons"]:
    ends = np.asarray(horizons, dtype=np.int64) - 1
    if ends.size == 0 or ends.min() < 0 or ends.max() >= n_times:
        raise PandaError(f"horizons {list(horizons)} do not lie between 1 and the {n_times} steps forecast")
    return ends
