"""The share of candidates that pass each filter of the discovery."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from panda.figures import inputs, style

KEY = "discover/acceptance"
# How an integration ends early: the grey of its share, and its name.
ENDS = {
    "n_diverged": ("#D9D9D9", "diverged"),
    "n_underflow": ("#ABABAB", "step too small"),
    "n_budget": ("#7D7D7D", "step budget spent"),
    "n_acausal": ("#4F4F4F", "delay not positive"),
}
COLUMNS = ["population", "order", "filter", "n_in", "n_passed", *ENDS, "n_accepted"]


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
        figure = style.new_figure(width, 0.19 * n_filters + 1.2)
        grid = figure.subplots(1, len(populations), squeeze=False, sharey=True)[0]
        for axes, population in zip(grid, populations, strict=True):
            _panel(axes, data[data["population"] == population], population)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, population: str) -> None:
    tint = style.POPULATION_COLOURS.get(population, style.INK)
    places = range(len(rows))
    total = int(rows["n_in"].iloc[0])
    axes.barh(places, rows["share_in"], height=0.72, color=style.FAINT, lw=0)
    axes.barh(places, rows["share_passed"], height=0.72, color=tint, lw=0)
    _ends(axes, rows, max(total, 1))
    for place, row in zip(places, rows.itertuples(), strict=True):
        passed = 100.0 * row.n_passed / row.n_in if row.n_in else float("nan")
        text = f"{row.n_passed:,} of {row.n_in:,}" + (f"  ({passed:.0f}%)" if row.n_in else "")
        axes.text(103, place, text, va="center", ha="left", fontsize=6, color=style.MUTED)
    names = [style.filter_label(name) for name in rows["filter"]]
    axes.set_yticks(list(places), names)
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(0, 158), ylim=(len(rows) - 0.4, -0.6), xticks=[0, 25, 50, 75, 100])
    axes.set_xlabel("candidates left, %", loc="left")
    axes.spines["bottom"].set_bounds(0, 100)
    kept, accepted = int(rows["n_passed"].iloc[-1]), int(rows["n_accepted"].iloc[-1])
    title = f"{style.population_label(population)}: {kept:,} of {total:,} pass all filters"
    if accepted > kept:
        # Of any length it must end within the panel, whose text reaches to 158%.
        title += f"\n{accepted:,} with {accepted - kept:,} founders kept regardless"
    axes.set_title(title, loc="left", linespacing=1.3)


def _ends(axes: Axes, rows: pd.DataFrame, total: int) -> None:
    """Divide what was lost by how its integration ended, with the counts."""
    handles = []
    left = rows["share_passed"].to_numpy(float).copy()
    for column, (grey, name) in ENDS.items():
        count = rows[column].to_numpy(float)
        if not count.any():
            continue
        axes.barh(range(len(rows)), 100.0 * count / total, height=0.72, left=left, color=grey, lw=0)
        left += 100.0 * count / total
        handles.append(Patch(facecolor=grey, label=f"{name}: {int(count.sum()):,}"))
    if handles:
        axes.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0, -0.16), borderaxespad=0, ncols=2,
            fontsize=6, handlelength=0.9, handleheight=0.9, columnspacing=1.0, handletextpad=0.4,
            title="not integrated:", title_fontsize=6, alignment="left",
        )  # fmt: skip
