"""Intervals of medians and means that respect that systems of one founder pair are not independent."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

_CHUNK_CELLS = 4_000_000


class Interval(NamedTuple):
    """An estimate and the ends of its bootstrap interval."""

    estimate: float
    low: float
    high: float


def resample_counts(
    n_clusters: int, *, n_bootstrap: int, rng: np.random.Generator
) -> Int[np.ndarray, "n_bootstrap n_clusters"]:
    """How often each cluster is drawn in each resample: `n_clusters` draws with replacement."""
    return rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_bootstrap)


def clustered_interval(
    values: Float[np.ndarray, " n"],
    clusters: Int[np.ndarray, " n"],
    counts: Int[np.ndarray, "n_bootstrap n_clusters"],
    *,
    statistic: Literal["median", "mean"],
    confidence: float,
) -> Interval:
    """Percentile interval of the median or mean of `values`, whole clusters drawn with replacement.

    `clusters` gives the cluster (column of `counts`) of each value. NaN values are left out; infinite ones
    (failed forecasts) take part in the order. The interval's ends are values of resamples, never between two
    of them, so that an infinite one does not spoil it; resamples with no value left are dropped. All NaN
    where `values` are.
    """
    kept = ~np.isnan(values)
    values, clusters = values[kept], clusters[kept]
    if values.size == 0:
        return Interval(np.nan, np.nan, np.nan)
    order = np.argsort(values, kind="stable")
    values, clusters = values[order], clusters[order]
    weighted = _weighted_median if statistic == "median" else _weighted_mean
    chunk = max(1, _CHUNK_CELLS // values.size)
    drawn = np.concatenate(
        [weighted(values, counts[i : i + chunk][:, clusters]) for i in range(0, len(counts), chunk)]
    )
    drawn = drawn[~np.isnan(drawn)]
    estimate = float(np.median(values) if statistic == "median" else np.mean(values))
    if drawn.size == 0:
        return Interval(estimate, np.nan, np.nan)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = np.quantile(drawn, tails, method="inverted_cdf")
    return Interval(estimate, float(low), float(high))


def _weighted_median(
    ordered: Float[np.ndarray, " n"], weights: Int[np.ndarray, "n_bootstrap n"]
) -> Float[np.ndarray, " n_bootstrap"]:
    """The median of each resample: the mean of the lower and the upper middle value, as `numpy.median`."""
    reached = np.cumsum(weights, axis=1)
    total = reached[:, -1:]
    lower = ordered[(2 * reached >= total).argmax(axis=1)]
    upper = ordered[(2 * reached > total).argmax(axis=1)]
    # Equal values first: the mean of two infinities is fine, their difference is not.
    middle = np.where(lower == upper, lower, lower / 2 + upper / 2)
    return np.where(total[:, 0] > 0, middle, np.nan)


def _weighted_mean(
    ordered: Float[np.ndarray, " n"], weights: Int[np.ndarray, "n_bootstrap n"]
) -> Float[np.ndarray, " n_bootstrap"]:
    total = weights.sum(axis=1)
    # A weight of zero must take an infinite value out, and 0 * inf is NaN.
    infinite = np.isinf(ordered)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = weights @ np.where(infinite, 0.0, ordered) / total
    return np.where(weights[:, infinite].any(axis=1), np.inf, mean)
