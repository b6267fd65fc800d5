"""Commands of the PDE stage."""

from __future__ import annotations

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, Files, Output, check_all_there, load, recorded

app = typer.Typer(no_args_is_help=True)


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
def summarise(scores: Files, output: Output, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Means and intervals over runs, from the scores of all forecasters."""
    import pandas as pd

    from panda.config.arena import EQUATION, contestants
    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.evaluation.fields import summarise_fields

    settings = load(config)
    with recorded("summarise_fields", settings, [output], inputs=scores):
        check_one_run(scores, shared="fields.npz")
        table = pd.concat([read_table(path, ["forecaster"]) for path in scores], ignore_index=True)
        wanted = contestants(settings, EQUATION)
        key = f"evaluate.datasets.{EQUATION}.forecasters"
        check_all_there(table["forecaster"].unique(), wanted, what="scores", key=key)
        table = table[table["forecaster"].isin(wanted)]
        write_table(summarise_fields(table, settings.evaluate, seed=settings.seed), output)
