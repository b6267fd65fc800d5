"""The command line: one group a stage; every pipeline command is usable by hand with paths."""

from __future__ import annotations

from typing import Annotated

import typer

from panda import __version__
from panda.cli import (
    audit,
    baselines,
    catalogue,
    configuration,
    discover,
    evaluate,
    evolve,
    figures,
    fine_tune,
    forecast,
    integrate,
    measured,
    pde,
    report,
    scaling,
    train,
)
from panda.cli.options import accept_settings

app = typer.Typer(
    name="panda",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        print(f"panda {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Regenerate the Panda paper, stage by stage. `snakemake` runs the whole; a command runs one step."""


app.command()(forecast.forecast)
app.add_typer(configuration.app, name="config", help="Check and show the configuration.")
discover.app.add_typer(audit.app)
discover.app.add_typer(catalogue.app)
app.add_typer(discover.app, name="discover", help="Find chaotic systems: compile, measure, search, select.")
app.add_typer(
    evolve.app, name="evolve", help="Later generations, bred from accepted systems; how they compare."
)
app.add_typer(integrate.app, name="integrate", help="Integrate the selected systems into trajectory files.")
train.app.command("fine-tune")(fine_tune.fine_tune)
app.add_typer(train.app, name="train", help="Train the named models.")
app.add_typer(baselines.app, name="baselines", help="Fit the baselines that learn.")
app.add_typer(evaluate.app, name="evaluate", help="Score forecasts and completions of unseen systems.")
app.add_typer(measured.app, name="measured", help="Measured series that come with installed packages.")
app.add_typer(pde.app, name="pde", help="The zero-shot test on Kuramoto-Sivashinsky.")
app.add_typer(scaling.app, name="scaling", help="The scaling law in the number of systems.")
app.add_typer(figures.app, name="figures", help="Draw the figures.")
app.add_typer(report.app, name="report", help="Claims against results, costs, and the report.")

accept_settings(app)
