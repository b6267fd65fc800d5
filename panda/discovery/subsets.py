"""Nested subsets of the training systems at a constant number of trajectories, for the scaling law."""

from __future__ import annotations

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


def initial_conditions(n_systems: int, rank: int, n_splits: int) -> int:
    """Initial conditions the system of this rank needs: 2^i for the smallest subset i that holds it."""
    return max(2**split for split in range(n_splits) if rank < subset_size(n_systems, split))


def in_subset(rank: int, initial_condition: int, n_systems: int, split: int) -> bool:
    """Whether a trajectory is in subset `split`: rank below N // 2^split, initial condition below 2^split."""
    return rank < subset_size(n_systems, split) and initial_condition < 2**split


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
