"""Measured series: a forecast of each, and every forecaster's errors beside."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda.core.labels import data_set_label
from panda.core.metrics import METRICS, metrics_of
from panda.figures import inputs, style
from panda.figures.choice import model_and_baseline

SCORES = "scores/"
SHOWN = tuple(metrics_of("forecasts", headline=True))
NEAR = (
    128  # the horizon nearest to one call of the paper's model is drawn; the data beside the figure hold all
)
CONTEXT_PER_HORIZON = 1.5  # points of the context that are drawn, for each that is forecast
QUARTILES = {"q25": 0.25, "q75": 0.75}
COLUMNS = ["panel", "dataset", "forecaster", "metric", "horizon", "x", "y", "q25", "q75", "n"]


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """All that is drawn, and the errors at the other horizons, in one long table.

    Panel A: `y` is the first channel in units of the context's mean and standard deviation at step `x` after the context,
    of the context, the truth, the model and the baseline of least error (`forecaster`), to the `horizon` drawn.
    Panel B: mean (`y`) and quartiles of a `metric` over `n` windows of a series at a `horizon`.
    """
    parts = []
    for dataset in _data_sets(tables):
        errors = _errors(tables, dataset)
        parts += [errors, _example(arrays, dataset, errors)]
    there = [part.reindex(columns=COLUMNS) for part in parts if not part.empty]
    return pd.concat(there, ignore_index=True) if there else pd.DataFrame(columns=COLUMNS)


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A row per series: its forecast, and the errors of all forecasters."""
    data = shown(tables, arrays)
    datasets = list(dict.fromkeys(data["dataset"]))
    with style.context():
        figure = style.new_figure(style.PAGE_IN, 1.75 * max(1, len(datasets)))
        ratios = [2.3, *([1] * len(SHOWN))]
        grid = figure.subplots(max(1, len(datasets)), len(ratios), squeeze=False, width_ratios=ratios)
        if not datasets:
            for axes in grid[0]:
                style.say(axes, "No measured series was forecast in this run.")
        for row, dataset in zip(grid, datasets, strict=False):
            rows = data[data["dataset"] == dataset]
            _draw_example(row[0], rows[rows["panel"] == "A"], dataset)
            errors = _drawn(rows[rows["panel"] == "B"])
            for axes, metric in zip(row[1:], SHOWN, strict=True):
                _draw_errors(axes, errors, metric, named=axes is row[1])
    return figure


def _data_sets(tables: inputs.Tables) -> list[str]:
    """The data sets of the tables of scores that are there, in their order."""
    return list(dict.fromkeys(key.split("/")[1] for key in tables if key.startswith(SCORES)))


def _errors(tables: inputs.Tables, dataset: str) -> pd.DataFrame:
    """Panel B of one data set."""
    columns = ["forecaster", "window", "horizon", *SHOWN]
    keys = [key for key in tables if key.startswith(f"{SCORES}{dataset}/")]
    scores = pd.concat([inputs.table(tables, key, columns) for key in keys], ignore_index=True)
    rows = []
    for (forecaster, horizon), group in scores.groupby(["forecaster", "horizon"], sort=True):
        for metric in SHOWN:
            values = group[metric].to_numpy(float)
            # A failed forecast has an infinite error: quantiles must be members, not means of neighbours.
            levels = np.quantile(values, list(QUARTILES.values()), method="inverted_cdf")
            rows.append(
                {"panel": "B", "dataset": dataset, "forecaster": forecaster, "metric": metric}
                | {"horizon": horizon, "y": values.mean(), "n": len(values)}
                | dict(zip(QUARTILES, levels, strict=True))
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _drawn(errors: pd.DataFrame) -> pd.DataFrame:
    """The errors at the horizon that is drawn."""
    horizon = min(errors["horizon"].unique(), key=lambda h: (abs(h - NEAR), h))
    return errors[errors["horizon"] == horizon]


def _example(arrays: inputs.Arrays, dataset: str, errors: pd.DataFrame) -> pd.DataFrame:
    """Panel A of one data set: the first channel of the window that its scores keep."""
    found = inputs.examples(arrays, dataset, ["context", "truth", "forecast"])
    errors = _drawn(errors)
    of_mae = errors[errors["metric"] == "mae"].set_index("forecaster")["y"]
    horizon, frames = int(errors["horizon"].iloc[0]), []
    for forecaster in model_and_baseline([name for name in found if name in of_mae], of_mae):
        example = {name: values[0, :, 0].astype(float) for name, values in found[forecaster].items()}
        context = example["context"]
        mean, std = context.mean(), max(context.std(), 1e-12)
        series = {forecaster: example["forecast"][:horizon]}
        if not frames:
            series |= {"truth": example["truth"][:horizon]}
            series |= {"context": context[-int(CONTEXT_PER_HORIZON * horizon) :]}
        for name, values in series.items():
            first = -len(values) if name == "context" else 0
            columns = {"panel": "A", "dataset": dataset, "forecaster": name, "horizon": horizon}
            frames.append(
                pd.DataFrame(columns | {"x": first + np.arange(len(values)), "y": (values - mean) / std})
            )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)


def _draw_example(axes: Axes, data: pd.DataFrame, dataset: str) -> None:
    axes.set_title(data_set_label(dataset).partition(", ")[2] or dataset, loc="left")
    if data.empty:
        style.say(axes, "No example was kept in this run.")
        return
    for name, group in data.groupby("forecaster", sort=False):
        if name in ("context", "truth"):
            axes.plot(group["x"], group["y"], color=style.INK, lw=0.8)
        else:
            dashes = "-" if style.is_panda(str(name)) else (0, (3, 1.2))
            axes.plot(group["x"], group["y"], color=style.colour(str(name)), lw=1.1, ls=dashes, zorder=3)
    axes.axvspan(data["x"].min(), 0, color="#F1F1F1", lw=0, zorder=0)
    axes.set(xlim=(data["x"].min(), data["x"].max()), ylabel="first channel,\ncontext s.d.")
    axes.set_xlabel("steps after the context")


def _draw_errors(axes: Axes, errors: pd.DataFrame, metric: str, *, named: bool) -> None:
    """Means as dots and quartiles as bars, best mean absolute error on top."""
    order = errors[errors["metric"] == "mae"].sort_values("y", kind="stable")["forecaster"].tolist()
    rows = errors[errors["metric"] == metric].set_index("forecaster")
    for place, name in enumerate(order):
        row, tint = rows.loc[name], style.colour(name)
        if np.isfinite(row["q75"]):
            axes.plot([row["q25"], row["q75"]], [place, place], color=tint, lw=1.6, alpha=0.45)
        if np.isfinite(row["y"]):
            axes.plot(row["y"], place, color=tint, marker="o", ms=3.2)
    axes.set_yticks(range(len(order)), [style.label(name) for name in order] if named else [])
    for text, name in zip(axes.get_yticklabels(), order, strict=False):
        text.set_color(style.colour(name))
    axes.set(ylim=(len(order) - 0.4, -0.6), xlim=(0, None))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=style.FAINT, lw=0.4)
    axes.set_axisbelow(True)
    axes.set_xlabel(
        f"{METRICS[metric].axis},\n{int(rows['horizon'].iloc[0])} steps, n = {int(rows['n'].iloc[0])}"
    )
