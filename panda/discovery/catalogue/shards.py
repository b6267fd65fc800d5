"""Whether the files of all shards were given: what the configuration asks for, against what their tables hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from panda.config import Founders, Search
from panda.core.errors import PandaError
from panda.discovery.search.candidates import groups, shard
from panda.systems.members import shard_of_flows


def check_candidates(
    candidates: pd.DataFrame, founders: Founders, search: Search, generations: int, seed: int
) -> None:
    """Refuse candidates of which a shard of one of the first `generations` is missing, or that are of another search.

    The first generation must have every group of `candidates.groups`, a later one `search.n_bred` candidates.

    Raises:
        PandaError: something is missing, with the shards where they are known; or too much is there.
    """
    first = pd.Series(1, candidates.index)
    number = candidates["generation"].fillna(1).astype(int) if "generation" in candidates else first
    everything = groups(founders.all_names, search, seed)
    present = set(candidates.loc[number == 1, "name"])
    strangers = sorted(present - {group.name for group in everything})
    if strangers:
        raise PandaError(
            f"candidates: {strangers[0]} is no candidate of this configuration ({len(strangers)} such); give "
            "the configuration they were searched with, or search again"
        )
    shards = [{group.name for group in shard(everything, i, search.n_shards)} for i in range(search.n_shards)]
    refuse_missing(shards, present, what="candidates", key="discover.search.n_shards")
    last = int(max(number, default=1))
    if last > generations:
        raise PandaError(
            f"candidates: some are of generation {last}, where {generations} are asked for; give the files of "
            "those alone, or another discover.search.generations"
        )
    for generation in range(2, generations + 1):
        n = int((number == generation).sum())
        if n != search.n_bred:
            raise PandaError(
                f"candidates: {n} of the {search.n_bred} of generation {generation} are there; give all "
                f"{search.n_shards} shards of it (discover.search.n_shards) and no others, or search them first"
            )


def check_systems(table: pd.DataFrame, chosen: pd.DataFrame, n_shards: int, *, what: str, key: str) -> None:
    """Refuse a table that is not of the `chosen` systems of a catalogue, all of them; `key` has the `n_shards`.

    Raises:
        PandaError: shards are missing, or a system is not among the chosen.
    """
    strangers = sorted(set(table["system"]) - set(chosen["system"]))
    if strangers:
        raise PandaError(
            f"{what}: {strangers[0]} is not to be measured by this catalogue and configuration "
            f"({len(strangers)} such); measure again"
        )
    shards = [set(shard_of_flows(chosen, i, n_shards)["system"]) for i in range(n_shards)]
    refuse_missing(shards, set(table["system"]), what=what, key=key)


def refuse_missing(shards: Sequence[set[str]], present: Collection[str], *, what: str, key: str) -> None:
    """Refuse if a shard, given as the names that it should hold, is not there with all of them.

    Raises:
        PandaError: says how many shards there should be, which are missing, and one name that they should hold.
    """
    absent = [i for i, names in enumerate(shards) if not names <= set(present)]
    if absent:
        lost = min(shards[absent[0]] - set(present))
        listed = ", ".join(map(str, absent[:10])) + (", ..." if len(absent) > 10 else "")
        raise PandaError(
            f"{what}: {len(absent)} of the {len(shards)} shards that {key} asks for are missing or not whole "
            f"({listed}; {lost}, for one, is in none given); give the files of all shards, or make them first"
        )
