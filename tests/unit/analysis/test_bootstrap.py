"""Multiplicities against the repeated sample; coverage; clusters; order and grouping do not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panda.analysis import bootstrap
from panda.core.errors import PandaError

USUAL = {"confidence": 0.9, "n_resamples": 400}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(0, 4)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_statistics_are_those_of_the_repeated_sample(pairs: list, random) -> None:
    values = np.array([value for value, _ in pairs])
    multiplicity = np.array([[random.randint(0, 3) for _ in pairs] for _ in range(5)])
    multiplicity[:, 0] += 1  # no empty sample
    repeated = [np.repeat(values, row) for row in multiplicity]
    np.testing.assert_allclose(
        bootstrap.resampled_median(values, multiplicity), [np.median(sample) for sample in repeated]
    )
    np.testing.assert_allclose(
        bootstrap.resampled_mean(values, multiplicity), [np.mean(sample) for sample in repeated], atol=1e-9
    )


def test_clusters_are_drawn_whole_and_all_as_often() -> None:
    clusters = bootstrap.cluster_index(["b", "a", "b", "c", "a", "b"])
    assert clusters.tolist() == [1, 0, 1, 2, 0, 1]
    drawn = bootstrap.resample(clusters, n_resamples=2000, generator=rng())
    assert (drawn[:, 0] == drawn[:, 2]).all() and (drawn[:, 1] == drawn[:, 4]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1.0, atol=0.06)


def coverage(n_members: int, spread_within: float, clustered: bool) -> float:
    """How often a 90% interval of the mean holds the true mean 0, cluster effects being N(0, 1)."""
    generator, n_clusters, hits = rng(1), 25, 0
    for _ in range(200):
        effect = np.repeat(generator.standard_normal(n_clusters), n_members)
        values = effect + spread_within * generator.standard_normal(effect.size)
        clusters = np.repeat(np.arange(n_clusters), n_members) if clustered else range(effect.size)
        mean = bootstrap.summarise(values, clusters, **USUAL, generator=generator).mean
        hits += mean.low <= 0.0 <= mean.high
    return hits / 200


def test_coverage_is_nominal_only_when_clusters_are_drawn_whole() -> None:
    assert 0.83 < coverage(n_members=8, spread_within=0.5, clustered=True) < 0.97
    assert coverage(n_members=8, spread_within=0.5, clustered=False) < 0.6


def test_median_interval_against_the_order_statistics() -> None:
    """For independent values the edges are near the order statistics of the binomial interval."""
    values = np.sort(rng(2).standard_normal(200))
    median = bootstrap.summarise(
        values, range(200), confidence=0.95, n_resamples=4000, generator=rng()
    ).median
    half = 1.96 * 0.5 * np.sqrt(200)
    assert values[int(100 - half) - 4] <= median.low <= values[int(100 - half) + 4]
    assert values[int(100 + half) - 4] <= median.high <= values[int(100 + half) + 4]


def test_missing_values_are_left_out_and_counted() -> None:
    with_gaps = bootstrap.summarise(np.array([1.0, np.nan, 3.0]), ["a", "b", "c"], **USUAL, generator=rng())
    without = bootstrap.summarise(np.array([1.0, 3.0]), ["a", "c"], **USUAL, generator=rng())
    assert (with_gaps.n, with_gaps.n_clusters, with_gaps.n_missing) == (2, 2, 1)
    assert with_gaps.median == without.median and with_gaps.mean.value == 2.0
    empty = bootstrap.summarise(np.array([np.nan]), ["a"], **USUAL, generator=rng())
    assert empty.n == 0 and np.isnan(empty.median.value) and np.isnan(empty.mean.low)


def test_a_diverged_forecast_makes_the_mean_infinite_not_nan() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, np.inf])
    summary = bootstrap.summarise(values, range(5), **USUAL, generator=rng())
    assert summary.median.value == 3.0 and summary.mean.value == np.inf
    assert np.isfinite(summary.mean.low) and summary.mean.high == np.inf
    assert np.isfinite(summary.median.low)


def table() -> pd.DataFrame:
    generator = rng(5)
    rows = [
        {"forecaster": name, "horizon": horizon, "pair": f"p{i // 3}", "smape": generator.exponential(h + 1)}
        for h, name in enumerate(("panda", "mean"))
        for horizon in (64, 128)
        for i in range(12)
    ]
    return pd.DataFrame(rows)


def tabulate(frame: pd.DataFrame, **changes) -> pd.DataFrame:
    arguments = {"by": ["forecaster", "horizon"], "value": "smape", "cluster": "pair", "root_seed": 3} | USUAL
    return bootstrap.summary_table(frame, **(arguments | changes))


def test_table_rows_depend_neither_on_row_order_nor_on_other_groups() -> None:
    frame = table()
    whole = tabulate(frame)
    assert whole.columns.tolist()[:5] == ["forecaster", "horizon", "median", "median_low", "median_high"]
    assert whole["n_systems"].tolist() == [12] * 4 and whole["n_clusters"].tolist() == [4] * 4
    shuffled = tabulate(frame.sample(frac=1.0, random_state=1))
    pd.testing.assert_frame_equal(whole, shuffled, check_exact=True)
    alone = tabulate(frame[frame["forecaster"] == "panda"])
    pd.testing.assert_frame_equal(
        whole[whole["forecaster"] == "panda"].reset_index(drop=True), alone, check_exact=True
    )
    assert not np.allclose(whole["median_low"], tabulate(frame, root_seed=4)["median_low"])


def test_blocks_change_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tabulate(table())
    monkeypatch.setattr(bootstrap, "_BLOCK_VALUES", 100)
    pd.testing.assert_frame_equal(whole, tabulate(table()), check_exact=True)


def test_what_a_user_can_get_wrong_is_said() -> None:
    with pytest.raises(PandaError, match="no column 'pair'"):
        tabulate(table().drop(columns="pair"))
    with pytest.raises(PandaError, match="confidence of 95"):
        tabulate(table(), confidence=95)
    with pytest.raises(PandaError, match="0 resamples"):
        tabulate(table(), n_resamples=0)
    with pytest.raises(PandaError, match="clusters"):
        bootstrap.summarise(np.ones(3), ["a"], **USUAL, generator=rng())
    assert tabulate(table().iloc[:0]).empty
