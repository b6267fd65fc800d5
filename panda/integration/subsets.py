"""Nested subsets of the training systems at a constant number of trajectories, for the scaling law."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from panda.core.seeds import generator


def nested_ranks(catalogue: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The accepted training systems with a `rank`: a fixed random order of which every subset is a prefix."""
    systems = catalogue[catalogue["accepted"] & (catalogue["split"] == "train")]
    systems = systems.sort_values("system", ignore_index=True)
    order = generator(seed, "scaling", "subsets").permutation(len(systems))
    return systems.iloc[order].reset_index(drop=True).assign(rank=range(len(systems)))


def subset_size(n_systems: int, split: int) -> int:
    """Systems in subset `split`: N // 2^split (spec 4.4), at least one."""
    return max(1, n_systems >> split)


def added_conditions(split: int) -> range:
    """The initial conditions that subset `split` has beyond those of the larger subsets: 2^(split - 1) to 2^split - 1."""
    return range(2 ** (split - 1), 2**split) if split else range(1)


def in_subset(rank: int, initial_condition: int, n_systems: int, split: int) -> bool:
    """Whether a trajectory is in subset `split`: rank below N // 2^split, initial condition below 2^split."""
    return rank < subset_size(n_systems, split) and initial_condition < 2**split


def rows_of_subset(
    ranked: pd.DataFrame, systems: Iterable[str], conditions: Iterable[int], split: int
) -> list[bool]:
    """Which trajectories, given by system and initial condition, are in subset `split` of `nested_ranks`, each once."""
    rank = dict(zip(ranked["system"], ranked["rank"], strict=True))
    seen: set[tuple[str, int]] = set()
    chosen = []
    for key in zip(systems, map(int, conditions), strict=True):
        chosen.append(key not in seen and in_subset(rank[key[0]], key[1], len(ranked), split))
        seen.add(key)
    return chosen


def long_systems(catalogue: pd.DataFrame, n_systems: int, seed: int) -> set[str]:
    """At most `n_systems` of the accepted test systems, spread over names, by the seed alone.

    Names give one system each in turn, in an order drawn from the seed; so a name with many perturbations
    takes no more places than one with few, as long as there are names left.
    """
    systems = catalogue[catalogue["accepted"] & (catalogue["split"] == "test")].sort_values("system")
    lot = pd.Series(generator(seed, "integrate", "long").random(len(systems)), index=systems.index)
    order = systems.assign(lot=lot).sort_values("lot")
    order["turn"] = order.groupby("name").cumcount()
    return set(order.sort_values(["turn", "lot"])["system"].head(n_systems))
