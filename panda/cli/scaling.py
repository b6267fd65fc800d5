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
    check_all_there,
    check_shard,
    load,
    recorded,
)

app = typer.Typer(no_args_is_help=True)


@app.command("integrate")
def integrate_subsets(
    catalogue: Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")],
    split: Annotated[int, typer.Option(help="which subset: N / 2^SPLIT systems", min=1)],
    shard: Shard,
    output: Output,
    config: ConfigFile = DEFAULT_CONFIG,
    library: Library = DEFAULT_LIBRARY,
) -> None:
    """Integrate one shard of what a nested subset has beyond the larger ones: more trajectories of its systems."""
    from panda.cli.integrate import found, stored
    from panda.core.progress import Progress
    from panda.data.store import write_trajectories
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.discovery.own.founders import open_library
    from panda.integration.subsets import added_conditions, nested_ranks, subset_size
    from panda.integration.trajectories import Length

    settings = load(config)
    check_shard(shard, settings.scaling.n_shards, "scaling.n_shards")
    ranked = nested_ranks(read_catalogue(catalogue), settings.seed)
    _check_enough(len(ranked), split, catalogue)
    subset = ranked[ranked["rank"] < subset_size(len(ranked), split)]
    own, conditions = subset.iloc[shard :: settings.scaling.n_shards], added_conditions(split)
    counts = dict.fromkeys(own["system"], len(conditions))
    with (
        recorded("integrate_subsets", settings, [output], inputs=[catalogue]),
        Progress(len(own), f"integrate subset {split}, shard {shard}", "systems") as progress,
    ):
        length = Length(settings.discover.search.integration, settings.integrate.n_periods)
        opened = open_library(library, settings.discover)
        further = found(opened, own, counts, length, settings, progress, first_condition=conditions.start)
        write_trajectories(output, stored(further))


def _check_enough(n_systems: int, split: int, catalogue: Path) -> None:
    """Refuse a subset that would be no smaller than the one before.

    Raises:
        PandaError: the catalogue has fewer training systems than the halvings need.
    """
    from panda.config.whole import systems_for
    from panda.core.errors import PandaError

    if n_systems < systems_for(split + 1):
        raise PandaError(
            f"{catalogue}: {n_systems} accepted training systems; subset {split} halves them to less than one; set "
            f"scaling.n_points to at most {n_systems.bit_length()}"
        )


@app.command()
def fit(
    scores: Annotated[list[Path], typer.Option(help="score tables that hold the sweep's models")],
    catalogue: Annotated[Path, typer.Option(help="catalogue of systems", metavar="FILE")],
    points: Annotated[Path, typer.Option(help="table of points to write", metavar="FILE")],
    fit: Annotated[Path, typer.Option(help="table of the fit to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Fit c0 + c1 N^-alpha to the error against the number of training systems."""
    import pandas as pd

    from panda.analysis.scaling_law import fit_table
    from panda.analysis.scaling_points import scaling_points
    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.discovery.catalogue.stored import read_catalogue
    from panda.integration.subsets import nested_ranks, subset_size

    settings = load(config)
    with recorded("fit_scaling", settings, [points, fit], inputs=[*scores, catalogue]):
        check_one_run(scores, shared=(".arrow",))
        n_systems = len(nested_ranks(read_catalogue(catalogue), settings.seed))
        sizes = [subset_size(n_systems, split) for split in range(settings.scaling.n_points)]
        found = pd.concat([read_table(path) for path in scores], ignore_index=True)
        models = settings.scaling_forecasters()
        check_all_there(found["forecaster"].unique(), models, what="scores", key="scaling.n_points")
        table = scaling_points([found[found["forecaster"] == model] for model in models], sizes)
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
