"""What does it save, and what does it lose, to give hopeless candidates up early? `python -m benchmarks.early_stopping`.

Skew products are drawn as the search draws them, at the paper's settings, from a seed of their own. Every pair is
searched twice, in turn first and second: as configured, and with no candidate abandoned. The last line has `saved`, the
share of the whole search's CPU time, and `lost`, systems with a certain exponent (filter `positive_exponent`) that the
early stop rejects.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd

from benchmarks.subjects import ROOT, open_library
from panda.config import Search, Select
from panda.config.founder_names import without_delay
from panda.config.load import load_config
from panda.discovery.search.candidates import Group, sample_pairs
from panda.discovery.search.filters import NOT_FOLLOWED, verdicts
from panda.discovery.search.measure import measure
from panda.discovery.search.search import search
from panda.systems.library import FounderLibrary

SEED = 20261125
N_PERTURBATIONS = 8  # a pair
NEVER = 1e9  # standard errors


def search_both(
    library: FounderLibrary, measures: pd.DataFrame, pairs: list[tuple[str, str]], settings: Search
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """The candidates of all pairs with early stopping, without it, and the CPU seconds of each."""
    patient = settings.model_copy(
        update={"exponent": settings.exponent.model_copy(update={"early_sigmas": NEVER})}
    )
    ways, tables = {"early": settings, "patient": patient}, {"early": [], "patient": []}
    spent = dict.fromkeys(ways, 0.0)
    for i, pair in enumerate(pairs):
        group = Group(*pair, N_PERTURBATIONS)
        for way in list(ways)[:: 1 if i % 2 else -1]:
            start = time.process_time()
            tables[way].append(search(library, measures, [group], ways[way], SEED))
            spent[way] += time.process_time() - start
    early, whole = (pd.concat(tables[way], ignore_index=True) for way in ways)
    return early, whole, spent


def certain(candidates: pd.DataFrame, select: Select) -> pd.Series:
    """Which candidates have an exponent that is positive beyond its error and beyond shear."""
    return verdicts(candidates.assign(**NOT_FOLLOWED), select)["positive_exponent"]


def main() -> None:
    """Print what was searched, what was abandoned and lost, and the time of each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=300, help="founder pairs, eight candidates each")
    n_pairs = parser.parse_args().pairs
    config, library = load_config(ROOT / "config.yaml", preset="paper"), open_library()
    settings, select = config.discover.search, config.discover.select
    measures = measure(library, config.discover.founders, settings.integration.limits)
    pairs = sample_pairs(without_delay(library.names), n_pairs, SEED)
    search_both(library, measures, pairs[:1], settings)  # compiles
    early, whole, spent = search_both(library, measures, pairs, settings)
    followed = whole["largest_exponent"].notna()
    given_up = followed & (early["largest_exponent"] != whole["largest_exponent"])
    before, after = certain(whole, select), certain(early, select)
    print(f"{len(whole)} candidates, {followed.sum()} with an exponent, {before.sum()} of them certain")
    print(f"given up early: {given_up.sum()} ({given_up.sum() / max(1, followed.sum()):.0%})")
    print(f"let through by the early stop alone: {(after & ~before).sum()}")
    print(f"CPU seconds: {spent['early']:.1f} with the early stop, {spent['patient']:.1f} without")
    print(f"saved={1 - spent['early'] / spent['patient']:.3f} lost={(before & ~after).sum()}/{before.sum()}")


if __name__ == "__main__":
    main()
