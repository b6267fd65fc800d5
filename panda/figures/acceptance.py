"""The share of candidates that pass each filter of the discovery."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda.figures import inputs, style

KEY = "discover/acceptance"
FILTER_LABELS = {"zero_one": "0-1 test", "positive_exponent": "λ₁ > 0"}
COLUMNS = ["population", "order", "filter", "n_in", "n_passed"]


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """The acceptance table with `share_in` and `share_passed`, percent of the population's candidates."""
    frame = inputs.table(tables, KEY, COLUMNS).sort_values(["population", "order"], ignore_index=True)
    n_candidates = frame.groupby("population")["n_in"].transform("first").clip(lower=1)
    frame["share_in"] = 100.0 * frame["n_in"] / n_candidates
    frame["share_passed"] = 100.0 * frame["n_passed"] / n_candidates
    return frame


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A panel a population, a bar a filter in the order in which they run: what is left, and what it took."""
    data = shown(tables, arrays)
    populations = style.ordered_populations(data["population"])
    with style.context():
        if not populations:
            figure = style.new_figure(style.COLUMN_IN, 1.5)
            style.say(figure.subplots(), "No candidate was tested in this run.")
            return figure
        n_filters = int(data.groupby("population").size().max())
        width = style.PAGE_IN if len(populations) > 1 else style.COLUMN_IN + 0.75
        figure = style.new_figure(width, 0.19 * n_filters + 0.75)
        grid = figure.subplots(1, len(populations), squeeze=False, sharey=True)[0]
        for axes, population in zip(grid, populations, strict=True):
            _panel(axes, data[data["population"] == population], population)
        figure.supxlabel("candidates left, %", fontsize=7)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, population: str) -> None:
    tint = style.POPULATION_COLOURS.get(population, style.INK)
    places = range(len(rows))
    axes.barh(places, rows["share_in"], height=0.72, color=style.FAINT, lw=0)
    axes.barh(places, rows["share_passed"], height=0.72, color=tint, lw=0)
    for place, row in zip(places, rows.itertuples(), strict=True):
        passed = 100.0 * row.n_passed / row.n_in if row.n_in else float("nan")
        text = f"{row.n_passed:,} of {row.n_in:,}" + (f"  ({passed:.0f}%)" if row.n_in else "")
        axes.text(103, place, text, va="center", ha="left", fontsize=6, color=style.MUTED)
    names = [FILTER_LABELS.get(name, name.replace("_", " ")) for name in rows["filter"]]
    axes.set_yticks(list(places), names)
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(0, 158), ylim=(len(rows) - 0.4, -0.6), xticks=[0, 25, 50, 75, 100])
    axes.spines["bottom"].set_bounds(0, 100)
    total, kept = int(rows["n_in"].iloc[0]), int(rows["n_passed"].iloc[-1])
    axes.set_title(
        f"{style.population_label(population)}: {kept:,} of {total:,} pass all filters", loc="left"
    )
