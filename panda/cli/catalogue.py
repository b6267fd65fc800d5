"""Commands that turn catalogues of systems into other forms; they join those of `panda discover`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.discover import Catalogue
from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Files,
    Library,
    Output,
    load,
    recorded,
)
from panda.core.names import SPLITS

app = typer.Typer(no_args_is_help=True)


@app.command()
def compact(
    catalogue: Catalogue,
    output: Output,
    spectra: Annotated[
        Path | None, typer.Option(help="table of `discover join-spectra`", metavar="FILE")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write the accepted systems alone, with what regenerates them: a catalogue small enough to publish."""
    from panda.core.files import read_table, write_parquet
    from panda.core.provenance import check_one_run
    from panda.discovery.catalogue.compact import SPECTRUM
    from panda.discovery.catalogue.compact import compact as make_compact
    from panda.discovery.catalogue.stored import read_catalogue

    settings = load(config)
    rows = read_catalogue(catalogue)
    measured = None if spectra is None else read_table(spectra, ["system", *SPECTRUM])
    with recorded(
        "compact_catalogue", settings, [output], inputs=[catalogue, *([spectra] if spectra else [])]
    ):
        check_one_run([spectra] if spectra else [], made_from=[catalogue])
        write_parquet(make_compact(rows, measured), output, compression="zstd")


@app.command()
def export_params(
    catalogue: Catalogue,
    output: Output,
    split: Annotated[str, typer.Option(help="train, validation or test; all of them if empty")] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Write the accepted systems as a parameter file of the reference code (JSON)."""
    from panda.core.errors import PandaError
    from panda.core.files import write_beside, write_json
    from panda.discovery.catalogue.reference_parameters import from_catalogue
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.discovery.own.founders import open_library

    settings = load(config)
    rows = read_catalogue(catalogue)
    if split and split not in SPLITS:
        raise PandaError(f"--split {split}: no such split; choose one of {', '.join(SPLITS)}")
    chosen = rows[rows["accepted"] & ((rows["split"] == split) | (not split))]
    with recorded("export_params", settings, [output], inputs=[catalogue]):
        write_json(output, from_catalogue(open_library(library, settings.discover), chosen))
        write_beside(output)


@app.command()
def import_params(
    files: Files,
    output: Output,
    without: Annotated[
        list[str],
        typer.Option(help="leave out all systems of this founder (repeat for more)", metavar="NAME"),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Read parameter files of the reference code into a catalogue that `integrate systems` takes."""
    import pandas as pd

    from panda.core.files import read_json, write_table
    from panda.discovery.catalogue.reference_parameters import check_unique, to_catalogue
    from panda.discovery.own.founders import open_library
    from panda.discovery.search.select import strictness

    settings = load(config)
    opened = open_library(library, settings.discover)
    with recorded("import_params", settings, [output], inputs=files):
        tables = [
            to_catalogue(
                opened,
                read_json(path),
                source=str(path),
                founders=settings.discover.founders,
                integration=settings.discover.search.integration,
                without=without,
            )
            for path in files
        ]
        check_unique(tables, [str(path) for path in files])
        table = pd.concat(tables, ignore_index=True)
        table["strict"] = strictness(table, settings.discover.select, settings.discover.founders)
        write_table(table, output)
