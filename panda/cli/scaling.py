"""Commands of the scaling stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import (
    DEFAULT_CONFIG,
    DEFAULT_LIBRARY,
    ConfigFile,
    Library,
    Output,
    Shard,
    check_shard,
    load,
    recorded,
)

app = typer.Typer(no_args_is_help=True)


@app.command("integrate")
def integrate_subsets(
    catalogue: Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")],
    shard: Shard,
    output: Output,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate one shard of the nested subsets: half the systems, twice the initial conditions, ..."""
    from panda.cli.integrate import found, stored
    from panda.core.progress import Progress
    from panda.data.store import write_trajectories
    from panda.discovery.own import open_library
    from panda.discovery.stored import read_catalogue
    from panda.discovery.subsets import initial_conditions, nested_ranks
    from panda.discovery.trajectories import Length

    settings = load(config)
    check_shard(shard, settings.scaling.n_shards, "scaling.n_shards")
    ranked = nested_ranks(read_catalogue(catalogue), settings.seed)
    _check_enough(len(ranked), settings.scaling.n_points, catalogue)
    own = ranked.iloc[shard :: settings.scaling.n_shards]
    counts = {
        system: initial_conditions(len(ranked), rank, settings.scaling.n_points)
        for system, rank in zip(own["system"], own["rank"], strict=True)
    }
    with (
        recorded(
            settings,
            [output],
            inputs=[catalogue],
            parts=["scaling.n_points", "integrate.n_periods", "discover.search.integration"],
            roots=["panda.discovery.subsets", "panda.discovery.trajectories", "panda.data.store"],
        ),
        Progress(len(own), f"integrate subsets, shard {shard}", "systems") as progress,
    ):
        length = Length(settings.discover.search.integration, settings.integrate.n_periods)
        opened = open_library(library, settings.discover)
        write_trajectories(output, stored(found(opened, own, counts, length, settings, progress)))


def _check_enough(n_systems: int, n_points: int, catalogue: Path) -> None:
    """Refuse subsets that would be the same.

    Raises:
        PandaError: the catalogue has fewer training systems than the halvings need.
    """
    from panda.config.whole import systems_for
    from panda.core.errors import PandaError

    if n_systems < systems_for(n_points):
        raise PandaError(
            f"{catalogue}: {n_systems} accepted training systems; scaling.n_points {n_points} halves them to less than "
            f"one; set it to at most {n_systems.bit_length()}"
        )


@app.command()
def fit(
    scores: Annotated[list[Path], typer.Option(help="score tables of the sweep's models, in order")],
    catalogue: Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")],
    points: Annotated[Path, typer.Option(help="table of points to write", metavar="FILE")],
    fit: Annotated[Path, typer.Option(help="table of the fit to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Fit c0 + c1 N^-alpha to the error against the number of training systems."""
    from panda.analysis.scaling_law import fit_table
    from panda.analysis.scaling_points import scaling_points
    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.discovery.stored import read_catalogue
    from panda.discovery.subsets import nested_ranks, subset_size

    settings = load(config)
    with recorded(
        settings,
        [points, fit],
        inputs=[*scores, catalogue],
        parts=["scaling", "evaluate.horizons"],
        roots=["panda.analysis.scaling_points", "panda.analysis.scaling_law"],
    ):
        check_one_run(scores, shared=".arrow")
        n_systems = len(nested_ranks(read_catalogue(catalogue), settings.seed))
        sizes = [subset_size(n_systems, split) for split in range(settings.scaling.n_points)]
        table = scaling_points([read_table(path) for path in scores], sizes)
        write_table(table, points)
        law = fit_table(
            table,
            confidence=settings.evaluate.confidence,
            alpha_max=settings.scaling.alpha_max,
            max_ratio=settings.scaling.max_ratio,
            n_resamples=settings.scaling.n_bootstrap,
            root_seed=settings.seed,
        )
        write_table(law, fit)
