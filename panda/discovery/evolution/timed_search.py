"""One search of one generation or of several, timed candidate by candidate."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import pandas as pd

from panda.config import Discover, Search
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.discovery.evolution.breeding import next_generation
from panda.discovery.search.candidates import groups
from panda.discovery.search.search import search_bred, search_each
from panda.systems.library import FounderLibrary

Method = Literal["one_generation", "evolution"]
METHODS: tuple[Method, ...] = ("one_generation", "evolution")


def settings_of(settings: Discover, method: Method) -> Search:
    """The search of one method: pairs and perturbations of the comparison, no perturbed founders."""
    wanted = settings.comparison
    several = method == "evolution"
    return settings.search.model_copy(
        update={
            "generations": wanted.generations if several else 1,
            "n_pairs": wanted.n_pairs_evolved if several else wanted.n_pairs,
            "n_perturbations": wanted.n_perturbations,
        }
    )


def run_search(
    library: FounderLibrary,
    measures: pd.DataFrame,
    settings: Discover,
    method: Method,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """All candidates of one search in one process, in order, with `cpu_s`: CPU time up to the end of their pair.

    Only skew products: what a founder's own perturbations are does not depend on the method. The time for choosing
    parents and breeding counts.
    """
    search = settings_of(settings, method)
    names = settings.founders.all_names
    # By lot: in the order of their names a search cut off early would know but some founders.
    pairs = [group for group in groups(names, search, seed) if group.response]
    pairs = [pairs[i] for i in generator(seed, "discover", "order").permutation(len(pairs))]
    start = time.process_time()
    tables: list[pd.DataFrame] = []

    def collect(found: Iterator[pd.DataFrame]) -> None:
        for table in found:
            tables.append(table.assign(cpu_s=time.process_time() - start))

    collect(search_each(library, measures, pairs, search, seed, progress))
    for number in range(2, search.generations + 1):
        so_far = pd.concat(tables, ignore_index=True)
        bred = next_generation(library, so_far, measures, settings, search, number, seed)
        collect(search_bred(library, bred, search, seed, progress))
    return pd.concat(tables, ignore_index=True)
