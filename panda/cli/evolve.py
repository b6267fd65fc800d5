"""Commands of later generations, and of their comparison with one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from panda.cli.discover import LONG_LISTS, Catalogue
from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Files,
    Library,
    Output,
    Shard,
    check_all_there,
    check_shard,
    load,
    recorded,
)

app = typer.Typer(no_args_is_help=True)
Measures = Annotated[Path, typer.Option(help="table of `discover measure`", metavar="FILE")]


@app.command()
def breed(
    candidates: Files,
    output: Output,
    measures: Measures,
    generation: Annotated[int, typer.Option(help="number of the generation, from 2", min=2)],
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Breed one generation's candidates from the accepted ones of all generations before it."""
    import pandas as pd

    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.discovery.catalogue.shards import check_candidates
    from panda.discovery.evolution.breeding import next_generation
    from panda.discovery.own.founders import open_library
    from panda.discovery.search.select import COLUMNS

    settings = load(config)
    discover = settings.discover
    with recorded("breed_candidates", settings, [output], inputs=[measures, *candidates]):
        opened = open_library(library, discover)
        check_one_run(candidates)
        tables = [read_table(path, [*COLUMNS, "signature"]) for path in candidates]
        so_far = pd.concat([table for table in tables if len(table)], ignore_index=True)
        check_candidates(so_far, discover.founders, discover.search, generation - 1, settings.seed)
        bred = next_generation(
            opened, so_far, read_table(measures), discover, discover.search, generation, settings.seed
        )
        write_table(bred, output)


@app.command()
def search(
    output: Output,
    bred: Annotated[Path, typer.Option(help="table of `evolve breed`", metavar="FILE")],
    shard: Shard,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate one shard of the bred candidates and store every statistic of every one."""
    import pandas as pd

    from panda.core.files import read_table, write_table
    from panda.core.progress import Progress
    from panda.discovery.certificates.follow import MEMBERS
    from panda.discovery.own.founders import open_library
    from panda.discovery.search.search import LINEAGE, search_bred
    from panda.discovery.search.select import COLUMNS
    from panda.systems.members import shard_of_flows

    settings = load(config)
    discover = settings.discover
    check_shard(shard, discover.search.n_shards, "discover.search.n_shards")
    own = shard_of_flows(read_table(bred, LINEAGE), shard, discover.search.n_shards)
    with (
        recorded("search_bred", settings, [output], inputs=[bred]),
        Progress(len(own), f"search bred shard {shard}", "candidates") as progress,
    ):
        opened = open_library(library, discover)
        tables = list(search_bred(opened, own, discover.search, settings.seed, progress))
        # A small generation may have fewer pairs than there are shards.
        nothing = pd.DataFrame(columns=[*dict.fromkeys((*COLUMNS, *MEMBERS, *LINEAGE, "signature"))])
        write_table(
            pd.concat(tables, ignore_index=True) if tables else nothing, output, machines_only=LONG_LISTS
        )


@app.command()
def run(
    output: Output,
    measures: Measures,
    method: Annotated[str, typer.Option(help="one_generation or evolution")],
    seed: Annotated[int, typer.Option(help="instead of the configuration's", min=0)],
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Make one search of the comparison, from its first candidate to its last, and time it."""
    from panda.core.errors import PandaError
    from panda.core.files import read_table, write_table
    from panda.core.progress import Progress
    from panda.discovery.evolution.timed_search import METHODS, run_search, settings_of
    from panda.discovery.own.founders import open_library

    settings = load(config)
    if method not in METHODS:
        raise PandaError(f"--method {method}: no such method; choose one of {', '.join(METHODS)}")
    wanted = settings_of(settings.discover, method)
    with (
        recorded("run_search", settings, [output], inputs=[measures]),
        Progress(wanted.n_pairs * wanted.n_perturbations, f"{method}, seed {seed}", "candidates") as progress,
    ):
        opened = open_library(library, settings.discover)
        table = run_search(opened, read_table(measures), settings.discover, method, seed, progress)
        write_table(table, output, machines_only=LONG_LISTS)


@app.command()
def compare(
    searches: Files,
    output: Output,
    curve: Annotated[Path, typer.Option(help="table of measures against CPU time to write", metavar="FILE")],
    catalogue: Catalogue,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Compare the searches (`<method>/<seed>.parquet`) at equal CPU time."""
    from panda.core.files import read_table, write_table
    from panda.core.progress import Progress
    from panda.discovery.catalogue.stored import CATALOGUE, read_catalogue
    from panda.discovery.diversity import novelty
    from panda.discovery.evolution.comparison import accepted_in_budget, sampled_spectra
    from panda.discovery.evolution.comparison import compare as compare_searches
    from panda.discovery.evolution.timed_search import METHODS, Method
    from panda.discovery.own.founders import open_library
    from panda.discovery.search.select import COLUMNS

    settings = load(config)
    discover = settings.discover
    with recorded("compare_searches", settings, [output, curve], inputs=[catalogue, *searches]):
        table = read_catalogue(catalogue, [*CATALOGUE, "signature"])
        opened = open_library(library, discover)
        metric = novelty.measure_metric(
            opened,
            novelty.calibration_systems(table, discover.duplicates.n_calibration, settings.seed),
            discover.search,
            discover.duplicates.coverage,
            settings.seed,
        )
        tables: dict[tuple[Method, int], Any] = {
            # `check_all_there` finds what is no method.
            (cast(Method, path.parent.name), int(path.stem)): read_table(
                path, [*COLUMNS, "signature", "cpu_s"]
            )
            for path in searches
        }
        runs = [f"{m}, seed {seed}" for m in METHODS for seed in discover.comparison.seeds]
        check_all_there(
            [f"{m}, seed {seed}" for m, seed in tables],
            runs,
            what="searches",
            key="discover.comparison.seeds",
        )
        budget, accepted = accepted_in_budget(tables, discover.founders, discover.select)
        n_spectra = sum(min(len(rows), discover.comparison.n_spectra) for rows in accepted.values())
        with Progress(n_spectra, "spectra of the comparison", "systems") as progress:
            spectra = sampled_spectra(opened, accepted, discover, progress)
        measures, along = compare_searches(
            tables, budget, accepted, spectra, metric, discover.comparison, discover.evolve.min_samples
        )
        write_table(measures, output)
        write_table(along, curve)
