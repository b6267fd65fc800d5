"""The largest Lyapunov exponents of what was accepted, with the conditional exponents of the responses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.scale import AsinhScale

from panda.figures import inputs, style

KEY = "discover/catalogue"
COLUMNS = ["system", "name", "population", "accepted", "period", "largest_exponent", "exponent_error",
           "conditional_exponent", "conditional_error"]  # fmt: skip
LINEAR_TO = 0.3  # panel B is linear up to about this exponent per period, logarithmic beyond
ENSLAVED, BETWEEN, OWN = "#009E73", "#8A8A8A", "#D55E00"


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """Accepted systems; exponents and standard errors per period (the dominant Fourier period)."""
    frame = inputs.table(tables, KEY, COLUMNS)
    frame = frame[frame["accepted"].astype(bool)].reset_index(drop=True)
    period = frame["period"].astype(float)
    result = frame[["system", "name", "population"]].copy()
    for column in COLUMNS[5:]:
        result[f"{column}_per_period"] = frame[column].astype(float) * period
    return result


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A: distribution of the largest exponent. B: conditional exponent of the response against it."""
    data = shown(tables, arrays)
    with style.context():
        figure = style.new_figure(style.PAGE_IN, 2.9)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1])
        _distribution(left, data)
        _conditional(right, data)
        style.letter(left, "A")
        style.letter(right, "B")
    return figure


def _distribution(axes: Axes, data: pd.DataFrame) -> None:
    value = data["largest_exponent_per_period"]
    positive = data[np.isfinite(value) & (value > 0)]
    if positive.empty:
        style.say(axes, "No accepted system has a\npositive exponent in this run.")
        return
    value = positive["largest_exponent_per_period"]
    low, high = np.log10(value.min()), np.log10(value.max())
    # Bins for the smaller population, so that neither shows noise as shape.
    n_bins = int(np.clip(2 * positive["population"].value_counts().min() ** 0.5, 6, 40))
    edges = np.logspace(low - 0.05, high + 0.05, n_bins + 1)
    for population in style.ordered_populations(positive["population"]):
        values = value[positive["population"] == population]
        tint = style.POPULATION_COLOURS.get(population, style.INK)
        weights = np.full(len(values), 100.0 / len(values))
        name = f"{style.population_label(population)} (n = {len(values):,})"
        axes.hist(values, edges, weights=weights, histtype="stepfilled", color=tint, alpha=0.22, lw=0)
        axes.hist(values, edges, weights=weights, histtype="step", color=tint, lw=1.0, label=name)
        axes.axvline(values.median(), ymax=0.74, color=tint, lw=0.8, ls=(0, (4, 2)))
    axes.set_xscale("log")
    # As many labels as fit: only powers of ten over many decades.
    digits = (1,) if high - low > 3 else (1, 3) if high - low > 1.2 else (1, 2, 5)
    ticks = [digit * 10.0**power for power in range(-9, 6) for digit in digits]
    style.plain_log_ticks(axes, "x", [tick for tick in ticks if edges[0] <= tick <= edges[-1]])
    axes.set(xlabel="λ₁ × period", ylabel="share of systems, %")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.3)
    left_out = int((~(np.isfinite(data["largest_exponent_per_period"])
                      & (data["largest_exponent_per_period"] > 0))).sum())  # fmt: skip
    title = f"{left_out:,} with λ₁ ≤ 0 or unknown left out" if left_out else None
    axes.legend(loc="upper left", handlelength=1.2, title=title, title_fontsize=6, alignment="left")


def _conditional(axes: Axes, data: pd.DataFrame) -> None:
    largest = data["largest_exponent_per_period"].to_numpy(float)
    conditional = data["conditional_exponent_per_period"].to_numpy(float)
    finite = np.isfinite(largest) & np.isfinite(conditional)
    if not finite.any():
        style.say(axes, "No accepted skew product with a\nconditional exponent in this run.")
        return
    x, y = largest[finite], conditional[finite]
    x_error = data["exponent_error_per_period"].to_numpy(float)[finite]
    y_error = data["conditional_error_per_period"].to_numpy(float)[finite]
    sigma = 2 * np.hypot(np.nan_to_num(x_error), np.nan_to_num(y_error))
    own, enslaved = y >= x - sigma, y < 0
    kinds = [
        (own & ~enslaved, OWN, "response leads (within 2 s.e. of λ₁)"),
        (~own & ~enslaved, BETWEEN, "driver leads, response chaotic"),
        (enslaved, ENSLAVED, "response follows (conditional < 0)"),
    ]
    size = float(np.clip(600 / len(x) ** 0.5 / 8, 2, 12))
    for chosen, tint, name in kinds:
        if not chosen.any():
            continue
        text = f"{name}: {100 * chosen.mean():.0f}%"
        errors = {"yerr": y_error[chosen], "xerr": x_error[chosen]}
        axes.errorbar(x[chosen], y[chosen], **errors, fmt="none", ecolor=tint, elinewidth=0.4, alpha=0.35)
        axes.scatter(x[chosen], y[chosen], s=size, color=tint, lw=0, alpha=0.8, label=text, zorder=3)
    _limits(axes, x, y)
    left_out = int(((data["population"] == "skew") & ~finite).sum())
    title = f"n = {len(x):,}" + (f"; {left_out:,} with an unknown exponent left out" if left_out else "")
    axes.legend(
        loc="lower right", handletextpad=0.2, borderaxespad=0.1, title=title, title_fontsize=6.5,
        alignment="left",
    )  # fmt: skip
    axes.set(xlabel="λ₁ × period", ylabel="conditional exponent × period")


def _limits(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Axes that are linear near zero and logarithmic beyond: exponents spread over decades on both sides."""
    y_low, y_high = min(y.min(), -LINEAR_TO), max(y.max(), x.max())
    low, high = np.arcsinh(np.array([y_low, y_high]) / LINEAR_TO)
    room = high - low
    for name in ("x", "y"):
        axes.set(**{f"{name}scale": AsinhScale(getattr(axes, f"{name}axis"), linear_width=LINEAR_TO)})
    # Below the points there is room for the legend.
    bottom, top = np.sinh(np.array([low - 0.42 * room, high + 0.05 * room])) * LINEAR_TO
    right = np.sinh(1.05 * np.arcsinh(max(x.max(), LINEAR_TO) / LINEAR_TO)) * LINEAR_TO
    axes.set(xlim=(min(0.0, x.min()), right), ylim=(bottom, top))
    marks = [
        0.0,
        *(sign * digit * 10.0**power for sign in (-1, 1) for power in range(-1, 5) for digit in (1, 3)),
    ]
    for name, (start, end) in {"x": axes.get_xlim(), "y": (y_low, top)}.items():
        ticks = [mark for mark in sorted(marks) if start <= mark <= end and abs(mark) != 0.1]
        style.plain_log_ticks(axes, name, ticks)
    axes.axhline(0, color=style.MUTED, lw=0.5)
    diagonal = np.linspace(0, right, 200)
    axes.plot(diagonal, diagonal, color=style.MUTED, lw=0.5, ls=(0, (2, 2)))
