"""Figure 15: hidden patches filled in by the masked model, and its error beside that of interpolation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from panda.core.metrics import metric_label, metrics_of
from panda.figures import inputs, style

TABLE, ARRAYS = "evaluate/completions", "evaluate/completions"
AXES = {name: f"{metric_label(name)} on hidden points" for name in metrics_of("completions", headline=True)}
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> dict[str, np.ndarray]:
    """The arrays as they are (`truth`, `completion`, `mask`, `names`), and for the boxes `box_forecaster`,
    `box_metric`, `box_quantiles` (box, 5: 5, 25, 50, 75, 95%) over `box_n_systems` systems."""
    series = inputs.array(arrays, ARRAYS, ["truth", "completion", "mask", "names"])
    if series is None:
        empty = np.empty((0, 0, 3))
        series = {
            "truth": empty,
            "completion": empty,
            "mask": np.empty((0, 3, 0), bool),
            "names": np.empty(0, "U1"),
        }
    frame = inputs.table(tables, TABLE, ["forecaster", "name", "metric", "value"])
    frame = frame[frame["metric"].isin(AXES)].dropna(subset="value")
    # A system is a founder or an ordered pair: its perturbations are averaged first.
    systems = frame.groupby(["forecaster", "metric", "name"], sort=True)["value"].mean()
    groups = list(systems.groupby(level=["forecaster", "metric"], sort=True))
    return series | {
        "box_forecaster": np.array([key[0] for key, _ in groups], dtype="U64"),
        "box_metric": np.array([key[1] for key, _ in groups], dtype="U16"),
        "box_quantiles": np.array([np.quantile(v, LEVELS) for _, v in groups]).reshape(-1, len(LEVELS)),
        "box_n_systems": np.array([len(values) for _, values in groups], dtype=int),
    }


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A: one row per system, one column per coordinate. B: errors on the hidden points, by method."""
    data = shown(tables, arrays)
    n_rows = max(1, len(data["names"]))
    n_methods = max(2, len(set(data["box_forecaster"])))
    heights = [0.4 + 0.85 * n_rows, 0.45 + 0.2 * n_methods]
    with style.context():
        figure = style.new_figure(style.PAGE_IN, sum(heights))
        top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
        _draw_series(top, data)
        _draw_boxes(bottom, data)
    return figure


def _draw_series(figure: SubFigure, data: dict[str, np.ndarray]) -> None:
    n = len(data["names"])
    if not n:
        axes = figure.subplots()
        style.say(axes, "No completions in this run.")
        style.letter(axes, "A")
        return
    n_channels = data["truth"].shape[2]
    grid = figure.subplots(n, n_channels, squeeze=False, sharex=True)
    for row in range(n):
        for channel, axes in enumerate(grid[row]):
            _series(
                axes,
                data["truth"][row, :, channel],
                data["completion"][row, :, channel],
                data["mask"][row, channel],
            )
            if row == n - 1:
                axes.set_xlabel(f"step, coordinate {channel + 1}")
        if row == n // 2:
            grid[row, 0].set_ylabel("context standard deviations", fontsize=6)
        grid[row, 0].set_title(style.system_label(data["names"][row]), loc="left", fontsize=6.5, pad=2)
    model = _model(data)
    handles = [
        Line2D([], [], color=style.INK, lw=0.8, label="truth"),
        Line2D([], [], color=style.colour(model), lw=1.2, label=f"completion by {style.label(model)}"),
        Patch(color="#ECECEC", label="hidden from the model"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, borderaxespad=0.2)
    style.letter(grid[0, 0], "A", x_pt=-12)


def _model(data: dict[str, np.ndarray]) -> str:
    models = [str(name) for name in data["box_forecaster"] if style.is_panda(str(name))]
    return models[0] if models else "panda_mlm"


def _series(axes: Axes, truth: np.ndarray, completion: np.ndarray, mask: np.ndarray) -> None:
    time = np.arange(len(truth))
    patch = max(1, len(truth) // max(1, len(mask)))
    hidden = np.repeat(mask, patch)[: len(truth)]
    for index in np.flatnonzero(mask):
        axes.axvspan(index * patch - 0.5, (index + 1) * patch - 0.5, color="#ECECEC", lw=0, zorder=0)
    axes.plot(time, truth, color=style.INK, lw=0.7)
    axes.plot(time, np.where(hidden, completion, np.nan), color=style.COLOURS["panda_mlm"], lw=1.0)
    finite = truth[np.isfinite(truth)]
    if len(finite):
        room = 0.15 * (finite.max() - finite.min()) + 1e-6
        axes.set_ylim(finite.min() - room, finite.max() + room)
    else:
        axes.text(
            0.5,
            0.5,
            "no such coordinate",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=6,
            color=style.MUTED,
        )
    axes.set(xlim=(-0.5, len(truth) - 0.5))
    axes.yaxis.set_major_locator(MaxNLocator(3) if len(finite) else NullLocator())
    axes.tick_params(axis="y", labelsize=5.5, pad=1.5)


def _draw_boxes(figure: SubFigure, data: dict[str, np.ndarray]) -> None:
    grid = figure.subplots(1, len(AXES), sharey=True)
    style.letter(grid[0], "B", x_pt=-20)
    if not len(data["box_forecaster"]):
        for axes in grid:
            style.say(axes, "No completion was scored in this run.")
        return
    frame = pd.DataFrame({"forecaster": data["box_forecaster"], "metric": data["box_metric"]})
    middle = data["box_quantiles"][:, 2]
    order = frame.assign(middle=middle)[frame["metric"] == "mae"].sort_values("middle", kind="stable")
    methods = list(dict.fromkeys([*order["forecaster"], *frame["forecaster"]]))
    for axes, metric in zip(grid, AXES, strict=True):
        for index in np.flatnonzero(data["box_metric"] == metric):
            name, at = str(data["box_forecaster"][index]), methods.index(data["box_forecaster"][index])
            low, q25, mid, q75, high = data["box_quantiles"][index]
            tint = style.colour(name)
            axes.plot([low, high], [at, at], color=tint, lw=0.7)
            axes.barh(at, q75 - q25, 0.55, left=q25, color=tint, lw=0, zorder=2)
            axes.plot(
                [mid, mid], [at - 0.275, at + 0.275], color="white", lw=1.4, solid_capstyle="butt", zorder=3
            )
        axes.set_xlabel(f"{AXES[metric]} (n = {int(data['box_n_systems'].max()):,} systems)")
        axes.grid(axis="x", color=style.FAINT, lw=0.4)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
    _log_axis(grid[list(AXES).index("mae")], data["box_quantiles"][data["box_metric"] == "mae"])
    grid[0].set_yticks(range(len(methods)), [style.label(name) for name in methods])
    grid[0].set_ylim(len(methods) - 0.5, -0.5)


def _log_axis(axes: Axes, quantiles: np.ndarray) -> None:
    """Logarithmic, from the least to the largest whisker: an interpolation that overshoots presses nothing flat."""
    positive = quantiles[np.isfinite(quantiles) & (quantiles > 0)]
    if not len(positive):
        return
    axes.set_xscale("log")
    low, high = positive.min() / 1.15, positive.max() * 1.15
    axes.set_xlim(low, high)
    digits = (1, 3) if high > 12 * low else (1, 2, 3, 5)
    ticks = [digit * 10.0**power for power in range(-4, 4) for digit in digits]
    style.plain_log_ticks(axes, "x", [tick for tick in ticks if low <= tick <= high])
