"""Lyapunov exponents, dimensions and periods of what was accepted, and what the responses do."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.scale import AsinhScale

from panda.figures import inputs, style

KEY, PUBLISHED = "discover/spectra", "paper/reference_exponents"
COLUMNS = ["system", "name", "population", "period", "dt", "exponents", "exponent_errors", "conditional_exponents",
           "conditional_errors", "kaplan_yorke", "kaplan_yorke_error", "response_kind"]  # fmt: skip
PUBLISHED_COLUMNS = ["population", "n", "probability", "exponent_per_sample"]
FIRST = {"largest_exponent": "exponents", "exponent_error": "exponent_errors",
         "conditional_exponent": "conditional_exponents", "conditional_error": "conditional_errors"}  # fmt: skip
LINEAR_TO = 0.3  # panel D is linear up to about this exponent per period, logarithmic beyond
KINDS = {
    "chaotic": ("#D55E00", "chaotic (conditional > 0 by 3 s.e.)"),
    "undecided": ("#8A8A8A", "not told apart"),
    "synchronised": ("#009E73", "synchronised (< 0 by 3 s.e.)"),
}
CENTRAL = (0.02, 0.98)  # shares of systems that an axis of A to C shows in any case
LOWEST = 0.01  # share of responses that may lie below panel D
ABOVE = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0), "borderaxespad": 0.2, "fontsize": 6}  # legends


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> pd.DataFrame:
    """Measured systems, then the published quantiles (`source`: ours or reference).

    Exponents and their standard errors are per period (the dominant Fourier period) and per sample of a
    trajectory; the conditional exponent is the largest of the response's.
    """
    frame = inputs.table(tables, KEY, COLUMNS)
    published = inputs.table(tables, PUBLISHED, PUBLISHED_COLUMNS).assign(source="reference")
    result = frame[["system", "name", "population", "response_kind", "period"]].assign(source="ours")
    for name, column in FIRST.items():
        first = np.array([row[0] if len(row) else np.nan for row in frame[column]], dtype=float)
        result[f"{name}_per_period"] = first * frame["period"].astype(float)
        if name == "largest_exponent":
            result["exponent_per_sample"] = first * frame["dt"].astype(float)
    result[["kaplan_yorke", "kaplan_yorke_error"]] = frame[["kaplan_yorke", "kaplan_yorke_error"]]
    return pd.concat([part for part in (result, published) if len(part)] or [result], ignore_index=True)


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """A to C: distributions. D: conditional exponents. E: beside the reference's exponents."""
    data = shown(tables, arrays)
    ours = data[data["source"] == "ours"].reset_index(drop=True)
    with style.context():
        figure = style.new_figure(style.PAGE_IN, 4.6)
        grid = figure.add_gridspec(2, 6, height_ratios=[1, 1.35])
        top = [figure.add_subplot(grid[0, 2 * i : 2 * i + 2]) for i in range(3)]
        _histogram(top[0], ours, "largest_exponent_per_period", "λ₁ × period", logarithmic=True)
        _histogram(top[1], ours, "kaplan_yorke", "Kaplan–Yorke dimension", logarithmic=False)
        _histogram(top[2], ours, "period", "period, time units", logarithmic=True)
        left, right = figure.add_subplot(grid[1, :4]), figure.add_subplot(grid[1, 4:])
        _conditional(left, ours)
        _beside(right, data)
        for axes, name in zip((*top, left, right), "ABCDE", strict=True):
            style.letter(axes, name)
        handles = _key(ours)
        if handles:
            figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), borderaxespad=0.2)
    return figure


def _key(data: pd.DataFrame) -> list[Patch | Line2D]:
    """What colours and dashes of panels A to C are, with the numbers of systems."""
    counts = data["population"].value_counts()
    handles: list[Patch | Line2D] = []
    for population in style.ordered_populations(data["population"]):
        tint = style.POPULATION_COLOURS.get(population, style.INK)
        text = f"{style.population_label(population)} (n = {counts[population]:,})"
        handles.append(Patch(facecolor=to_rgba(tint, 0.22), edgecolor=tint, label=text))
    if handles:
        handles.append(Line2D([], [], color=style.MUTED, lw=0.8, ls=(0, (4, 2)), label="median (A to C)"))
    return handles


