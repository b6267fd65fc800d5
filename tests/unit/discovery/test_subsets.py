"""Nested subsets: each holds the next, all with about the same number of trajectories."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from panda.integration.subsets import added_conditions, in_subset, nested_ranks, rows_of_subset, subset_size


@given(st.integers(1, 3000), st.integers(1, 8))
def test_subsets_are_nested_and_of_constant_size(n_systems: int, n_splits: int):
    # Of each system one trajectory, and what each subset that holds it adds.
    counts = {
        rank: [
            condition
            for split in range(n_splits)
            if rank < subset_size(n_systems, split)
            for condition in added_conditions(split)
        ]
        for rank in range(n_systems)
    }
    assert all(conditions == list(range(len(conditions))) for conditions in counts.values())
    before: set[int] | None = None
    for split in range(n_splits):
        mine = {rank for rank in counts if in_subset(rank, 0, n_systems, split)}
        assert len(mine) == subset_size(n_systems, split)
        assert before is None or mine <= before
        before = mine
        n_trajectories = sum(
            in_subset(rank, condition, n_systems, split) for rank in mine for condition in counts[rank]
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


def test_each_trajectory_is_taken_once():
    rows = pd.DataFrame({"system": list("abcd"), "accepted": True, "split": "train"})
    ranked = nested_ranks(rows, 3)
    first, last = ranked["system"].iloc[0], ranked["system"].iloc[-1]
    # The training files may have further conditions of their own; those of the subset's files are the same.
    systems, conditions = [first, first, last, first, first], [0, 1, 0, 1, 2]
    assert rows_of_subset(ranked, systems, conditions, 1) == [True, True, False, False, False]
    assert rows_of_subset(ranked, systems, conditions, 0) == [True, False, True, False, False]
