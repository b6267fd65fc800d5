"""The clustered bootstrap against plain resampling, and its coverage."""

from __future__ import annotations

import numpy as np
import pytest

from panda.evaluation.bootstrap import _weighted_mean, _weighted_median, clustered_interval, resample_counts


def test_resamples_equal_repeated_values() -> None:
    rng = np.random.default_rng(0)
    values, clusters = np.sort(rng.normal(size=23)), rng.integers(0, 7, size=23)
    counts = resample_counts(7, n_bootstrap=60, rng=rng)
    repeated = [np.repeat(values, row[clusters]) for row in counts]
    full = counts[:, clusters]
    assert np.allclose(_weighted_median(values, full), [np.median(r) for r in repeated])
    assert np.allclose(_weighted_mean(values, full), [np.mean(r) for r in repeated])


def test_missing_and_infinite_values() -> None:
    counts = resample_counts(4, n_bootstrap=200, rng=np.random.default_rng(0))
    values, clusters = np.array([1.0, np.nan, 3.0, np.inf]), np.arange(4)
    median = clustered_interval(values, clusters, counts, statistic="median", confidence=0.9)
    assert median.estimate == 3 and median.low == 1 and median.high == np.inf
    mean = clustered_interval(values, clusters, counts, statistic="mean", confidence=0.9)
    assert mean.estimate == np.inf and np.isfinite(mean.low) and mean.high == np.inf
    nothing = clustered_interval(np.full(4, np.nan), clusters, counts, statistic="mean", confidence=0.9)
    assert np.isnan(nothing).all()


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_coverage_needs_the_clusters(statistic: str) -> None:
    """Forty clusters of five nearly equal values: only the clustered intervals cover."""
    rng = np.random.default_rng(1)
    covered = np.zeros((200, 2), dtype=bool)
    clusters = np.repeat(np.arange(40), 5)
    for trial in range(len(covered)):
        values = np.repeat(rng.normal(size=40), 5) + 0.1 * rng.normal(size=200)
        for kind, groups in enumerate((clusters, np.arange(200))):
            counts = resample_counts(groups.max() + 1, n_bootstrap=200, rng=rng)
            interval = clustered_interval(values, groups, counts, statistic=statistic, confidence=0.9)
            covered[trial, kind] = interval.low <= 0 <= interval.high
    clustered, single = covered.mean(axis=0)
    assert 0.83 <= clustered <= 0.97
    assert single < 0.75
