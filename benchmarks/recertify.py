"""Which systems of an older catalogue keep their certificate today? `python -m benchmarks.recertify CATALOGUE`.

Every certified system is searched again with its own parameters, as the search would: from its attractor, with all
statistics, and then followed. Per line: the filter that rejects, how many; the last line has `kept` of `n`. A
sample (`--systems`), drawn by lot, is enough for shares.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from benchmarks.subjects import ROOT, open_library
from panda.config import Config
from panda.config.load import load_config
from panda.core.files import read_table
from panda.discovery.certificates.follow import follow
from panda.discovery.search.candidates import Group
from panda.discovery.search.search import search_members
from panda.discovery.search.select import select
from panda.systems.library import FounderLibrary
from panda.systems.members import flow_of, from_rows

SEED = 20261126


def recertify(library: FounderLibrary, rows: pd.DataFrame, config: Config) -> pd.DataFrame:
    """The catalogue of the same systems as it is made now."""
    discover, tables = config.discover, []
    for (driver, response), part in rows.groupby(["driver", "response"], sort=True):
        flow = flow_of(library, str(driver), str(response))
        group = Group(str(driver), str(response), len(part))
        numbers = part["perturbation"].to_numpy()
        tables.append(search_members(flow, group, from_rows(part), numbers, discover.search, config.seed))
    found = pd.concat(tables, ignore_index=True)
    limits = discover.search.integration.limits
    followed = follow(library, found, discover.select, discover.follow, limits, config.seed)
    return select(found, discover.select, discover.founders, followed)


def main() -> None:
    """Print what became of the certificates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("catalogue", help="a published catalogue")
    parser.add_argument("--systems", type=int, default=2000, help="how many of it, drawn by lot")
    arguments = parser.parse_args()
    config, library = load_config(ROOT / "config.yaml", preset="paper"), open_library()
    rows = read_table(arguments.catalogue)
    rows = rows[rows["certified"]].reset_index(drop=True)
    order = np.random.default_rng(SEED).permutation(len(rows))[: arguments.systems]
    start = time.process_time()
    now = recertify(library, rows.iloc[np.sort(order)], config)
    print(now["rejected_by"].replace("", "kept").value_counts().to_string())
    print(now.loc[now["rejected_by"] == "chaotic", "verdict"].value_counts().to_string())
    print(now.loc[now["rejected_by"] == "persistent", "follow_status"].value_counts().to_string())
    print(f"kept={int(now['certified'].sum())} n={len(now)} cpu_s={time.process_time() - start:.0f}")


if __name__ == "__main__":
    main()
