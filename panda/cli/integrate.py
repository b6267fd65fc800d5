"""Commands of the integration stage: trajectories of our systems, or published ones, and their card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Files,
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
    from panda.data.store import Trajectory, TrajectoryStore
    from panda.integration.trajectories import Length, Regenerated
    from panda.systems.library import FounderLibrary

app = typer.Typer(no_args_is_help=True)
Catalogue = Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")]
Train = Annotated[Path, typer.Option(help="file of training trajectories to write", metavar="FILE")]
Validation = Annotated[Path, typer.Option(help="file of validation trajectories to write", metavar="FILE")]
Test = Annotated[Path, typer.Option(help="file of test trajectories to write", metavar="FILE")]


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
    """Integrate one shard of the selected systems: one file per split, long test trajectories, trust horizons."""
    from panda.core.files import write_table
    from panda.core.progress import Progress
    from panda.data.store import write_trajectories
    from panda.discovery.catalogue.stored import CATALOGUE, read_catalogue
    from panda.discovery.own.founders import open_library
    from panda.integration.subsets import long_systems
    from panda.integration.trajectories import Length
    from panda.integration.trust import summary_line, trust_horizons, trust_table

    settings = load(config)
    check_shard(shard, settings.integrate.n_shards, "integrate.n_shards")
    rows, data = read_catalogue(catalogue, [*CATALOGUE, "strict"]), settings.integrate
    integration = settings.discover.search.integration
    chosen = long_systems(rows, data.long.n_systems, settings.seed)
    accepted = rows[rows["accepted"]].iloc[shard :: data.n_shards]
    to_lengthen = accepted[accepted["system"].isin(chosen)]
    opened, horizons = open_library(library, settings.discover), []
    with (
        recorded("integrate_systems", settings, [train, validation, test, long, trust], inputs=[catalogue]),
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


@app.command("import")
def import_published(
    folder: Annotated[Path, typer.Argument(help="folder of published trajectories", metavar="DIR")],
    train: Train,
    validation: Validation,
    test: Test,
    shard: Annotated[
        int | None,
        typer.Option(help="which of integrate.n_shards parts of its files; else all of them", min=0),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take published trajectories over into our files, split by founder."""
    from panda.core.progress import Progress
    from panda.data.external import find_published, own_split, read_published
    from panda.data.store import trajectory_writer

    settings = load(config)
    files = find_published(folder)
    if shard is not None:
        check_shard(shard, settings.integrate.n_shards, "integrate.n_shards")
    own = files if shard is None else files[shard :: settings.integrate.n_shards]
    paths = {"train": train, "validation": validation, "test": test}
    counts = dict.fromkeys([*paths, "left_out"], 0)
    strict = settings.discover.founders.strict_test(settings.discover.select.strict)
    with (
        recorded("import_trajectories", settings, list(paths.values()), inputs=own),
        ExitStack() as stack,
        Progress(len(own), "import trajectories", "files") as progress,
    ):
        writers = {split: stack.enter_context(trajectory_writer(path)) for split, path in paths.items()}
        for one in read_published(own, progress):
            split = own_split(one, settings.discover.founders)
            counts[split or "left_out"] += 1
            if split is not None:
                founders = filter(None, (one.trajectory.driver, one.trajectory.response))
                writers[split](replace(one.trajectory, strict=strict(*founders)))
    typer.echo("imported: " + ", ".join(f"{n} {what}" for what, n in counts.items()), err=True)


@app.command()
def card(
    files: Files,
    catalogue: Catalogue,
    output: Annotated[
        Path, typer.Option(help="README.md to write, above the files' folders", metavar="FILE")
    ],
    trust: Annotated[Path, typer.Option(help="table of all trust horizons to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write the dataset card of trajectory files, each in the folder of its split, and join their horizons."""
    import pandas as pd

    from panda.core.files import read_table, write_table, write_text
    from panda.core.provenance import check_one_run, git_state, versions
    from panda.data.card import dataset_card
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.integration.trust import summary_line, trust_table

    settings = load(config)
    tables = [path for path in files if path.suffix == ".parquet"]
    with recorded("write_card", settings, [output, trust], inputs=[catalogue, *files]):
        check_one_run(files, made_from=[catalogue])
        stores, names = by_split([path for path in files if path not in tables], output.parent)
        rows = read_catalogue(catalogue)
        check_shards(rows[rows["accepted"]], stores, settings.integrate.n_shards)
        horizons = pd.concat([trust_table([]), *map(read_table, tables)], ignore_index=True)
        horizons = horizons.sort_values(["system", "initial_condition"], ignore_index=True)
        text = dataset_card(
            stores,
            names,
            catalogue=rows,
            integration=settings.discover.search.integration,
            integrate=settings.integrate,
            trust=summary_line(horizons),
            seed=settings.seed,
            git=git_state(),
            versions=versions(),
        )
        write_table(horizons, trust)
        write_text(output, text)
    typer.echo(summary_line(horizons), err=True)


def check_shards(accepted: pd.DataFrame, stores: dict[str, TrajectoryStore], n_shards: int) -> None:
    """Refuse if no trajectory of a whole shard is there. (Of a shard single ones may be: those that escape.)

    Raises:
        PandaError: a shard is missing.
    """
    from panda.discovery.catalogue.shards import refuse_missing

    present = {system for store in stores.values() for system in store.table["system"]}
    shards = [set(accepted["system"].iloc[i::n_shards]) for i in range(n_shards)]
    escaped = {system for shard in shards if shard & present for system in shard - present}
    refuse_missing(shards, present | escaped, what="trajectories", key="integrate.n_shards")


def by_split(paths: list[Path], folder: Path) -> tuple[dict[str, TrajectoryStore], dict[str, list[str]]]:
    """Trajectory files by the folder each is in: opened, and the names of those that hold any.

    Raises:
        PandaError: a file is not in a folder of a split below `folder`.
    """
    from panda.core.errors import PandaError
    from panda.core.names import LONG, SPLITS
    from panda.data.store import TrajectoryStore

    groups: dict[str, list[Path]] = {split: [] for split in (*SPLITS, LONG)}
    for path in paths:
        if path.parent.name not in groups or path.parent.parent.resolve() != folder.resolve():
            raise PandaError(f"{path}: not in one of the folders {', '.join(groups)} of {folder}")
        groups[path.parent.name].append(path)
    stores = {split: TrajectoryStore.open(own) for split, own in groups.items()}
    names = {
        split: [f"{split}/{path.name}" for path in own if len(TrajectoryStore.open(path))]
        for split, own in groups.items()
    }
    return stores, names


def found(
    library: FounderLibrary,
    rows: pd.DataFrame,
    n_initial_conditions: dict[str, int],
    length: Length,
    config: Config,
    progress: Progress,
    first_condition: int = 0,
) -> Iterator[Regenerated]:
    """The systems' trajectories, integrated one batch after another."""
    from panda.integration.trajectories import regenerate

    return regenerate(
        library,
        rows,
        length,
        n_initial_conditions=n_initial_conditions,
        seed=config.seed,
        progress=progress,
        first_condition=first_condition,
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
            strict=bool(one.row.get("strict", False)),
            target=one.series,
        )
