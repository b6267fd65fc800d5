"""Which candidates there are: founders, their perturbations, and skew products of ordered pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from panda.config import Search
from panda.config.founder_names import without_delay
from panda.core.errors import PandaError
from panda.core.seeds import generator


@dataclass(frozen=True)
class Group:
    """The candidates of one founder (`response` empty) or one ordered pair; member 0 is unperturbed."""

    driver: str
    response: str
    n_members: int

    @property
    def name(self) -> str:
        """`Driver` or `Driver_Response`."""
        return f"{self.driver}_{self.response}" if self.response else self.driver

    @property
    def founders(self) -> tuple[str, ...]:
        """The founders the group is made from."""
        return (self.driver, self.response) if self.response else (self.driver,)

    @property
    def population(self) -> str:
        """`founder` or `skew`."""
        return "skew" if self.response else "founder"

    def system(self, perturbation: int) -> str:
        """The identifier of one member, `Driver_Response-pp<perturbation>`."""
        return f"{self.name}-pp{perturbation}"


def sample_pairs(names: Sequence[str], n_pairs: int, seed: int) -> list[tuple[str, str]]:
    """`n_pairs` ordered pairs of different founders, drawn without replacement, sorted by name.

    They are the first of all pairs in an order fixed by the seed, so that a larger search holds a smaller one's.
    Source: spec 1.3, pair sampling.

    Raises:
        PandaError: there are fewer ordered pairs than asked for.
    """
    pairs = list(permutations(sorted(names), 2))
    if n_pairs > len(pairs):
        raise PandaError(
            f"discover.search.n_pairs: {n_pairs} pairs asked for, but {len(names)} founders "
            f"without delay give {len(pairs)}"
        )
    order = generator(seed, "discover", "pairs").permutation(len(pairs))
    return sorted(pairs[i] for i in order[:n_pairs])


def groups(names: Sequence[str], settings: Search, seed: int) -> list[Group]:
    """All groups of candidates in a fixed order: founders by name, then pairs, by name, of those without delay."""
    founders = [Group(name, "", 1 + settings.n_founder_perturbations) for name in sorted(names)]
    pairs = sample_pairs(without_delay(names), settings.first_pairs, seed)
    return founders + [Group(driver, response, settings.n_perturbations) for driver, response in pairs]


def shard(items: Sequence[Group], index: int, n_shards: int) -> list[Group]:
    """Every `n_shards`-th group from `index` on, so that founders and pairs spread evenly."""
    return list(items[index::n_shards])


def member_generator(seed: int, system: str, purpose: str) -> np.random.Generator:
    """The stream of one candidate for one purpose: the same in every shard and order."""
    return generator(seed, "discover", system, purpose)
