"""Nested subsets: each holds the next, all with about the same number of trajectories."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from panda.discovery.subsets import in_subset, initial_conditions, nested_ranks, subset_size


@given(st.integers(1, 3000), st.integers(1, 8))
def test_subsets_are_nested_and_of_constant_size(n_systems: int, n_splits: int):
    counts = {rank: initial_conditions(n_systems, rank, n_splits) for rank in range(n_systems)}
    before: set[int] | None = None
    for split in range(n_splits):
        mine = {rank for rank in counts if in_subset(rank, 0, n_systems, split)}
        assert len(mine) == subset_size(n_systems, split)
        assert before is None or mine <= before
        before = mine
        n_trajectories = sum(
            in_subset(rank, condition, n_systems, split) for rank in mine for condition in range(counts[rank])
        )
        # Every system of a subset has the conditions the subset asks for: none is missing.
        assert n_trajectories == len(mine) * 2**split


def test_ranks_depend_on_the_seed_alone():
    rows = pd.DataFrame({"system": list("abcdef"), "accepted": [True] * 5 + [False], "split": "train"})
    one, two = nested_ranks(rows, 3), nested_ranks(rows.sample(frac=1, random_state=1), 3)
    assert one["system"].tolist() == two["system"].tolist()
    assert set(one["system"]) == set("abcde") and one["rank"].tolist() == [0, 1, 2, 3, 4]
    orders = {tuple(nested_ranks(rows, seed)["system"]) for seed in range(8)}
    assert len(orders) > 1
