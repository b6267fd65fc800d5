"""Figure 8: the Kuramoto-Sivashinsky field, forecasts of it, and error against horizon."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from panda.core.metrics import METRICS, metrics_of
from panda.figures import inputs, style
from panda.figures.choice import model_and_baseline

SUMMARY, DATA_SET = "evaluate/kuramoto_sivashinsky/summary", "kuramoto_sivashinsky"
AXES = {name: f"mean {METRICS[name].axis}" for name in metrics_of("fields", headline=True)}
COLUMNS = ["forecaster", "horizon", "metric", "mean", "low", "high", "n_runs"]
# What the summary calls them; runs are its systems.
NAMES = {"mean_low": "low", "mean_high": "high", "n_systems": "n_runs"}


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> dict[str, np.ndarray]:
    """`truth` (time, x) with the context before it, `time` (0 where the forecast starts, in Lyapunov times),
    `exponent` (the largest one, per time unit, mean over runs), `forecasts` (forecaster, horizon, x) of `forecasters`;
    and `score_*`: mean over runs with its interval, one value per (forecaster, horizon, metric)."""
    stored = {shown: name for name, shown in NAMES.items()}
    columns = ["population", *(stored.get(name, name) for name in COLUMNS)]
    scores = inputs.table(tables, SUMMARY, columns).rename(columns=NAMES)
    scores = scores[(scores["population"] == "all") & scores["metric"].isin(AXES)].sort_values(
        ["metric", "forecaster", "horizon"]
    )
    result = {f"score_{name}": scores[name].to_numpy() for name in COLUMNS}
    for name in ("forecaster", "metric"):
        result[f"score_{name}"] = result[f"score_{name}"].astype("U64")
    names = ["forecast", "truth", "context", "dt", "exponent"]
    examples = inputs.examples(arrays, DATA_SET, names)
    last = scores[(scores["metric"] == "smape") & (scores["horizon"] == scores["horizon"].max())]
    chosen = model_and_baseline(list(examples), last.set_index("forecaster")["mean"])
    empty = {"truth": np.empty((0, 0)), "time": np.empty(0), "forecasts": np.empty((0, 0, 0))}
    if not chosen:
        return result | empty | {"forecasters": np.empty(0, "U64"), "exponent": np.nan}
    first = examples[chosen[0]]
    context, truth, exponent = first["context"][0], first["truth"][0], first["exponent"]
    steps = np.arange(-len(context), len(truth))
    return result | {
        "truth": np.concatenate([context, truth]),
        "exponent": exponent,
        "time": steps * float(first["dt"][0]) * (float(exponent) if exponent > 0 else 1.0),
        "forecasts": np.stack([examples[name]["forecast"][0] for name in chosen]),
        "forecasters": np.array(chosen, dtype="U64"),
    }


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A: space-time fields of one run: truth, then forecast and error of each. B: error against horizon."""
    data = shown(tables, arrays)
    n_fields = 1 + 2 * len(data["forecasters"]) if len(data["time"]) else 3
    with style.context():
        figure = style.new_figure(style.PAGE_IN, max(2.9, 0.45 + 0.72 * n_fields))
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.2, 1])[0]
        _draw_fields(left, data)
        _draw_scores(right, data)
    return figure


