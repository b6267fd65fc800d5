"""Searches of several generations beside searches of one, at equal CPU time."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda.figures import inputs, style

TABLE, CURVE = "discover/evolution", "discover/evolution_curve"
METHODS = {"one_generation": ("one generation", style.MUTED), "evolution": ("evolution", "#0072B2")}
ALONG = {"n_accepted": "systems accepted", "effective_number": "effective number of systems"}
# Measures at the end of the budget, from the top of the panel down.
AT_END = {
    "acceptance": "accepted of searched",
    "accepted_per_cpu_s": "accepted a CPU second",
    "n_resolved": "well sampled",
    "effective_number": "effective number",
    "effective_number_resolved": "the same, of the well sampled",
    "effective_number_equal": "the same, of equally many",
    "mean_distance": "mean distance",
    "exponent_spread": "spread of ln λ₁T",
    "dimension_spread": "spread of dimension",
    "n_founder_pairs": "founder pairs",
}
COLUMNS = ["method", "seed", "budget_cpu_s", "n_candidates", "n_equal", *AT_END]


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """Long: method, seed, cpu_s, measure, value, and `relative`: to the mean of one generation at the end."""
    end = inputs.table(tables, TABLE, COLUMNS).rename(columns={"budget_cpu_s": "cpu_s"})
    along = inputs.table(tables, CURVE, ["method", "seed", "cpu_s", *ALONG])
    keys = ["method", "seed", "cpu_s"]
    last = end.melt(keys, var_name="measure", value_name="value").assign(at_end=True)
    path = along.melt(keys, var_name="measure", value_name="value").assign(at_end=False)
    # Concatenation of an empty part would make the flag an object.
    frame = pd.concat([part for part in (last, path) if len(part)] or [last], ignore_index=True)
    one = last[last["method"] == "one_generation"].groupby("measure")["value"].mean()
    frame["relative"] = frame["value"] / frame["measure"].map(one)
    return frame


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A and B, what each search had found against CPU time; C, measures at the end, relative to one generation."""
    data = shown(tables, arrays)
    with style.context():
        if data.empty:
            figure = style.new_figure(style.COLUMN_IN, 1.5)
            style.say(figure.subplots(), "No comparison of searches in this run.")
            return figure
        figure = style.new_figure(style.PAGE_IN, 2.5)
        first, second, third = figure.subplots(1, 3, width_ratios=[1, 1, 1.15])
        for axes, (measure, name) in zip((first, second), ALONG.items(), strict=True):
            _along(axes, data[(data["measure"] == measure) & ~data["at_end"].astype(bool)], name)
        _at_end(third, data[data["at_end"].astype(bool)])
        for axes, text in zip((first, second, third), "ABC", strict=True):
            style.letter(axes, text)
        for place, (name, tint) in enumerate(METHODS.values()):
            first.text(0.04, 0.97 - 0.09 * place, name, transform=first.transAxes, color=tint, va="top")
    return figure


def _along(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    for (method, _), line in rows.groupby(["method", "seed"], sort=False):
        axes.plot(line["cpu_s"], line["value"], color=METHODS[method][1], lw=0.9)
    axes.set(xlabel="CPU time, s", ylabel=name, xlim=(0, None), ylim=(0, None))


def _at_end(axes: Axes, rows: pd.DataFrame) -> None:
    """One row per measure, one dot per seed: where the dots of the two methods do not overlap, the seeds agree."""
    for place, measure in enumerate(AT_END):
        for aside, (method, (_, tint)) in zip((-0.14, 0.14), METHODS.items(), strict=True):
            own = rows[(rows["measure"] == measure) & (rows["method"] == method)]
            axes.plot(own["relative"], [place + aside] * len(own), "o", color=tint, ms=3, alpha=0.8, mew=0)
    axes.axvline(1.0, color=style.FAINT, lw=0.6, zorder=0)
    axes.set_yticks(range(len(AT_END)), list(AT_END.values()))
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(AT_END) - 0.5, -0.5), xlabel="relative to one generation")
