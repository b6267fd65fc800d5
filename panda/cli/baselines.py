"""The command that fits the baselines that learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, load, recorded

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `baselines` a group, as every stage is."""


@app.command("fit")
def fit_baseline(
    name: Annotated[str, typer.Option(help="a baseline that learns", metavar="NAME")],
    output: Annotated[Path, typer.Option(help="folder of its state; config.json is written last")],
    train: Annotated[
        list[Path], typer.Option(help="training trajectories; repeat for each file", metavar="FILE")
    ],
    validation: Annotated[list[Path], typer.Option(help="validation trajectories", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Train a baseline on our windows; one that saves its state goes on from there when run again."""
    from panda.cli.forecasters import depends
    from panda.core.importing import import_ours
    from panda.core.progress import Progress
    from panda.data.store import TrajectoryStore

    settings = load(config)
    registry = import_ours("baselines.registry")
    done = output / "config.json"
    n, unit = registry.length(name, settings.baselines)
    with (
        recorded("fit_baseline", settings, [done], inputs=[*train, *validation], **depends(settings, name)),
        Progress(n, f"fit {name}", unit) as progress,
    ):
        registry.fit(
            name,
            settings.baselines,
            TrajectoryStore.open(train),
            TrajectoryStore.open(validation),
            state=output,
            seed=settings.seed,
            standardise_eps=settings.evaluate.standardise_eps,
            threads=settings.train.threads,
            training=settings.train,
            progress=progress,
        )
