"""Figure 2: example forecasts, errors by forecaster, and error against horizon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from panda.core.metrics import METRICS, metrics_of
from panda.figures import inputs, style
from panda.figures.choice import models_and_baseline

SUMMARY, SYSTEMS, DATA_SET = "evaluate/test/summary", "evaluate/test/by_system", "test"
BOX_HORIZON = 128  # boxes stand at the horizon nearest to one head call of the paper's model
AXES = {name: METRICS[name].axis for name in metrics_of("forecasts", headline=True)}
CONTEXT_SHOWN = 192  # last points of the context that are drawn
N_EXAMPLES, EXAMPLES_A_ROW = 6, 2
QUANTILES = {"low": 0.05, "q25": 0.25, "y": 0.5, "q75": 0.75, "high": 0.95}
COLUMNS = ["panel", "name", "population", "forecaster", "metric", "x", "y", "low", "q25", "q75", "high", "n"]


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """All that is drawn, in one long table.

    Panel A: `y` is coordinate 1 or 2 (`metric`) in units of the context's mean and standard deviation at step
    `x` after the context, of the context, the truth, the model, the best model if that is another, and the best baseline
    (`forecaster`).
    Panel B: median (`y`), quartiles and 5 to 95% (`low`, `high`) over `n` systems at horizon `x`.
    Panel C: median with its interval (`low`, `high`) over `n` systems at horizon `x`.
    """
    systems = inputs.table(tables, SYSTEMS, ["forecaster", "population", "name", "horizon", *AXES])
    parts = [_examples(systems, arrays), _boxes(systems), _curves(tables)]
    # An empty part has columns of no type, and numbers beside it would lose theirs.
    there = [part.reindex(columns=COLUMNS) for part in parts if not part.empty]
    return pd.concat(there, ignore_index=True) if there else pd.DataFrame(columns=COLUMNS)


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """Panels A, B and C below each other on one page width."""
    data = shown(tables, arrays)
    panels = {name: data[data["panel"] == name] for name in "ABC"}
    n_rows = max(1, -(-panels["A"]["name"].nunique() // EXAMPLES_A_ROW))
    n_forecasters = max(2, panels["B"]["forecaster"].nunique())
    heights = [0.35 + 0.92 * n_rows, 0.65 + 0.2 * n_forecasters, 2.5]
    with style.context():
        figure = style.new_figure(style.PAGE_IN, sum(heights))
        top, middle, bottom = figure.subfigures(3, 1, squeeze=False, height_ratios=heights)[:, 0]
        _draw_examples(top, panels["A"])
        _draw_boxes(middle, panels["B"])
        examples = [name for name in panels["A"]["forecaster"].unique() if name not in ("context", "truth")]
        _draw_curves(bottom, panels["C"], examples or _model_and_best(panels["C"]))
    return figure


def _examples(systems: pd.DataFrame, arrays: inputs.Arrays) -> pd.DataFrame:
    found = inputs.examples(arrays, DATA_SET, ["context", "truth", "forecast", "names"])
    frames = []
    longest = systems[systems["horizon"] == systems["horizon"].max()]
    error = longest.groupby("forecaster")["smape"].median()
    for forecaster in models_and_baseline(_contestants(list(found), systems), error):
        example = found[forecaster]
        context = example["context"].astype(float)
        mean, std = context.mean(axis=1, keepdims=True), np.maximum(context.std(axis=1, keepdims=True), 1e-12)
        series = {forecaster: example["forecast"]}
        if not frames:
            series = {"context": context[:, -CONTEXT_SHOWN:], "truth": example["truth"]} | series
        for kind, values in series.items():
            first = -values.shape[1] if kind == "context" else 0
            scaled = ((values - mean) / std)[:N_EXAMPLES, :, :2]
            for index, name in enumerate(example["names"][:N_EXAMPLES].astype(str)):
                for coordinate in range(2):
                    y = scaled[index, :, coordinate]
                    columns = {"panel": "A", "name": f"{index + 1}:{name}", "forecaster": kind, "y": y}
                    columns |= {"metric": f"coordinate {coordinate + 1}", "x": first + np.arange(len(y))}
                    frames.append(pd.DataFrame(columns))
    return pd.concat(frames) if frames else pd.DataFrame(columns=COLUMNS)


def _contestants(names: list[str], systems: pd.DataFrame) -> list[str]:
    """Those that are summarised: a table of scores may hold models of the scaling sweep, too."""
    summarised = set(systems["forecaster"])
    return [name for name in names if name in summarised] if summarised else names


def _boxes(systems: pd.DataFrame) -> pd.DataFrame:
    if systems.empty:
        return pd.DataFrame(columns=COLUMNS)
    horizons = systems["horizon"].unique()
    at = systems[systems["horizon"] == min(horizons, key=lambda h: (abs(h - BOX_HORIZON), h))]
    rows = []
    for (forecaster, population), group in at.groupby(["forecaster", "population"], sort=True):
        for metric in AXES:
            values = group[metric].dropna().to_numpy(float)
            if not len(values):
                continue
            # Failed forecasts have infinite errors: quantiles must be members, not means of neighbours.
            levels = np.quantile(values, list(QUANTILES.values()), method="inverted_cdf")
            key = {"panel": "B", "forecaster": forecaster, "population": population, "metric": metric}
            rows.append(
                key
                | {"x": group["horizon"].iloc[0], "n": len(values)}
                | dict(zip(QUANTILES, levels, strict=True))
            )
    return pd.DataFrame(rows)


def _curves(tables: inputs.Tables) -> pd.DataFrame:
    columns = [
        "forecaster",
        "population",
        "horizon",
        "metric",
        "median",
        "median_low",
        "median_high",
        "n_systems",
    ]
    frame = inputs.table(tables, SUMMARY, columns)
    frame = frame[(frame["metric"] == "smape") & frame["population"].isin(style.POPULATIONS)]
    names = {"horizon": "x", "median": "y", "median_low": "low", "median_high": "high", "n_systems": "n"}
    return frame.rename(columns=names).assign(panel="C").sort_values(["population", "forecaster", "x"])


def _draw_examples(figure: SubFigure, data: pd.DataFrame) -> None:
    examples = list(dict.fromkeys(data["name"]))
    if not examples:
        style.say(figure.subplots(), "No example forecasts in this run.")
        return
    n_columns = min(EXAMPLES_A_ROW, len(examples))
    n_rows = -(-len(examples) // n_columns)
    ratios = [2.8, 1] * n_columns
    grid = figure.subplots(n_rows, 2 * n_columns, squeeze=False, width_ratios=ratios)
    for index in range(n_rows * n_columns):
        row, column = divmod(index, n_columns)
        line, plane = grid[row, 2 * column : 2 * column + 2]
        if index >= len(examples):
            style.bare(line)
            style.bare(plane)
            continue
        _example(line, plane, data[data["name"] == examples[index]])
        last = index + n_columns >= len(examples)
        line.tick_params(labelbottom=last)
        line.set_xlabel("steps after the context" if last else "")
        plane.set_xlabel("coordinate 1" if last else "", fontsize=5.5, color=style.MUTED, labelpad=1)
        plane.set_ylabel("coordinate 2", fontsize=5.5, color=style.MUTED, labelpad=1)
        if column == 0 and row == n_rows // 2:
            line.set_ylabel("coordinate 1, context s.d.", fontsize=6)
    handles = [Line2D([], [], color=style.INK, label="truth")]
    shown_forecasters = [n for n in dict.fromkeys(data["forecaster"]) if n not in ("context", "truth")]
    for place, name in enumerate(shown_forecasters):
        text = style.label(name) + (" (best baseline)" if place and not style.is_panda(name) else "")
        handles.append(Line2D([], [], color=style.colour(name), ls=_dashes(place, name), label=text))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), borderaxespad=0.2)
    style.letter(grid[0, 0], "A", x_pt=-18)


def _dashes(place: int, name: str) -> str | tuple:
    """Models and whatever comes first are solid."""
    return "-" if place == 0 or style.is_panda(name) else (0, (3, 1.2))


def _example(line: Axes, plane: Axes, data: pd.DataFrame) -> None:
    wide = {key: group.sort_values("x") for key, group in data.groupby(["forecaster", "metric"], sort=False)}
    forecasters = [n for n in dict.fromkeys(data["forecaster"]) if n not in ("context", "truth")]
    known = data[data["forecaster"].isin(["context", "truth"])]
    limits = []
    for coordinate in ("coordinate 1", "coordinate 2"):
        values = known.loc[known["metric"] == coordinate, "y"].dropna()
        low, high = (values.min(), values.max()) if len(values) else (-1.0, 1.0)
        room = max(0.12 * (high - low), 1e-6)
        limits.append((low - room, high + room))
    context, truth = wide["context", "coordinate 1"], wide["truth", "coordinate 1"]
    line.plot(context["x"], context["y"], color=style.INK, lw=0.8)
    line.plot(truth["x"], truth["y"], color=style.INK, lw=0.8)
    plane.plot(truth["y"], wide["truth", "coordinate 2"]["y"], color="#9A9A9A", lw=0.5)
    for place in reversed(range(len(forecasters))):
        name = forecasters[place]
        first, second = wide[name, "coordinate 1"], wide[name, "coordinate 2"]
        weight = 1.1 if place == 0 else 0.8
        line.plot(first["x"], first["y"], color=style.colour(name), lw=weight, ls=_dashes(place, name))
        plane.plot(
            first["y"], second["y"], color=style.colour(name), lw=0.6, alpha=1.0 if place == 0 else 0.6
        )
    line.axvspan(context["x"].min(), 0, color="#F1F1F1", lw=0, zorder=0)
    line.set(xlim=(context["x"].min(), truth["x"].max() + 1), ylim=limits[0])
    line.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    line.tick_params(axis="y", labelsize=5.5, pad=1.5)
    title = style.system_label(data["name"].iloc[0].split(":", 1)[1])
    line.set_title(title, loc="left", fontsize=6.5, pad=2)
    style.bare(plane)
    plane.set(xlim=limits[0], ylim=limits[1])
    plane.set_box_aspect(1)


def _draw_boxes(figure: SubFigure, data: pd.DataFrame) -> None:
    grid = figure.subplots(1, len(AXES), sharey=True)
    style.letter(grid[0], "B")
    if data.empty:
        for axes in grid:
            style.say(axes, "No forecast was scored in this run.")
        return
    populations = style.ordered_populations(data["population"])
    rank = data[data["metric"] == "smape"].groupby("forecaster")["y"].mean().sort_values(kind="stable")
    forecasters = list(rank.index) + sorted(set(data["forecaster"]) - set(rank.index))
    for axes, metric in zip(grid, AXES, strict=True):
        chosen = data[data["metric"] == metric]
        if metric == "smape":
            worst = chosen["low"] >= style.SATURATED
            for forecaster in dict.fromkeys(chosen.loc[worst, "forecaster"]):
                _say_at(axes, "200 →", forecasters.index(forecaster), style.colour(forecaster))
            chosen = chosen[~worst]
        for row in chosen.itertuples():
            _box(axes, row, forecasters.index(row.forecaster), populations)
        finite = chosen[["low", "q25", "y", "q75", "high"]].to_numpy(float)
        finite = finite[np.isfinite(finite) & (finite > 0)]
        if metric == "mae" and len(finite):
            axes.set_xscale("log")
            high = min(finite.max() * 1.15, 300.0)
            axes.set_xlim(max(finite.min() / 1.15, 1e-3), high)
            low_tick, ticks = axes.get_xlim()[0], [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300]
            style.plain_log_ticks(axes, "x", [t for t in ticks if low_tick <= t <= high])
        else:
            axes.set_xlim(0, min(204.0, finite.max() * 1.05) if len(finite) else 204.0)
        axes.set_xlabel(f"{AXES[metric]} over the first {int(data['x'].iloc[0])} points")
        axes.grid(axis="x", color=style.FAINT, lw=0.4)
        axes.set_axisbelow(True)
    grid[0].set_yticks(range(len(forecasters)), [style.label(name) for name in forecasters])
    for text, name in zip(grid[0].get_yticklabels(), forecasters, strict=True):
        text.set_color(style.colour(name))
    grid[0].set_ylim(len(forecasters) - 0.45, -0.55)
    for axes in grid:
        axes.tick_params(axis="y", length=0)
    handles = []
    for population in populations:
        n = int(data.loc[data["population"] == population, "n"].max())
        text = f"{style.population_label(population)} (n = {n:,})"
        filled = population == populations[0]
        handles.append(Patch(facecolor=style.MUTED if filled else "white", edgecolor=style.MUTED, label=text))
    figure.legend(handles=handles, loc="outside upper center", ncols=2, borderaxespad=0.2, handlelength=1.2)


def _box(axes: Axes, row: Any, place: int, populations: Sequence[str]) -> None:
    """One horizontal box: quartiles, median, whiskers; the first population filled, the second open."""
    n, index = len(populations), populations.index(row.population)
    height = 0.62 / n
    at = place + (index - (n - 1) / 2) * (height + 0.08)
    tint = style.colour(row.forecaster)
    if not np.isfinite(row.y):
        _say_at(axes, "fails", at, tint)
        return
    low, q25, q75, high = np.nan_to_num([row.low, row.q25, row.q75, row.high], posinf=1e12)
    axes.plot([low, high], [at, at], color=tint, lw=0.7, solid_capstyle="butt")
    filled = index == 0
    axes.barh(
        at,
        q75 - q25,
        height,
        left=q25,
        facecolor=tint if filled else "white",
        edgecolor=tint,
        lw=0.8,
        zorder=2,
    )
    line_colour = "white" if filled else tint
    axes.plot(
        [row.y] * 2,
        [at - height / 2, at + height / 2],
        color=line_colour,
        lw=1.4,
        solid_capstyle="butt",
        zorder=3,
    )


def _say_at(axes: Axes, text: str, at: float, tint: str) -> None:
    """A word at the right end of a row instead of a box."""
    axes.text(
        0.99, at, text, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=6, color=tint
    )


def _draw_curves(figure: SubFigure, data: pd.DataFrame, banded: Sequence[str]) -> None:
    populations = style.ordered_populations(data["population"])
    if not populations:
        axes = figure.subplots()
        style.say(axes, "No forecast was scored in this run.")
        style.letter(axes, "C")
        return
    longest = max(len(style.label(name)) for name in data["forecaster"].unique())
    # For names of lines; a letter of this size takes about a fortieth of the axes beside it.
    names_share = max(0.5, 0.027 * longest)
    every = figure.subplots(1, 2 * len(populations), width_ratios=[1, names_share] * len(populations))
    grid, room = every[::2], every[1::2]
    for axes in room:
        axes.set_visible(False)
    drawn = data[data.groupby("forecaster")["y"].transform("min") < style.SATURATED]
    left_out = sorted(set(data["forecaster"]) - set(drawn["forecaster"]))
    limits = _limits(drawn, banded)
    for place, (axes, population) in enumerate(zip(grid, populations, strict=True)):
        chosen = drawn[drawn["population"] == population]
        for forecaster, group in chosen.groupby("forecaster", sort=True):
            style.error_curve(axes, group, forecaster, x="x", y="y", band=forecaster in banded)
        axes.set(ylim=limits, xlabel="horizon, points")
        axes.set_xticks(sorted(data["x"].unique())[1::2] or sorted(data["x"].unique()))
        axes.set_title(f"{style.population_label(population)} (n = {int(chosen['n'].max()):,})", loc="left")
        axes.tick_params(labelleft=place == 0)
    grid[0].set_ylabel("median sMAPE (0 to 200)")
    style.letter(grid[0], "C")
    for axes, population in zip(grid, populations, strict=True):
        style.say_not_drawn(axes, left_out)
        style.label_ends(axes, _ends(drawn[drawn["population"] == population]), gap_pt=7.5, size=6)
    if not data["population"].isin(["skew"]).any():
        grid[0].text(
            0.99,
            0.1,
            "no skew products in this run",
            transform=grid[0].transAxes,
            ha="right",
            fontsize=6,
            color=style.MUTED,
        )


def _limits(drawn: pd.DataFrame, banded: Sequence[str]) -> tuple[float, float]:
    """From the least to the largest that is drawn, bands included, with a little room; never beyond 0 to 204."""
    bands = drawn[drawn["forecaster"].isin(banded)]
    values = np.concatenate([drawn["y"], bands["low"], bands["high"]]).astype(float)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 204.0
    low, high = values.min(), values.max()
    room = max(0.06 * (high - low), 1.0)
    return max(0.0, low - room), min(204.0, high + room)


def _model_and_best(data: pd.DataFrame) -> list[str]:
    """The model and the best baseline at the longest horizon: the intervals of these two are drawn."""
    last = data[data["x"] == data["x"].max()]
    error = last.groupby("forecaster")["y"].mean()
    return models_and_baseline(sorted(set(data["forecaster"])), error)


def _ends(data: pd.DataFrame) -> list[tuple[float, float, str, str]]:
    ends = []
    for forecaster, group in data.groupby("forecaster", sort=True):
        final = group.sort_values("x").iloc[-1]
        if np.isfinite(final["y"]):
            ends.append((final["x"], final["y"], style.label(forecaster), style.colour(forecaster)))
    return ends