def _reach(value: pd.Series) -> tuple[float, float]:
    """The range of an axis: all values but those farther from the central ones than half of what these span."""
    inner_low, inner_high = (float(value.quantile(share, interpolation="nearest")) for share in CENTRAL)
    room = (inner_high - inner_low) / 2
    near = value[value.between(inner_low - room, inner_high + room)]
    return float(near.min()), float(near.max())


def _histogram(axes: Axes, data: pd.DataFrame, column: str, label: str, *, logarithmic: bool) -> None:
    """Share of systems in bins, a curve a population; dashed lines are medians."""
    value = data[column].astype(float)
    kept = data[np.isfinite(value) & ((value > 0) | (not logarithmic))]
    if kept.empty:
        style.say(axes, "No system with this\nnumber in this run.")
        return
    value = kept[column].astype(float)
    # Bins for the smaller population, so that neither shows noise as shape.
    n_bins = int(np.clip(2 * kept["population"].value_counts().min() ** 0.5, 6, 32))
    low, high = _reach(np.log10(value) if logarithmic else value)
    edges = np.linspace(low - 0.05, high + 0.05, n_bins + 1)
    edges = (10.0**edges if logarithmic else edges).tolist()
    for population in style.ordered_populations(kept["population"]):
        values = value[kept["population"] == population]
        tint = style.POPULATION_COLOURS.get(population, style.INK)
        weights = np.full(len(values), 100.0 / len(values))
        axes.hist(values, edges, weights=weights, histtype="stepfilled", color=tint, alpha=0.22, lw=0)
        axes.hist(values, edges, weights=weights, histtype="step", color=tint, lw=1.0)
        axes.axvline(values.median(), color=tint, lw=0.8, ls=(0, (4, 2)))
    if logarithmic:
        axes.set_xscale("log")
        _decades(axes, edges[0], edges[-1])
    axes.set(xlabel=label, ylabel="share of systems, %" if column.startswith("largest") else None)
    n_out, n_beyond = len(data) - len(kept), int(((value < edges[0]) | (value > edges[-1])).sum())
    notes = [
        f"{n_out:,} at or below 0 or unknown" if n_out else "",
        f"{n_beyond:,} beyond the axis" if n_beyond else "",
    ]
    if any(notes):
        # On lines of their own: the panels stand close beside each other.
        text = "not shown: " + ",\n".join(note for note in notes if note)
        axes.set_title(text, loc="left", fontsize=6, color=style.MUTED, pad=3)


def _decades(axes: Axes, low: float, high: float) -> None:
    """As many tick labels as fit: only powers of ten, every second or third over many decades."""
    n = np.log10(high / low)
    digits, step = ((1, 2, 5), 1) if n < 1.2 else ((1, 3), 1) if n < 2.5 else ((1,), 1 if n < 5 else 2)
    ticks = [digit * 10.0**power for power in range(-12, 13) if power % step == 0 for digit in digits]
    style.plain_log_ticks(axes, "x", [tick for tick in ticks if low <= tick <= high])


def _conditional(axes: Axes, data: pd.DataFrame) -> None:
    """The largest conditional exponent of each response against the largest exponent of the whole."""
    largest = data["largest_exponent_per_period"].to_numpy(float)
    conditional = data["conditional_exponent_per_period"].to_numpy(float)
    finite = np.isfinite(largest) & np.isfinite(conditional)
    if not finite.any():
        style.say(axes, "No skew product with conditional\nexponents in this run.")
        return
    x, y = largest[finite], conditional[finite]
    errors = {"xerr": data["exponent_error_per_period"], "yerr": data["conditional_error_per_period"]}
    errors = {axis: error.fillna(0.0).to_numpy(float)[finite] for axis, error in errors.items()}
    kind = data["response_kind"].to_numpy(str)[finite]
    size = float(np.clip(600 / len(x) ** 0.5 / 8, 2, 12))
    for name, (tint, text) in KINDS.items():
        chosen = kind == name
        if not chosen.any():
            continue
        bars = {axis: error[chosen] for axis, error in errors.items()}
        axes.errorbar(x[chosen], y[chosen], **bars, fmt="none", ecolor=tint, elinewidth=0.4, alpha=0.35)
        text = f"{text}: {100 * chosen.mean():.0f}%"
        axes.scatter(x[chosen], y[chosen], s=size, color=tint, lw=0, alpha=0.8, label=text, zorder=3)
    _limits(axes, x, y)
    low = axes.get_ylim()[0]
    below = y < low
    if below.any():
        axes.scatter(x[below], np.full(below.sum(), low), s=3 * size, color=KINDS["synchronised"][0], marker="v",
                     lw=0, clip_on=False, zorder=4, label=f"beyond the axis: {below.sum()}")  # fmt: skip
    axes.legend(
        **ABOVE, ncols=2, handletextpad=0.2, columnspacing=1.0, title=f"responses, n = {len(x):,}",
        title_fontsize=6, alignment="left",
    )  # fmt: skip
    axes.set(xlabel="λ₁ × period", ylabel="conditional exponent × period")


