"""Figure 5: error against the number of training systems, with the fitted law where it is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda.figures import inputs, style

POINTS, FIT = "scaling/points", "scaling/fit"
IDENTIFIABLE = "identifiable"
N_CURVE = 60
HEAD = 128  # horizon of one head call of the paper's model, shown beside the shortest and the longest
DODGE = 0.03  # binary orders of magnitude between horizons, so that bars stand beside each other


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """One row a (horizon, n_systems): mean sMAPE over test systems, its standard error, the number of test
    systems, the fitted value (NaN unless the fit is identifiable), and the fit's verdict. Of the horizons the
    shortest, the one nearest to `HEAD` and the longest."""
    columns = ["horizon", "n_systems", "n_initial_conditions", "system", "error"]
    points = inputs.table(tables, POINTS, columns).dropna(subset="error")
    points = points[points["horizon"].isin(_horizons_shown(points["horizon"]))]
    keys = ["horizon", "n_systems", "n_initial_conditions"]
    frame = points.groupby(keys)["error"].agg(["mean", "std", "count"]).reset_index()
    frame["standard_error"] = frame["std"] / np.sqrt(frame["count"].clip(lower=1))
    frame = frame.rename(columns={"mean": "smape", "count": "n_test_systems"}).drop(columns="std")
    law = ["horizon", "c0", "c1", "alpha", "alpha_low", "alpha_high", "verdict", "reason"]
    frame = frame.merge(inputs.table(tables, FIT, law).astype({"horizon": float}), on="horizon", how="left")
    known = frame["verdict"] == IDENTIFIABLE
    fitted = frame["c0"] + frame["c1"] * frame["n_systems"] ** -frame["alpha"].astype(float)
    frame["fitted"] = fitted.where(known)
    return frame


def _horizons_shown(horizons: pd.Series) -> set[float]:
    if horizons.empty:
        return set()
    nearest = min(sorted(horizons.unique()), key=lambda horizon: abs(horizon - HEAD))
    return {horizons.min(), nearest, horizons.max()}


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """Points with standard errors, one colour per horizon; a curve only for an identifiable law."""
    data = shown(tables, arrays)
    with style.context():
        wide = 1.7 if (data["verdict"] == IDENTIFIABLE).any() else 0.7  # inches for the names of lines
        figure = style.new_figure(style.COLUMN_IN + wide, 2.9)
        axes, room = figure.subplots(1, 2, width_ratios=[style.COLUMN_IN, wide])
        room.set_visible(False)
        if data.empty:
            style.say(axes, "No sweep over systems in this run.")
            return figure
        horizons = sorted(data["horizon"].unique())
        shades = colormaps["viridis"](np.linspace(0.0, 0.85, max(len(horizons), 2)))
        ends, notes = [], []
        for place, (horizon, shade) in enumerate(zip(horizons, shades, strict=False)):
            group = data[data["horizon"] == horizon].sort_values("n_systems")
            aside = 2.0 ** (DODGE * (place - (len(horizons) - 1) / 2))
            _horizon(axes, group, shade, aside)
            final = group.iloc[-1]
            ends.append((final["n_systems"] * aside, final["smape"], _name(final), shade))
            if final["verdict"] != IDENTIFIABLE:
                notes.append((horizon, final["reason"]))
        _axes(axes, data)
        _say_verdicts(axes, notes, len(horizons))
        style.label_ends(axes, ends, gap_pt=9, size=6)
    return figure


def _horizon(axes: Axes, group: pd.DataFrame, shade: np.ndarray, aside: float) -> None:
    first = group.iloc[0]
    known = first["verdict"] == IDENTIFIABLE
    error = group["standard_error"].fillna(0.0)
    line = "none" if known else (0, (1, 2))
    axes.errorbar(
        group["n_systems"] * aside, group["smape"], error, color=shade, fmt="o", ms=3, elinewidth=0.8, capsize=1.5,
        capthick=0.8, zorder=3,
    )  # fmt: skip
    if known:
        sizes = np.geomspace(group["n_systems"].min(), group["n_systems"].max(), N_CURVE)
        axes.plot(sizes, first["c0"] + first["c1"] * sizes ** -first["alpha"], color=shade, lw=1.0)
    else:
        axes.plot(group["n_systems"] * aside, group["smape"], color=shade, lw=0.7, ls=line, zorder=2)


def _name(row: pd.Series) -> str:
    text = f"{int(row['horizon'])} points"
    if row["verdict"] == IDENTIFIABLE:
        text += f": α {row['alpha']:.2f} [{row['alpha_low']:.2f}, {row['alpha_high']:.2f}]"
    return text


def _axes(axes: Axes, data: pd.DataFrame) -> None:
    axes.set_xscale("log", base=2)
    sizes = data.drop_duplicates("n_systems").sort_values("n_systems")
    names = [
        f"{int(n):,}\n× {int(k)}"
        for n, k in zip(sizes["n_systems"], sizes["n_initial_conditions"], strict=True)
    ]
    axes.set_xticks(sizes["n_systems"], names)
    axes.minorticks_off()
    if len(sizes) > 6:
        axes.tick_params(axis="x", labelsize=5.5)
    n = int(data["n_test_systems"].max())
    axes.set(
        xlabel="training systems × initial conditions of each",
        ylabel=f"mean sMAPE (0 to 200), {n:,} test systems",
    )
    low, high = (
        (data["smape"] - data["standard_error"].fillna(0)).min(),
        (data["smape"] + data["standard_error"].fillna(0)).max(),
    )
    room = max(high - low, 1.0)
    axes.set_ylim(low - 0.1 * room, high + 0.3 * room)


def _say_verdicts(axes: Axes, notes: list[tuple[float, str]], n_horizons: int) -> None:
    if not notes:
        text = r"$E = c_0 + c_1 N^{-\alpha}$, with the interval of $\alpha$"
    else:
        head = "No curve: the exponent is not identifiable" + (
            "" if len(notes) == n_horizons else f" at {len(notes)} of {n_horizons} horizons"
        )
        reasons = list(dict.fromkeys(str(reason) for _, reason in notes if isinstance(reason, str)))
        text = "\n".join([head, *reasons[:2]])
    axes.text(0.02, 0.99, text, transform=axes.transAxes, ha="left", va="top", fontsize=6, color=style.MUTED)
