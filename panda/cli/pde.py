"""Commands of the PDE stage."""

from __future__ import annotations

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, Output, load, recorded

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `pde` a group, as every stage is."""


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
