"""Commands of the evaluation stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, Files, Output, check_all_there, load, recorded

app = typer.Typer(no_args_is_help=True)
Scores = Annotated[Path, typer.Option(help="table of scores to write", metavar="FILE")]
DataSet = Annotated[str, typer.Option(help="a data set of evaluate.datasets", metavar="NAME")]
Forecaster = Annotated[str, typer.Option(help="a model or a baseline", metavar="NAME")]
State = Annotated[str, typer.Option(help="weights or fitted state, if it has any", metavar="FILE")]


@app.command()
def forecast(
    series: Files,
    dataset: DataSet,
    forecaster: Forecaster,
    output: Output,
    state: State = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Forecast the windows of a data set by one forecaster; the windows are the same for all."""
    from panda.cli.forecasters import depends, make_forecaster, state_path
    from panda.config.arena import reads_of, rules_of
    from panda.core.files import write_arrays
    from panda.core.progress import Progress
    from panda.core.provenance import spent
    from panda.data.series import open_series
    from panda.evaluation.forecasts import forecast_windows
    from panda.evaluation.windows import draw_windows

    settings = load(config)
    rules, path = rules_of(settings, dataset), state_path(state)
    needs = depends(settings, forecaster)
    with recorded(
        "forecast_series",
        settings,
        [output],
        inputs=[*series, *([path] if path else [])],
        reads=(*reads_of(dataset), *needs["reads"]),
        code=needs["code"],
    ) as record:
        made = make_forecaster(settings, forecaster, path)
        windows = draw_windows(open_series(series, name=dataset), rules, seed=settings.seed)
        title = f"forecast {dataset} by {forecaster}"
        with spent(record, "forecast"), Progress(len(windows), title, "windows") as progress:
            found = forecast_windows(made, windows, rules, progress=progress)
        write_arrays(output, **found.arrays())


@app.command()
def score(
    forecasts: Files,
    series: Annotated[
        list[Path], typer.Option(help="the series that were forecast; repeat for each file", metavar="FILE")
    ],
    dataset: DataSet,
    scores: Scores,
    examples: Annotated[Path, typer.Option(help="example forecasts to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Score stored forecasts of a data set; no model or baseline is run."""
    import pandas as pd

    from panda.config.arena import reads_of, rules_of
    from panda.core.files import read_arrays, write_arrays, write_table
    from panda.core.progress import Progress
    from panda.core.provenance import check_one_run
    from panda.data.series import open_series
    from panda.evaluation.forecasts import Forecasts
    from panda.evaluation.score import example_forecasts
    from panda.evaluation.score import score as score_windows
    from panda.evaluation.windows import draw_windows

    settings = load(config)
    rules = rules_of(settings, dataset)
    with recorded(
        "score_forecasts",
        settings,
        [scores, examples],
        inputs=[*forecasts, *series],
        reads=reads_of(dataset),
    ):
        check_one_run(forecasts, made_from=series)
        windows = draw_windows(open_series(series, name=dataset), rules, seed=settings.seed)
        stored = [Forecasts.from_arrays(read_arrays(path), str(path)) for path in forecasts]
        tables = []
        with Progress(len(stored), f"score {dataset}", "forecasters") as progress:
            for one in stored:
                tables.append(score_windows(one, windows, rules))
                progress.advance()
        write_arrays(examples, **example_forecasts(stored, windows, rules, seed=settings.seed))
        write_table(pd.concat(tables, ignore_index=True), scores)


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
    dataset: DataSet,
    summary: Annotated[Path, typer.Option(help="table over systems to write", metavar="FILE")],
    by_system: Annotated[Path, typer.Option(help="table of one row per system to write", metavar="FILE")],
    significance: Annotated[Path, typer.Option(help="table of paired tests to write", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Medians, means and intervals over the systems of a data set, and paired tests, of all its forecasters."""
    import pandas as pd

    from panda.config.arena import check_dataset, contestants, forecasters_key, made_of, summary_reads_of
    from panda.core.files import read_table, write_table
    from panda.core.provenance import check_one_run
    from panda.evaluation import summary as summaries
    from panda.evaluation.paired import founders_by_name, with_differences
    from panda.evaluation.significance import compare

    settings = load(config)
    check_dataset(settings, dataset)
    with recorded(
        "summarise_scores",
        settings,
        [summary, by_system, significance],
        inputs=scores,
        reads=summary_reads_of(dataset),
    ):
        check_one_run(scores, shared=made_of(settings, dataset))
        table = pd.concat([read_table(path, ["strict"]) for path in scores], ignore_index=True)
        wanted, key = contestants(settings, dataset), forecasters_key(settings, dataset)
        check_all_there(table["forecaster"].unique(), wanted, what="scores", key=key)
        table = table[table["forecaster"].isin(wanted)]
        systems = summaries.by_system(table)
        write_table(systems, by_system)
        series = settings.evaluate.datasets[dataset].series
        unseen = summaries.unseen_founders(series, settings.discover.founders)
        found = summaries.summarise(table, settings.evaluate, held_out=unseen, seed=settings.seed)
        write_table(found, summary)
        tests = compare(systems, settings.evaluate)
        founders = founders_by_name(summaries.with_units(table))
        write_table(
            with_differences(tests, systems, founders, settings.evaluate, seed=settings.seed), significance
        )
