"""Commands of the report stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import DEFAULT_CONFIG, SOURCE, ConfigFile, Files, Output, load, recorded

app = typer.Typer(no_args_is_help=True)
Root = Annotated[Path, typer.Option(help="folder of the run, which names the tables", metavar="DIR")]


@app.command()
def claims(
    tables: Files,
    root: Root,
    output: Output,
    claims: Annotated[Path, typer.Option(help="the paper's claims", metavar="FILE")] = SOURCE
    / "paper"
    / "claims.yaml",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Set each of the paper's claims beside the results, with a verdict."""
    from panda.analysis.claims import judge, load_claims
    from panda.cli.figures import read_results
    from panda.core.files import write_table

    settings = load(config)
    with recorded(
        settings, [output], inputs=[*tables, claims], parts=["preset"], roots=["panda.analysis.claims"]
    ):
        found, _ = read_results(tables, root)
        write_table(judge(load_claims(claims), found, settings.preset), output)


@app.command()
def where(
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Annotated[str | None, typer.Option(help="overlay presets/NAME.yaml", metavar="NAME")] = None,
) -> None:
    """Print where the figures and the report of a run are."""
    from panda.config.load import load_config

    folder = Path("results") / load_config(config, preset=preset).run_name
    print(f"figures: {folder / 'figures'}/\nreport:  {folder / 'report.html'}")
