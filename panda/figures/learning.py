"""Error of a model against the windows it has learned from, beside forecasters that learn nothing."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda.core.metrics import METRICS, metrics_of
from panda.figures import inputs, style

CURVES = "train/learning"
SHOWN = (*metrics_of("forecasts", headline=True), "valid_time")
COLUMNS = ("forecaster", "step", "n_windows", "population", "horizon", *SHOWN)


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """One row per (forecaster, windows learned from, population), at the shortest horizon.

    `n_windows` is missing for forecasters that do not learn.
    """
    curves = inputs.table(tables, CURVES, list(COLUMNS))
    return curves[curves["horizon"] == curves["horizon"].min()].reset_index(drop=True)


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A column per population, a row per metric; models are curves, other forecasters lines across."""
    data = shown(tables, arrays)
    with style.context():
        populations = style.ordered_populations(data["population"].unique())
        n_columns = max(1, len(populations))
        figure = style.new_figure(style.COLUMN_IN * n_columns, 1.6 * len(SHOWN) + 0.4)
        grid = figure.subplots(len(SHOWN), n_columns, squeeze=False, sharex=True, sharey="row")
        if data["n_windows"].dropna().empty:
            style.say(grid[0, 0], "No model kept weights on its way in this run.")
            return figure
        for row, metric in enumerate(SHOWN):
            for column, population in enumerate(populations):
                axes = grid[row, column]
                _panel(axes, data[data["population"] == population], metric)
                if row == 0:
                    axes.set_title(style.population_label(population))
                if row == len(SHOWN) - 1:
                    axes.set_xlabel("windows learned from")
            horizon = int(data["horizon"].iloc[0])
            grid[row, 0].set_ylabel(f"{METRICS[metric].axis}\nover {horizon} points")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)))
    return figure


def _panel(axes: Axes, data: pd.DataFrame, metric: str) -> None:
    axes.set_xscale("log")
    for name, group in data.groupby("forecaster", sort=True):
        colour, label = style.colour(str(name)), style.label(str(name))
        learned = group.dropna(subset="n_windows").sort_values("n_windows")
        if len(learned):
            windows = learned["n_windows"].astype(float)
            axes.plot(windows, learned[metric], color=colour, marker="o", ms=2.5, label=label)
        else:
            axes.axhline(group[metric].iloc[0], color=colour, lw=0.8, ls=(0, (4, 2)), label=label)
