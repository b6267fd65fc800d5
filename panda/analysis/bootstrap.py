"""Medians and means over systems with percentile bootstrap intervals that resample whole clusters.

Perturbations of one founder pair are not independent, so the unit drawn with replacement is the cluster (the
founder pair) and all its members come with it. A resample is held as multiplicities: how often each value
counts. Statistics of a resample are those of the repeated sample, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from panda.core.errors import PandaError
from panda.core.seeds import generator as seeded_generator

# Values held at a time in one block of resamples: a matter of memory, not of results.
_BLOCK_VALUES = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A statistic of a sample and its percentile bootstrap interval; NaN where nothing was measured."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """Median and mean of one sample; `n_missing` values were NaN and left out."""

    median: Interval
    mean: Interval
    n: int
    n_clusters: int
    n_missing: int


def cluster_index(clusters: Sequence[object] | np.ndarray) -> Int[np.ndarray, " n"]:
    """Number the clusters 0, 1, ... by their names in sorted order, whatever the order of the rows."""
    names = np.asarray([str(name) for name in clusters])
    return np.unique(names, return_inverse=True)[1].reshape(-1)


def resample(
    clusters: Int[np.ndarray, " n"], *, n_resamples: int, generator: np.random.Generator
) -> Int[np.ndarray, "n_resamples n"]:
    """Multiplicity of each value in each of `n_resamples` draws of all clusters with replacement.

    Args:
        clusters: the number of each value's cluster, 0 to n_clusters - 1 (see `cluster_index`).
    """
    n_clusters = int(clusters.max()) + 1
    counts = generator.multinomial(n_clusters, np.full(n_clusters, 1.0 / n_clusters), size=n_resamples)
    return counts[:, clusters]


def resampled_mean(
    values: Float[np.ndarray, " n"], multiplicity: Int[np.ndarray, "n_resamples n"]
) -> Float[np.ndarray, " n_resamples"]:
    """Mean of each resample, sum_i m_i x_i / sum_i m_i; infinite where an infinite value was drawn."""
    finite = np.isfinite(values)
    mean = multiplicity @ np.where(finite, values, 0.0) / multiplicity.sum(axis=1)
    for sign in (1.0, -1.0):
        mean[multiplicity[:, values == sign * np.inf].any(axis=1)] += sign * np.inf
    return mean


def resampled_median(
    values: Float[np.ndarray, " n"], multiplicity: Int[np.ndarray, "n_resamples n"]
) -> Float[np.ndarray, " n_resamples"]:
    """Median of each resample: the mean of the two middle values of the repeated, sorted sample."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(multiplicity[:, order], axis=1)
    total = cumulative[:, -1:]
    lower = (cumulative <= (total - 1) // 2).sum(axis=1)
    upper = (cumulative <= total // 2).sum(axis=1)
    return 0.5 * (values[order[lower]] + values[order[upper]])


def percentile_interval(
    resampled: Float[np.ndarray, " n_resamples"], *, confidence: float
) -> tuple[float, float]:
    """The (1 - confidence) / 2 and (1 + confidence) / 2 quantiles; values of the sample, never interpolated.

    Without interpolation an infinite resample (a forecast that blew up) cannot turn a quantile into NaN.
    """
    edges = (0.5 * (1.0 - confidence), 0.5 * (1.0 + confidence))
    low, high = np.quantile(resampled, edges, method="inverted_cdf")
    return float(low), float(high)


def summarise(
    values: Float[np.ndarray, " n"],
    clusters: Sequence[object] | np.ndarray,
    *,
    confidence: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> Summary:
    """Median and mean of `values` with clustered percentile bootstrap intervals.

    Args:
        values: one value a system; NaN means not measured and is left out (and counted).
        clusters: the cluster (founder pair) of each value; `range(n)` when the values are independent.

    Raises:
        PandaError: the two lengths differ, or a number is out of range.
    """
    _check(confidence, n_resamples)
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(clusters) != values.size:
        raise PandaError(f"bootstrap: {values.shape} values for {len(clusters)} clusters; give each its own")
    kept = ~np.isnan(values)
    n_missing = int((~kept).sum())
    nothing = Interval(np.nan, np.nan, np.nan)
    if not kept.any():
        return Summary(nothing, nothing, 0, 0, n_missing)
    index = cluster_index(np.asarray(clusters, dtype=object)[kept])
    values = values[kept]
    # Floating-point sums depend on their order: sort, so that the order of the rows does not matter.
    order = np.lexsort((values, index))
    values, index = values[order], index[order]
    medians, means = [], []
    for n_block in _blocks(n_resamples, values.size):
        multiplicity = resample(index, n_resamples=n_block, generator=generator)
        medians.append(resampled_median(values, multiplicity))
        means.append(resampled_mean(values, multiplicity))
    return Summary(
        Interval(
            float(np.median(values)), *percentile_interval(np.concatenate(medians), confidence=confidence)
        ),
        Interval(float(np.mean(values)), *percentile_interval(np.concatenate(means), confidence=confidence)),
        int(values.size),
        int(index[-1]) + 1,
        n_missing,
    )


def summary_table(
    frame: pd.DataFrame,
    *,
    by: Sequence[str],
    value: str,
    cluster: str,
    confidence: float,
    n_resamples: int,
    root_seed: int,
) -> pd.DataFrame:
    """`summarise` for each group of a long table.

    Args:
        frame: one row a system and group, e.g. columns forecaster, population, horizon, metric, pair, value.
        by: the columns that make a group, e.g. forecaster, population, horizon, metric.
        value: the column of values.
        cluster: the column of clusters (founder pairs).

    Returns:
        One row a group, sorted: the columns of `by`, then median, median_low, median_high, mean, mean_low,
        mean_high, n_systems, n_clusters, n_missing. Each group has its own random stream, named by its key:
        its row does not depend on which other groups there are.

    Raises:
        PandaError: a column is missing, or a number is out of range.
    """
    missing = [name for name in (*by, value, cluster) if name not in frame.columns]
    if missing:
        raise PandaError(
            f"bootstrap: the table has no column {missing[0]!r}; it has {', '.join(frame.columns)}"
        )
    rows = []
    for key, group in frame.groupby(list(by), sort=True, observed=True):
        stream = seeded_generator(root_seed, "bootstrap", *(str(part) for part in key))
        summary = summarise(
            group[value].to_numpy(dtype=np.float64),
            group[cluster].to_numpy(),
            confidence=confidence,
            n_resamples=n_resamples,
            generator=stream,
        )
        rows.append(dict(zip(by, key, strict=True)) | _row(summary))
    return pd.DataFrame(rows, columns=[*by, *_COLUMNS])


_COLUMNS = (
    *("median", "median_low", "median_high", "mean", "mean_low", "mean_high"),
    *("n_systems", "n_clusters", "n_missing"),
)


def _row(summary: Summary) -> dict[str, float | int]:
    median, mean = summary.median, summary.mean
    numbers = (median.value, median.low, median.high, mean.value, mean.low, mean.high)
    return dict(zip(_COLUMNS, (*numbers, summary.n, summary.n_clusters, summary.n_missing), strict=True))


def _blocks(n_resamples: int, n_values: int) -> Iterator[int]:
    block = max(1, _BLOCK_VALUES // n_values)
    for start in range(0, n_resamples, block):
        yield min(block, n_resamples - start)


def _check(confidence: float, n_resamples: int) -> None:
    if not 0.0 < confidence < 1.0:
        raise PandaError(f"bootstrap: a confidence of {confidence} is not between 0 and 1; 0.95 is usual")
    if n_resamples < 1:
        raise PandaError(f"bootstrap: {n_resamples} resamples; at least 1 is needed, 1000 or more are usual")
