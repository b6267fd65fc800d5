"""The candidates: drawn by the seed alone, cut into shards without loss."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.discovery.search.candidates import groups, sample_pairs, shard

NAMES = ["Aizawa", "Chua", "Lorenz", "Rossler", "Thomas"]


@given(st.integers(0, 20), st.integers(0, 2**32))
def test_pairs_are_ordered_pairs_without_replacement(n: int, seed: int):
    pairs = sample_pairs(NAMES, n, seed)
    assert len(set(pairs)) == n
    assert set(pairs) <= set(permutations(NAMES, 2))
    assert pairs == sample_pairs(list(reversed(NAMES)), n, seed)
    assert set(sample_pairs(NAMES, n // 2, seed)) <= set(pairs)


def test_founders_with_delay_are_groups_of_their_own_and_change_no_pair(settings):
    search = settings.model_copy(update={"n_pairs": 12})
    without, among = groups(NAMES, search, 1), groups([*NAMES, "MackeyGlass", "VossDelay"], search, 1)
    assert [g for g in among if g.population == "skew"] == [g for g in without if g.population == "skew"]
    assert {g.name for g in among} - {g.name for g in without} == {"MackeyGlass", "VossDelay"}


def test_more_pairs_than_there_are_is_refused():
    with pytest.raises(PandaError, match="21 pairs asked for"):
        sample_pairs(NAMES, 21, 0)


@given(st.integers(1, 40))
def test_shards_partition_the_groups(settings_free_n: int):
    items = list(range(29))
    parts = [shard(items, i, settings_free_n) for i in range(settings_free_n)]
    assert sorted(x for part in parts for x in part) == items


def test_groups_have_one_name_a_system(settings):
    search = settings.model_copy(update={"n_pairs": 6})
    systems = [g.system(i) for g in groups(NAMES, search, 1) for i in range(g.n_members)]
    assert len(set(systems)) == len(systems) == 5 * 3 + 6 * 5
