"""Multiplicities against the repeated sample; coverage; clusters; the order of rows does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panda.core import bootstrap
from panda.core.bootstrap import cluster_index, clustered_interval, resample_counts


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(0, 4)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_statistics_are_those_of_the_repeated_sample(pairs: list, random) -> None:
    values = np.sort([value for value, _ in pairs])
    multiplicity = np.array([[random.randint(0, 3) for _ in pairs] for _ in range(5)])
    multiplicity[:, 0] += 1  # no empty sample
    repeated = [np.repeat(values, row) for row in multiplicity]
    np.testing.assert_allclose(
        bootstrap.resampled_median(values, multiplicity), [np.median(sample) for sample in repeated]
    )
    np.testing.assert_allclose(
        bootstrap.resampled_mean(values, multiplicity), [np.mean(sample) for sample in repeated], atol=1e-9
    )


def test_every_cluster_is_drawn_as_often_and_all_draws_are_as_many() -> None:
    index = cluster_index(["b", "a", "b", "c", "a", "b"])
    assert index.tolist() == [1, 0, 1, 2, 0, 1]
    counts = resample_counts(3, n_resamples=2000, generator=rng())
    assert (counts.sum(axis=1) == 3).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.06)


def test_missing_and_infinite_values() -> None:
    counts = resample_counts(4, n_resamples=200, generator=rng())
    values, clusters = np.array([1.0, np.nan, 3.0, np.inf]), np.arange(4)
    median = clustered_interval(values, clusters, counts, statistic="median", confidence=0.9)
    assert median == (3, 1, np.inf)
    mean = clustered_interval(values, clusters, counts, statistic="mean", confidence=0.9)
    assert mean.estimate == np.inf and np.isfinite(mean.low) and mean.high == np.inf
    lowest = clustered_interval(-values, clusters, counts, statistic="mean", confidence=0.9)
    assert lowest.low == -np.inf and np.isfinite(lowest.high)
    nothing = clustered_interval(np.full(4, np.nan), clusters, counts, statistic="mean", confidence=0.9)
    assert np.isnan(nothing).all()


def test_the_order_of_rows_and_the_size_of_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values, clusters = rng(1).exponential(size=30), np.repeat(np.arange(10), 3)
    counts = resample_counts(10, n_resamples=300, generator=rng())
    order = rng(2).permutation(30)
    for statistic in ("median", "mean"):
        options = {"statistic": statistic, "confidence": 0.9}
        whole = clustered_interval(values, clusters, counts, **options)
        assert clustered_interval(values[order], clusters[order], counts, **options) == whole
        monkeypatch.setattr(bootstrap, "_BLOCK_VALUES", 100)
        assert clustered_interval(values, clusters, counts, **options) == whole
        monkeypatch.undo()


def test_median_interval_against_the_order_statistics() -> None:
    """For independent values the edges are near the order statistics of the binomial interval."""
    values = np.sort(rng(2).standard_normal(200))
    counts = resample_counts(200, n_resamples=4000, generator=rng())
    median = clustered_interval(values, np.arange(200), counts, statistic="median", confidence=0.95)
    half = 1.96 * 0.5 * np.sqrt(200)
    assert values[int(100 - half) - 4] <= median.low <= values[int(100 - half) + 4]
    assert values[int(100 + half) - 4] <= median.high <= values[int(100 + half) + 4]


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_coverage_needs_the_clusters(statistic: str) -> None:
    """Forty clusters of five nearly equal values: only the clustered intervals cover."""
    generator = rng(1)
    covered = np.zeros((200, 2), dtype=bool)
    clusters = np.repeat(np.arange(40), 5)
    for trial in range(len(covered)):
        values = np.repeat(generator.normal(size=40), 5) + 0.1 * generator.normal(size=200)
        for kind, groups in enumerate((clusters, np.arange(200))):
            counts = resample_counts(groups.max() + 1, n_resamples=200, generator=generator)
            interval = clustered_interval(values, groups, counts, statistic=statistic, confidence=0.9)
            covered[trial, kind] = interval.low <= 0 <= interval.high
    clustered, single = covered.mean(axis=0)
    assert 0.83 <= clustered <= 0.97
    assert single < 0.75
