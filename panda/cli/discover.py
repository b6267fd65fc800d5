"""Commands of the discovery stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Files,
    Library,
    Output,
    Shard,
    check_shard,
    load,
    recorded,
)

app = typer.Typer(no_args_is_help=True)
LONG_LISTS = ("signature", "end_state")
FOLLOWED = ("system", "verdict", "follow_status", "end_state")
Catalogue = Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")]


@app.command("compile")
def compile_founders(
    output: Annotated[
        Path | None, typer.Option(help="file of the founders' dimensions to write", metavar="FILE")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Compile the founders' right-hand sides, once on a machine; what is already compiled and whole is kept.

    Founders of your own (`discover.founders.own`) are measured as well: period and scale.
    """
    from panda.core.files import write_json
    from panda.core.progress import Progress
    from panda.discovery.own.founders import ensure_own, open_library
    from panda.discovery.search.warm import ensure_library, warm_up

    settings = load(config)
    founders = settings.discover.founders
    names, own_files = founders.all_names, [Path(path) for path in founders.own]
    with recorded("compile_founders", settings, [output] if output else [], inputs=own_files):
        with Progress(len(founders.library_names), "compile founders", "founders") as progress:
            ensure_library(library, founders.library_names, progress)
        ensure_own(library, settings.discover)
        opened = open_library(library, settings.discover)
        warm_up(opened, names, settings.discover.search, settings.seed)
        if output:
            write_json(output, {name: opened[name].dimension for name in names})


@app.command()
def measure(output: Output, config: ConfigFile = DEFAULT_CONFIG, library: Library = DEFAULT_LIBRARY) -> None:
    """Measure the flow amplitude of every founder, which scales the couplings."""
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.discovery.own.founders import open_library
    from panda.discovery.search.measure import measure as measure_founders

    settings = load(config)
    founders = settings.discover.founders
    with (
        recorded("measure_founders", settings, [output], inputs=[]) as record,
        Progress(len(founders.all_names), "measure founders", "founders") as progress,
    ):
        if record.get("reused"):
            progress.advance(progress.total, reused="from another run")
            return
        table = measure_founders(
            open_library(library, settings.discover),
            founders,
            settings.discover.search.integration.limits,
            progress,
        )
        write_table(table, output)


