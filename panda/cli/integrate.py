"""Commands of the integration stage: trajectories of our systems, or published ones, and their card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Library,
    Shard,
    load,
    recorded,
)

if TYPE_CHECKING:
    import pandas as pd

    from panda.config import Config
    from panda.core.progress import Progress
    from panda.data.store import Trajectory
    from panda.discovery.trajectories import Length, Regenerated
    from panda.systems.library import FounderLibrary

app = typer.Typer(no_args_is_help=True)
Catalogue = Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")]
Train = Annotated[Path, typer.Option(help="file of training trajectories to write", metavar="FILE")]
Validation = Annotated[Path, typer.Option(help="file of validation trajectories to write", metavar="FILE")]
Test = Annotated[Path, typer.Option(help="file of test trajectories to write", metavar="FILE")]
SYSTEMS_ROOTS = [
    "panda.discovery.trajectories",
    "panda.discovery.trust",
    "panda.discovery.subsets",
    "panda.data.store",
]


@app.command()
def systems(
    catalogue: Catalogue,
    shard: Shard,
    train: Train,
    validation: Validation,
    test: Test,
    long: Annotated[Path, typer.Option(help="file of long test trajectories to write", metavar="FILE")],
    trust: Annotated[Path, typer.Option(help="table of trust horizons to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate one shard of the selected systems: a file a split, long test trajectories, trust horizons."""
    from panda.core.files import read_table, write_table
    from panda.core.progress import Progress
    from panda.data.store import write_trajectories
    from panda.discovery.subsets import long_systems
    from panda.discovery.trajectories import Length
    from panda.discovery.trust import summary_line, trust_horizons, trust_table
    from panda.systems.library import FounderLibrary

    settings = load(config)
    rows, data = read_table(catalogue), settings.integrate
    integration = settings.discover.search.integration
    chosen = long_systems(rows, data.long.n_systems, settings.seed)
    accepted = rows[rows["accepted"]].iloc[shard :: data.n_shards]
    to_lengthen = accepted[accepted["system"].isin(chosen)]
    opened, horizons = FounderLibrary.open(library), []
    with (
        recorded(
            settings,
            [train, validation, test, long, trust],
            inputs=[catalogue],
            parts=["integrate", "discover.search.integration"],
            roots=SYSTEMS_ROOTS,
        ),
        Progress(len(accepted) + len(to_lengthen), f"integrate shard {shard}", "systems") as progress,
    ):

        def regenerated(split: str) -> Iterator[Regenerated]:
            of_split = accepted[accepted["split"] == split]
            counts = dict.fromkeys(of_split["system"], data.n_initial_conditions)
            return found(opened, of_split, counts, Length(integration, data.n_periods), settings, progress)

        def checked() -> Iterator[Regenerated]:
            for one, horizon in trust_horizons(opened, regenerated("test"), integration, data.trust):
                horizons.append(horizon)
                yield one

        write_trajectories(train, stored(regenerated("train")))
        write_trajectories(validation, stored(regenerated("validation")))
        write_trajectories(test, stored(checked()))
        longer = Length(integration, data.n_periods, data.long.n_points)
        ones = dict.fromkeys(to_lengthen["system"], 1)
        write_trajectories(long, stored(found(opened, to_lengthen, ones, longer, settings, progress)))
        table = trust_table(horizons)
        write_table(table, trust)
    typer.echo(summary_line(table), err=True)


def found(
    library: FounderLibrary,
    rows: pd.DataFrame,
    n_initial_conditions: dict[str, int],
    length: Length,
    config: Config,
    progress: Progress,
) -> Iterator[Regenerated]:
    """The systems' trajectories, integrated one batch after another."""
    from panda.discovery.trajectories import regenerate

    return regenerate(
        library, rows, length, n_initial_conditions=n_initial_conditions, seed=config.seed, progress=progress
    )


def stored(trajectories: Iterable[Regenerated]) -> Iterator[Trajectory]:
    """Trajectories as the rows of our files."""
    from panda.data.store import Trajectory

    for one in trajectories:
        yield Trajectory(
            **{key: one.row[key] for key in ("system", "name", "driver", "response", "population")},
            perturbation=int(one.row["perturbation"]),
            initial_condition=one.initial_condition,
            period=float(one.row["period"]),
            dt=one.dt,
            largest_exponent=float(one.row["largest_exponent"]),
            target=one.series,
        )
