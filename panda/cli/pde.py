"""Commands of the PDE stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, Files, Output, check_all_there, load, recorded

app = typer.Typer(no_args_is_help=True)
Scores = Annotated[Path, typer.Option(help="table of scores to write", metavar="FILE")]


@app.command()
def simulate(output: Output, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Solve the Kuramoto-Sivashinsky equation from random initial fields."""
    from panda.core.files import write_arrays
    from panda.core.progress import Progress
    from panda.pde.kuramoto_sivashinsky import simulate_runs

    settings = load(config)
    with (
        recorded("simulate_fields", settings, [output], inputs=[]),
        Progress(settings.pde.n_runs, "Kuramoto-Sivashinsky", "runs") as progress,
    ):
        write_arrays(output, **simulate_runs(settings.pde, settings.seed, progress))


@app.command()
def score(
    fields: Annotated[Path, typer.Option(help="fields of `pde simulate`", metavar="FILE")],
    forecaster: Annotated[str, typer.Option(help="a model or a baseline", metavar="NAME")],
    scores: Scores,
    forecasts: Annotated[Path, typer.Option(help="example forecast to write", metavar="FILE")],
    state: Annotated[str, typer.Option(help="weights or fitted state, if it has any", metavar="FILE")] = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Forecast every run of the field, grid points as channels, and score it."""
    from panda.cli.forecasters import depends, make_forecaster, state_path
    from panda.core.files import read_arrays, write_arrays, write_table
    from panda.core.progress import Progress
    from panda.evaluation.fields import score_fields

    settings = load(config)
    path = state_path(state)
    with recorded(
        "score_fields",
        settings,
        [scores, forecasts],
        inputs=[fields, *([path] if path else [])],
        **depends(settings, forecaster),
    ):
        made = make_forecaster(settings, forecaster, path)
        arrays = read_arrays(fields)
        with Progress(len(arrays["fields"]), f"score {forecaster}", "runs") as progress:
            found = score_fields(made, arrays["fields"], settings.pde, settings.evaluate, progress=progress)
        write_arrays(
            forecasts,
            context=found.context,
            truth=found.truth,
            forecast=found.forecast,
            dt=arrays["dt"],
            exponent=arrays["exponents"].mean(),
        )
        write_table(found.table, scores)


@app.command()
def summarise(scores: Files, output: Output, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Means and intervals over runs, from the scores of all forecasters."""
    import pandas as pd

    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.evaluation.fields import summarise_fields

    settings = load(config)
    with recorded("summarise_fields", settings, [output], inputs=scores):
        check_one_run(scores, shared=".npz")
        table = pd.concat([read_table(path, ["forecaster"]) for path in scores], ignore_index=True)
        check_all_there(
            table["forecaster"].unique(), settings.pde.forecasters, what="scores", key="pde.forecasters"
        )
        write_table(summarise_fields(table, settings.evaluate, seed=settings.seed), output)
