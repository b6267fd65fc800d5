"""Percentile bootstrap intervals that respect that systems of one founder pair are not independent.

The unit drawn with replacement is the cluster (the founder pair), and all its members come with it. A resample
is held as multiplicities, how often each cluster is drawn, so that several statistics can share one draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

# Values held at a time in one block of resamples: a matter of memory, not of results.
_BLOCK_VALUES = 4_000_000


class Interval(NamedTuple):
    """An estimate and the ends of its bootstrap interval."""

    estimate: float
    low: float
    high: float


def cluster_index(clusters: Sequence[object] | np.ndarray) -> Int[np.ndarray, " n"]:
    """Number the clusters 0, 1, ... by their names in sorted order, whatever the order of the rows."""
    names = np.asarray([str(name) for name in clusters])
    return np.unique(names, return_inverse=True)[1].reshape(-1)


def resample_counts(
    n_clusters: int, *, n_resamples: int, generator: np.random.Generator
) -> Int[np.ndarray, "n_resamples n_clusters"]:
    """How often each cluster is drawn in each resample: `n_clusters` draws with replacement."""
    return generator.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_resamples)


def percentile_interval(
    resampled: Float[np.ndarray, " n_resamples"], *, confidence: float
) -> tuple[float, float]:
    """The (1 - confidence) / 2 and (1 + confidence) / 2 quantiles; values of resamples, never interpolated.

    Without interpolation an infinite resample (a forecast that blew up) cannot turn a quantile into NaN.
    """
    low, high = np.quantile(resampled, ((1 - confidence) / 2, (1 + confidence) / 2), method="inverted_cdf")
    return float(low), float(high)


def clustered_interval(
    values: Float[np.ndarray, " n"],
    clusters: Int[np.ndarray, " n"],
    counts: Int[np.ndarray, "n_resamples n_clusters"],
    *,
    statistic: Literal["median", "mean"],
    confidence: float,
) -> Interval:
    """Percentile interval of the median or mean of `values`, whole clusters drawn with replacement.

    `clusters` gives the cluster (column of `counts`, see `resample_counts`) of each value. NaN values are left
    out; infinite ones (failed forecasts) take part in the order. Resamples with no value left are dropped. All
    NaN where `values` are.
    """
    kept = ~np.isnan(values)
    values, clusters = values[kept], clusters[kept]
    if values.size == 0:
        return Interval(np.nan, np.nan, np.nan)
    # Floating-point sums depend on their order: sorted, the order of the rows does not matter.
    order = np.argsort(values, kind="stable")
    values, clusters = values[order], clusters[order]
    resampled = resampled_median if statistic == "median" else resampled_mean
    block = max(1, _BLOCK_VALUES // values.size)
    drawn = np.concatenate(
        [resampled(values, counts[i : i + block][:, clusters]) for i in range(0, len(counts), block)]
    )
    drawn = drawn[~np.isnan(drawn)]
    estimate = float(np.median(values) if statistic == "median" else np.mean(values))
    if drawn.size == 0:
        return Interval(estimate, np.nan, np.nan)
    return Interval(estimate, *percentile_interval(drawn, confidence=confidence))


def resampled_median(
    ordered: Float[np.ndarray, " n"], multiplicity: Int[np.ndarray, "n_resamples n"]
) -> Float[np.ndarray, " n_resamples"]:
    """The median of each resample of rising values: the mean of its two middle values; NaN if it is empty."""
    reached = np.cumsum(multiplicity, axis=1)
    total = reached[:, -1:]
    lower = ordered[(2 * reached >= total).argmax(axis=1)]
    upper = ordered[(2 * reached > total).argmax(axis=1)]
    # Equal values first: the mean of two infinities is fine, their difference is not.
    middle = np.where(lower == upper, lower, lower / 2 + upper / 2)
    return np.where(total[:, 0] > 0, middle, np.nan)


def resampled_mean(
    values: Float[np.ndarray, " n"], multiplicity: Int[np.ndarray, "n_resamples n"]
) -> Float[np.ndarray, " n_resamples"]:
    """The mean of each resample, sum_i m_i x_i / sum_i m_i; infinite where an infinite value was drawn."""
    # A multiplicity of zero must take an infinite value out, and 0 * inf is NaN.
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = multiplicity @ np.where(finite, values, 0.0) / multiplicity.sum(axis=1)
    for infinity in (np.inf, -np.inf):
        mean[multiplicity[:, values == infinity].any(axis=1)] += infinity
    return mean
