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
Catalogue = Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")]


@app.command("compile")
def compile_founders(
    output: Output, config: ConfigFile = DEFAULT_CONFIG, library: Library = DEFAULT_LIBRARY
) -> None:
    """Compile the founders' right-hand sides, once on a machine; what is already compiled is kept."""
    from panda.core.files import write_json
    from panda.core.progress import Progress
    from panda.discovery.warm import ensure_library, warm_up

    settings = load(config)
    names = settings.discover.founders.all_names
    with recorded(
        settings, [output], inputs=[], parts=["discover.founders.names"], roots=["panda.systems.library"]
    ):
        with Progress(len(names), "compile founders", "founders") as progress:
            opened = ensure_library(library, names, progress)
        warm_up(opened, settings.discover.search, settings.seed)
        write_json(output, {name: opened[name].dimension for name in names})


@app.command()
def measure(output: Output, config: ConfigFile = DEFAULT_CONFIG, library: Library = DEFAULT_LIBRARY) -> None:
    """Measure the flow amplitude of every founder, which scales the couplings."""
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.discovery.measure import measure as measure_founders
    from panda.systems.library import FounderLibrary

    settings = load(config)
    founders = settings.discover.founders
    with (
        recorded(
            settings, [output], inputs=[], parts=["discover.founders"], roots=["panda.discovery.measure"]
        ),
        Progress(len(founders.all_names), "measure founders", "founders") as progress,
    ):
        table = measure_founders(
            FounderLibrary.open(library), founders, settings.discover.search.integration, progress
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
    from panda.discovery.candidates import groups
    from panda.discovery.candidates import shard as shard_of
    from panda.discovery.search import search as search_groups
    from panda.systems.library import FounderLibrary

    settings = load(config)
    found = settings.discover
    check_shard(shard, found.search.n_shards, "discover.search.n_shards")
    everything = groups(found.founders.all_names, found.search, settings.seed)
    own = shard_of(everything, shard, found.search.n_shards)
    n = sum(group.n_members for group in own)
    with (
        recorded(
            settings,
            [output],
            inputs=[measures],
            parts=["discover.founders", "discover.search"],
            roots=["panda.discovery.search"],
        ),
        Progress(n, f"search shard {shard}", "candidates") as progress,
    ):
        table = search_groups(
            FounderLibrary.open(library), read_table(measures), own, found.search, settings.seed, progress
        )
        write_table(table, output)


@app.command()
def select(
    candidates: Files,
    output: Output,
    acceptance: Annotated[Path, typer.Option(help="table of acceptance to write", metavar="FILE")],
    selections: Annotated[Path, typer.Option(help="table of selections to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Apply the filters to the stored statistics, and split the systems."""
    import pandas as pd

    from panda.core.files import read_table, write_table
    from panda.discovery import select as selecting

    settings = load(config)
    found = settings.discover
    with recorded(
        settings,
        [output, acceptance, selections],
        inputs=candidates,
        parts=["discover.select", "discover.founders"],
        roots=["panda.discovery.select"],
    ):
        table = pd.concat([read_table(path, selecting.COLUMNS) for path in candidates], ignore_index=True)
        catalogue = selecting.select(table, found.select, found.founders)
        write_table(catalogue, output)
        write_table(selecting.acceptance(catalogue, found.select), acceptance)
        write_table(selecting.selections(catalogue, found.select), selections)


@app.command()
def gallery(
    output: Output,
    catalogue: Catalogue,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate the attractors that the galleries show."""
    from panda.core.files import read_table, write_arrays
    from panda.core.progress import Progress
    from panda.discovery.gallery import gallery as sample
    from panda.systems.library import FounderLibrary

    settings = load(config)
    found = settings.discover
    with (
        recorded(
            settings,
            [output],
            inputs=[catalogue],
            parts=["discover.gallery", "discover.search.integration"],
            roots=["panda.discovery.gallery"],
        ),
        Progress(found.gallery.n_systems, "gallery", "systems") as progress,
    ):
        arrays = sample(
            FounderLibrary.open(library),
            read_table(catalogue),
            found.gallery,
            found.search.integration,
            settings.seed,
            progress,
        )
        write_arrays(output, **arrays)