def _beside(axes: Axes, data: pd.DataFrame) -> None:
    """Cumulative shares of exponents per sample: ours (solid), the reference's published ones (dashed)."""
    ours = data[(data["source"] == "ours") & np.isfinite(data["exponent_per_sample"].astype(float))]
    if not (ours["exponent_per_sample"].astype(float) > 0).any():
        style.say(axes, "No exponents above\nzero in this run.")
        return
    for population in style.ordered_populations(data["population"]):
        tint = style.POPULATION_COLOURS.get(population, style.INK)
        values = np.sort(ours.loc[ours["population"] == population, "exponent_per_sample"].to_numpy(float))
        if len(values):
            share = 100.0 * np.arange(1, len(values) + 1) / len(values)
            axes.plot(values, share, color=tint, drawstyle="steps-post")
        quantiles = data[(data["source"] == "reference") & (data["population"] == population)]
        if len(quantiles):
            points = quantiles[["exponent_per_sample", "probability"]].to_numpy(float)
            axes.plot(points[:, 0], 100.0 * points[:, 1], color=tint, ls=(0, (4, 2)))
    axes.set_xscale("log")
    axes.set(xlim=(1e-5, 1), ylim=(0, 100), xlabel="exponent per sample", ylabel="share at or below, %")
    axes.set_yticks([0, 25, 50, 75, 100])
    _decades(axes, *axes.get_xlim())
    axes.legend(handles=_beside_key(data, ours), **ABOVE, handlelength=1.8)


def _beside_key(data: pd.DataFrame, ours: pd.DataFrame) -> list[Line2D]:
    """Whose the solid and the dashed lines are, with the number of systems of each population in turn."""
    published = data[data["source"] == "reference"]
    populations = style.ordered_populations(data["population"])
    n_ours = [int((ours["population"] == name).sum()) for name in populations]
    n_theirs = [int(published.loc[published["population"] == name, "n"].max()) for name in populations
                if (published["population"] == name).any()]  # fmt: skip
    handles = [Line2D([], [], color=style.INK, label=f"ours, tangent flow {_numbers(n_ours)}")]
    if n_theirs:
        text = f"reference, Rosenstein {_numbers(n_theirs)}"
        handles.append(Line2D([], [], color=style.INK, ls=(0, (4, 2)), label=text))
    return handles


def _numbers(counts: list[int]) -> str:
    return f"(n = {' and '.join(f'{count:,}' for count in counts if count)})"


def _limits(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Axes that are linear near zero and logarithmic beyond: exponents spread over decades on both sides."""
    # A few responses that contract by far the most would take half of the axis.
    y_low = min(float(np.quantile(y, LOWEST, method="nearest")), -LINEAR_TO)
    y_high = max(y.max(), x.max())
    low, high = np.arcsinh(np.array([y_low, y_high]) / LINEAR_TO)
    room = 0.05 * (high - low)
    for name in ("x", "y"):
        axes.set(**{f"{name}scale": AsinhScale(getattr(axes, f"{name}axis"), linear_width=LINEAR_TO)})
    bottom, top = np.sinh(np.array([low - room, high + room])) * LINEAR_TO
    right = np.sinh(1.05 * np.arcsinh(max(x.max(), LINEAR_TO) / LINEAR_TO)) * LINEAR_TO
    axes.set(xlim=(min(0.0, x.min()), right), ylim=(bottom, top))
    marks = [
        0.0,
        *(sign * digit * 10.0**power for sign in (-1, 1) for power in range(-1, 5) for digit in (1, 3)),
    ]
    for name, (start, end) in {"x": axes.get_xlim(), "y": (bottom, top)}.items():
        ticks = [mark for mark in sorted(marks) if start <= mark <= end and abs(mark) != 0.1]
        style.plain_log_ticks(axes, name, ticks)
    axes.axhline(0, color=style.MUTED, lw=0.5)
    diagonal = np.linspace(0, right, 200)
    axes.plot(diagonal, diagonal, color=style.MUTED, lw=0.5, ls=(0, (2, 2)))