def _draw_fields(figure: SubFigure, data: dict[str, np.ndarray]) -> None:
    if not len(data["time"]):
        axes = figure.subplots()
        style.say(axes, "No forecast of the field in this run.")
        style.letter(axes, "A")
        return
    n_context = int((data["time"] < 0).sum())
    context, future = data["truth"][:n_context], data["truth"][n_context:]
    rows = [("truth", data["truth"], style.INK)]
    for name, forecast in zip(data["forecasters"], data["forecasts"], strict=True):
        seen_and_forecast = np.concatenate([context, forecast])
        rows.append((style.label(str(name)), seen_and_forecast, style.colour(str(name))))
        rows.append((f"error of {style.label(str(name))}", forecast - future, style.colour(str(name))))
    errors = data["forecasts"] - future
    limits = {"RdBu_r": _limit(data["truth"]), "PuOr_r": _limit(errors)}
    images: dict[str, AxesImage] = {}
    grid = figure.subplots(len(rows), 1, sharex=True)
    for axes, (text, field, tint) in zip(np.atleast_1d(grid), rows, strict=True):
        scale = "PuOr_r" if text.startswith("error of") else "RdBu_r"
        images[scale] = _field(axes, field, data["time"][-len(field) :], scale, limits[scale])
        axes.tick_params(axis="x", length=0)
        if scale == "RdBu_r":
            axes.set_title(text, loc="left", color=tint, fontsize=6.5, pad=2)
            axes.set(yticks=[0, 1], ylabel="x / L")
            axes.yaxis.labelpad = -4
        else:  # in the space before the forecast starts
            axes.annotate(
                textwrap.fill(text, 11), (0, 0.5), xytext=(-5, 0), textcoords="offset points",
                ha="right", va="center", fontsize=6.5, color=tint,
            )  # fmt: skip
    axes = np.atleast_1d(grid)[-1]
    axes.set_xlim(data["time"][0], data["time"][-1])
    axes.tick_params(axis="x", length=2.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    chaotic = float(data["exponent"]) > 0
    axes.set_xlabel(f"time after the context, {'Lyapunov times' if chaotic else 'time units'}")
    half = len(rows) // 2
    beside = {"u": ("RdBu_r", grid[:half]), "error: forecast − truth": ("PuOr_r", grid[half:])}
    for text, (scale, places) in beside.items():
        bar = figure.colorbar(images[scale], ax=list(places), shrink=0.8, aspect=18, pad=0.02)
        bar.set_label(text, fontsize=6.5, labelpad=1)
        bar.ax.tick_params(labelsize=6, pad=1.5)
        bar.outline.set_linewidth(0.4)
    style.letter(np.atleast_1d(grid)[0], "A", x_pt=-14)


def _limit(field: np.ndarray) -> float:
    """Half-width of a colour scale about zero: 99.5% of the absolute values are within it."""
    finite = np.abs(field[np.isfinite(field)])
    return float(np.percentile(finite, 99.5)) if finite.size and finite.max() > 0 else 1.0


def _field(axes: Axes, field: np.ndarray, time: np.ndarray, scale: str, limit: float) -> AxesImage:
    step = time[1] - time[0] if len(time) > 1 else 1.0
    extent = (time[0] - step / 2, time[-1] + step / 2, 0.0, 1.0)
    image = axes.imshow(
        field.T, cmap=scale, vmin=-limit, vmax=limit, origin="lower", aspect="auto", extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    axes.set(ylim=(0, 1), yticks=[])
    axes.axvline(0, color=style.INK, lw=0.8, ls=(0, (3, 2)))
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)
    return image


def _draw_scores(figure: SubFigure, data: dict[str, np.ndarray]) -> None:
    frame = pd.DataFrame({name: data[f"score_{name}"] for name in COLUMNS})
    banded = [str(name) for name in data["forecasters"]]
    grid = figure.subplots(len(AXES), 2, width_ratios=[1, 0.62], sharex="col")
    for row, metric in enumerate(AXES):
        axes = grid[row, 0]
        grid[row, 1].set_visible(False)
        chosen, left_out = _drawn(frame, metric)
        if chosen.empty:
            style.say(axes, "No forecast was scored.")
            continue
        for forecaster, group in chosen.groupby("forecaster", sort=True):
            style.error_curve(axes, group, forecaster, x="horizon", y="mean", band=forecaster in banded)
        style.say_not_drawn(axes, left_out)
        axes.set(ylabel=AXES[metric], ylim=(0, _top(chosen, metric)))
    n_runs = int(frame["n_runs"].max()) if len(frame) else 0
    if n_runs:
        grid[0, 0].set_title(f"n = {n_runs} runs", loc="left")
        horizons = sorted(frame["horizon"].unique())
        grid[-1, 0].set_xticks(horizons[1::2] or horizons)
        grid[-1, 0].set_xlabel(_horizon_label(data, max(horizons)))
    style.letter(grid[0, 0], "B")
    for row, metric in enumerate(AXES):
        chosen, _ = _drawn(frame, metric)
        style.label_ends(grid[row, 0], _ends(chosen, _top(chosen, metric)), gap_pt=7.5, size=6)


def _horizon_label(data: dict[str, np.ndarray], longest: int) -> str:
    if len(data["time"]) < 2 or not float(data["exponent"]) > 0:
        return "horizon, points"
    times = longest * (data["time"][1] - data["time"][0])
    return f"horizon, points ({longest} are {times:.1f} Lyapunov times)"


def _drawn(frame: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a metric that are drawn, and the forecasters whose sMAPE is 200 at every horizon."""
    rows = frame[frame["metric"] == metric]
    if metric != "smape":
        return rows, []
    least = rows.groupby("forecaster")["mean"].transform("min")
    return rows[least < style.SATURATED], sorted(set(rows.loc[least >= style.SATURATED, "forecaster"]))


def _top(rows: pd.DataFrame, metric: str) -> float:
    """The upper limit: the data's, but a baseline that runs away does not press the others flat."""
    means = rows["mean"].astype(float).replace(np.inf, np.nan).dropna()
    if means.empty:
        return 1.0
    ceiling = 200.0 if metric == "smape" else 4.0 * float(rows.groupby("forecaster")["mean"].max().median())
    return min(
        float(rows[["mean", "high"]].astype(float).replace(np.inf, np.nan).max().max()) * 1.05, ceiling
    )


def _ends(rows: pd.DataFrame, top: float) -> list[tuple[float, float, str, str]]:
    ends = []
    for forecaster, group in rows.groupby("forecaster", sort=True):
        final = group.sort_values("horizon").iloc[-1]
        if np.isfinite(final["mean"]):
            height = min(float(final["mean"]), top)
            text = style.label(forecaster) + (" ↑" if final["mean"] > top else "")
            ends.append((float(final["horizon"]), height, text, style.colour(forecaster)))
    return ends
