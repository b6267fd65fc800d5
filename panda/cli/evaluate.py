"""Commands of the evaluation stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, Files, check_all_there, load, recorded

app = typer.Typer(no_args_is_help=True)
Scores = Annotated[Path, typer.Option(help="table of scores to write", metavar="FILE")]
Forecaster = Annotated[str, typer.Option(help="a model or a baseline", metavar="NAME")]
State = Annotated[str, typer.Option(help="weights or fitted state, if it has any", metavar="FILE")]


@app.command()
def score(
    trajectories: Files,
    forecaster: Forecaster,
    scores: Scores,
    forecasts: Annotated[Path, typer.Option(help="example forecasts to write", metavar="FILE")],
    state: State = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Score one forecaster on the test windows, which are the same for all."""
    from panda.cli.forecasters import depends, make_forecaster, state_path
    from panda.core.files import write_arrays, write_table
    from panda.core.progress import Progress
    from panda.data.store import TrajectoryStore
    from panda.evaluation.score import example_forecasts
    from panda.evaluation.score import score as score_windows
    from panda.evaluation.windows import draw_windows

    settings = load(config)
    path = state_path(state)
    with recorded(
        "score_forecaster",
        settings,
        [scores, forecasts],
        inputs=[*trajectories, *([path] if path else [])],
        **depends(settings, forecaster),
    ):
        made = make_forecaster(settings, forecaster, path)
        windows = draw_windows(TrajectoryStore.open(trajectories), settings.evaluate, seed=settings.seed)
        with Progress(len(windows.plan), f"score {forecaster}", "windows") as progress:
            table = score_windows(made, windows, settings.evaluate, progress=progress)
        examples = example_forecasts(made, windows, settings.evaluate, seed=settings.seed)
        write_arrays(forecasts, **examples)
        write_table(table, scores)


@app.command()
def complete(
    trajectories: Files,
    state: Annotated[Path, typer.Option(help="weights of the masked model", metavar="FILE")],
    scores: Scores,
    arrays: Annotated[Path, typer.Option(help="example completions to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Score the masked model's completions, beside naive imputers."""
    from panda.cli.forecasters import device_of
    from panda.core.files import require, write_arrays, write_table
    from panda.core.progress import Progress
    from panda.data.store import TrajectoryStore
    from panda.evaluation.completions import score_completions
    from panda.evaluation.windows import draw_windows
    from panda.model.weights import load_model

    settings = load(config)
    with recorded("score_completions", settings, [scores, arrays], inputs=[*trajectories, state]):
        windows = draw_windows(TrajectoryStore.open(trajectories), settings.evaluate, seed=settings.seed)
        with Progress(len(windows.plan), "score completions", "windows") as progress:
            found = score_completions(
                load_model(require(state).parent),
                windows,
                settings.evaluate,
                name=settings.evaluate.completion_model or "panda_mlm",
                threads=settings.train.threads,
                device=device_of(settings),
                seed=settings.seed,
                progress=progress,
            )
        write_arrays(arrays, **found.arrays)
        write_table(found.table, scores)


@app.command()
def summarise(
    scores: Files,
    summary: Annotated[Path, typer.Option(help="table over systems to write", metavar="FILE")],
    by_system: Annotated[Path, typer.Option(help="table of one row per system to write", metavar="FILE")],
    significance: Annotated[Path, typer.Option(help="table of paired tests to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Medians and intervals over systems, and paired tests, from the scores of all forecasters."""
    import pandas as pd

    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.evaluation import summary as summaries
    from panda.evaluation.significance import compare

    settings = load(config)
    with recorded("summarise_scores", settings, [summary, by_system, significance], inputs=scores):
        check_one_run(scores, shared=".arrow")
        table = pd.concat([read_table(path, ["strict"]) for path in scores], ignore_index=True)
        check_all_there(
            table["forecaster"].unique(),
            settings.evaluate.forecasters,
            what="scores",
            key="evaluate.forecasters",
        )
        systems = summaries.by_system(table)
        write_table(systems, by_system)
        held_out = settings.discover.founders.test_names
        medians = summaries.summarise(table, settings.evaluate, held_out=held_out, seed=settings.seed)
        write_table(medians, summary)
        write_table(compare(systems, settings.evaluate), significance)