@app.command()
def search(
    output: Output,
    measures: Annotated[Path, typer.Option(help="table of `discover measure`", metavar="FILE")],
    shard: Shard,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate one shard of the candidates and store every statistic of every one."""
    from panda.core.files import read_table, write_table
    from panda.core.progress import Progress
    from panda.discovery.own.founders import open_library
    from panda.discovery.search.candidates import groups
    from panda.discovery.search.candidates import shard as shard_of
    from panda.discovery.search.search import search as search_groups

    settings = load(config)
    discover = settings.discover
    check_shard(shard, discover.search.n_shards, "discover.search.n_shards")
    everything = groups(discover.founders.all_names, discover.search, settings.seed)
    own = shard_of(everything, shard, discover.search.n_shards)
    n = sum(group.n_members for group in own)
    with (
        recorded("search_candidates", settings, [output], inputs=[measures], part=shard) as record,
        Progress(n, f"search shard {shard}", "candidates") as progress,
    ):
        if record.get("reused"):
            progress.advance(progress.total, reused="from another run")
            return
        table = search_groups(
            open_library(library, discover),
            read_table(measures),
            own,
            discover.search,
            settings.seed,
            progress,
        )
        write_table(table, output, machines_only=LONG_LISTS)


@app.command()
def follow(
    candidates: Annotated[Path, typer.Argument(help="candidates of `discover search`", metavar="FILE")],
    output: Output,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Follow candidates that pass all other filters for long: are they chaotic, and do they stay so?"""
    from panda.core.files import read_table, write_table
    from panda.core.progress import Progress
    from panda.discovery.certificates import follow as stage
    from panda.discovery.own.founders import open_library
    from panda.discovery.search import select as selecting
    from panda.discovery.search.filters import asked

    settings = load(config)
    discover = settings.discover
    table = read_table(candidates, [*selecting.COLUMNS, *stage.MEMBERS])
    n = int(asked(table, discover.select)[0].sum())
    with (
        recorded("follow_candidates", settings, [output], inputs=[candidates]) as record,
        Progress(n, f"follow {candidates.stem}", "candidates") as progress,
    ):
        if record.get("reused"):
            progress.advance(progress.total, reused="from another run")
            return
        followed = stage.follow(
            open_library(library, discover),
            table,
            discover.select,
            discover.follow,
            discover.search.integration.limits,
            settings.seed,
            progress,
        )
        write_table(followed, output, machines_only=stage.STATES)


@app.command()
def select(
    candidates: Files,
    output: Output,
    followed: Annotated[
        list[Path], typer.Option(help="table of `discover follow` (repeat for each shard)", metavar="FILE")
    ],
    acceptance: Annotated[Path, typer.Option(help="table of acceptance to write", metavar="FILE")],
    selections: Annotated[Path, typer.Option(help="table of selections to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Apply the filters to the stored statistics, and split the systems."""
    import pandas as pd

    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.discovery.catalogue.shards import check_candidates
    from panda.discovery.search import select as selecting

    settings = load(config)
    discover = settings.discover
    with recorded(
        "select_systems", settings, [output, acceptance, selections], inputs=[*candidates, *followed]
    ):
        check_one_run([*candidates, *followed])
        check_one_run(followed, made_from=candidates)
        tables = [read_table(path, selecting.COLUMNS) for path in candidates]
        table = pd.concat([table for table in tables if len(table)], ignore_index=True)
        check_candidates(
            table, discover.founders, discover.search, discover.search.generations, settings.seed
        )
        longer = pd.concat([read_table(path, FOLLOWED) for path in followed], ignore_index=True)
        catalogue = selecting.select(table, discover.select, discover.founders, longer)
        write_table(catalogue, output, machines_only=LONG_LISTS)
        write_table(selecting.acceptance(catalogue, discover.select), acceptance)
        write_table(selecting.selections(catalogue, discover.select), selections)


@app.command()
def spectra(
    output: Output,
    catalogue: Catalogue,
    shard: Shard,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Measure all Lyapunov exponents of one shard of the accepted systems."""
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.discovery.certificates import spectra as stage
    from panda.discovery.own.founders import open_library
    from panda.systems.members import shard_of_flows

    settings = load(config)
    wanted = settings.discover.spectrum
    check_shard(shard, wanted.n_shards, "discover.spectrum.n_shards")
    chosen = stage.chosen_systems(read_catalogue(catalogue), wanted.max_systems, settings.seed)
    own = shard_of_flows(chosen, shard, wanted.n_shards)
    with (
        recorded("measure_spectra", settings, [output], inputs=[catalogue]),
        Progress(len(own), f"spectra shard {shard}", "systems") as progress,
    ):
        limits = settings.discover.search.integration.limits
        opened = open_library(library, settings.discover)
        table = stage.measure_spectra(opened, own, wanted, limits, settings.seed, progress)
        write_table(table, output)


@app.command()
def join_spectra(
    shards: Files, output: Output, catalogue: Catalogue, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Join the shards of `discover spectra` to one table, which has all systems to be measured of the catalogue."""
    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.discovery.catalogue.shards import check_systems
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.discovery.certificates.spectra import chosen_systems, join

    settings = load(config)
    wanted = settings.discover.spectrum
    with recorded("join_spectra", settings, [output], inputs=[catalogue, *shards]):
        check_one_run(shards, made_from=[catalogue])
        table = join([read_table(path, ["system"]) for path in shards])
        chosen = chosen_systems(read_catalogue(catalogue), wanted.max_systems, settings.seed)
        check_systems(table, chosen, wanted.n_shards, what="spectra", key="discover.spectrum.n_shards")
        write_table(table, output)


@app.command()
def gallery(
    output: Output,
    catalogue: Catalogue,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate the attractors that the galleries show."""
    from panda.core.files import write_arrays
    from panda.core.progress import Progress
    from panda.discovery.catalogue.gallery import gallery as sample
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.discovery.own.founders import open_library

    settings = load(config)
    discover = settings.discover
    with (
        recorded("sample_gallery", settings, [output], inputs=[catalogue]),
        Progress(discover.gallery.n_systems, "gallery", "systems") as progress,
    ):
        arrays = sample(
            open_library(library, discover),
            read_catalogue(catalogue),
            discover.gallery,
            discover.search.integration,
            settings.seed,
            progress,
        )
        write_arrays(output, **arrays)


@app.command()
def check(
    system: Annotated[Path, typer.Argument(help="Python file of a founder of your own", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Measure a founder of your own, and say which filters it passes; nothing is written."""
    from panda.discovery.own.check import check as check_founder

    settings = load(config)
    for what, value in check_founder(str(system), settings.discover, settings.seed):
        print(f"{what:<12} {value}")


@app.command()
def duplicates(
    catalogue: Catalogue,
    output: Output,
    nearest: Annotated[Path, typer.Option(help="table of nearest training systems to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Count near-duplicates among the selected systems, above all between training and test."""
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.discovery.catalogue.stored import CATALOGUE, read_catalogue
    from panda.discovery.diversity import novelty
    from panda.discovery.own.founders import open_library

    settings = load(config)
    discover = settings.discover
    table = read_catalogue(catalogue, [*CATALOGUE, "signature"])
    chosen = novelty.calibration_systems(table, discover.duplicates.n_calibration, settings.seed)
    with (
        recorded("find_duplicates", settings, [output, nearest], inputs=[catalogue]),
        Progress(len(chosen), "near-duplicates", "systems") as progress,
    ):
        opened = open_library(library, discover)
        metric = novelty.measure_metric(
            opened, chosen, discover.search, discover.duplicates.coverage, settings.seed, progress
        )
        counts, near = novelty.duplicates(table, metric, discover.founders.families(), discover.duplicates)
        write_table(counts, output)
        write_table(near, nearest)
