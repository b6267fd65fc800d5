"""The command of the integration stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Library,
    Shard,
    check_shard,
    load,
    recorded,
)

if TYPE_CHECKING:
    import pandas as pd

    from panda.config import Config
    from panda.core.progress import Progress
    from panda.data.store import Trajectory
    from panda.systems.library import FounderLibrary

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `integrate` a group, as every stage is."""


@app.command()
def systems(
    catalogue: Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")],
    shard: Shard,
    train: Annotated[Path, typer.Option(help="file of training trajectories", metavar="FILE")],
    validation: Annotated[Path, typer.Option(help="file of validation trajectories", metavar="FILE")],
    test: Annotated[Path, typer.Option(help="file of test trajectories", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate one shard of the selected systems into one Arrow file a split."""
    from panda.core.files import read_table
    from panda.core.progress import Progress
    from panda.data.store import write_trajectories
    from panda.systems.library import FounderLibrary

    settings = load(config)
    check_shard(shard, settings.integrate.n_shards, "integrate.n_shards")
    rows = read_table(catalogue, ["system", "accepted", "split"])
    accepted = rows[rows["accepted"]].iloc[shard :: settings.integrate.n_shards]
    opened = FounderLibrary.open(library)
    outputs = {"train": train, "validation": validation, "test": test}
    with (
        recorded(
            settings,
            list(outputs.values()),
            inputs=[catalogue],
            parts=["integrate", "discover.search.integration"],
            roots=["panda.discovery.trajectories", "panda.data.store"],
        ),
        Progress(len(accepted), f"integrate shard {shard}", "systems") as progress,
    ):
        for split, path in outputs.items():
            of_split = accepted[accepted["split"] == split]
            counts = dict.fromkeys(of_split["system"], settings.integrate.n_initial_conditions)
            write_trajectories(path, trajectory_rows(opened, of_split, counts, settings, progress))


def trajectory_rows(
    library: FounderLibrary,
    rows: pd.DataFrame,
    n_initial_conditions: dict[str, int],
    config: Config,
    progress: Progress,
) -> Iterator[Trajectory]:
    """The stored rows of the systems' trajectories, integrated one after another."""
    from panda.data.store import Trajectory
    from panda.discovery.trajectories import regenerate

    for row, index, series in regenerate(
        library,
        rows,
        config.discover.search.integration,
        n_initial_conditions=n_initial_conditions,
        seed=config.seed,
        progress=progress,
    ):
        yield Trajectory(
            system=row["system"],
            name=row["name"],
            driver=row["driver"],
            response=row["response"],
            population=row["population"],
            perturbation=int(row["perturbation"]),
            initial_condition=index,
            period=float(row["period"]),
            dt=float(row["dt"]),
            largest_exponent=float(row["largest_exponent"]),
            target=series,
        )
