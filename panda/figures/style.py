"""How every figure looks: sizes, fonts, one fixed colour and label for each forecaster, and small marks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from matplotlib.typing import RcKeyType

from panda.core.known_baselines import described
from panda.core.labels import POPULATIONS as POPULATIONS
from panda.core.labels import filter_label as filter_label
from panda.core.labels import label as label
from panda.core.labels import population_label as population_label
from panda.core.labels import system_label as system_label
from panda.core.seeds import stable_words

COLUMN_IN, PAGE_IN = 3.25, 7.0  # width of one text column and of the page, inches
PNG_DPI = 200
INK, MUTED, FAINT = "#1a1a1a", "#6b6b6b", "#d4d4d4"

RC: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same glyphs on every machine
    "font.size": 7.0,
    "mathtext.fontset": "dejavusans",
    "axes.labelsize": 7.0,
    "axes.titlesize": 7.5,
    "axes.titlepad": 4.0,
    "axes.labelpad": 2.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "figure.constrained_layout.h_pad": 0.04,
    "figure.constrained_layout.w_pad": 0.04,
    "pdf.fonttype": 42,  # fonts are embedded as TrueType, so that text stays text
    "svg.hashsalt": "panda",
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
}

# Okabe and Ito's colour-blind safe set and shades of it. A name keeps its colour in every figure.
COLOURS = {
    "panda": "#0072B2",
    "panda_mlm_sft": "#56B4E9",
    "panda_mlm": "#0072B2",
    "panda_analogue": "#6A3D9A",
    "panda_small": "#1F3A93",
    "panda_published": "#222222",
    "panda_published_72m": "#777777",
    "linear_interpolation": "#009E73",
    "cubic_spline": "#D55E00",
}
FURTHER_COLOURS = (
    "#332288", "#117733", "#88CCEE", "#882255", "#999933", "#44AA99",
    "#AA4499", "#661100", "#6699CC", "#B5A000", "#1B7837", "#8C510A",
)  # fmt: skip
# Variants of a model, beside it in near colours: dashed, with open marks.
VARIANTS = frozenset({"panda_mlm_sft"})
SATURATED = (
    199.9  # sMAPE (0 to 200): a forecast of zero, as the context's mean is after scaling, has 200 always
)
POPULATION_COLOURS = {"skew": "#0072B2", "founder": "#D55E00"}


def context() -> AbstractContextManager[None]:
    """Matplotlib settings of this project, for the length of a `with` block."""
    return matplotlib.rc_context(RC)


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure that belongs to no window system; its size in inches is that of the printed page."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def colour(forecaster: str) -> str:
    """The colour of a forecaster, the same whatever else is drawn: what its file says, or one by its name."""
    baseline = described(forecaster)
    known = COLOURS.get(forecaster) or (baseline.colour if baseline else "")
    return known or FURTHER_COLOURS[stable_words(forecaster)[0] % len(FURTHER_COLOURS)]


def ordered_populations(present: Sequence[str]) -> list[str]:
    """The populations that are present, skew products first, each once."""
    found = dict.fromkeys(str(name) for name in present)
    return [name for name in POPULATIONS if name in found] + sorted(set(found) - set(POPULATIONS))


def is_panda(forecaster: str) -> bool:
    """Whether a forecaster is a model of this study rather than a baseline: its name says so, and it is no baseline's."""
    return forecaster.startswith("panda") and described(forecaster) is None


def error_curve(axes: Axes, rows: pd.DataFrame, forecaster: str, *, x: str, y: str, band: bool) -> None:
    """Error against horizon: columns `x` and `y`, and with `band` the interval `low` to `high`.

    Bands of many forecasters hide each other, so a figure gives them to few; the data beside it hold all.
    """
    tint, weight = colour(forecaster), 1.5 if is_panda(forecaster) else 0.9
    values = rows[[y, "low", "high"]].astype(float).replace(np.inf, np.nan)
    if band:
        axes.fill_between(rows[x], values["low"], values["high"], color=tint, alpha=0.14, lw=0, zorder=1)
    variant = forecaster in VARIANTS
    axes.plot(
        rows[x], values[y], color=tint, lw=weight, ls=(0, (2.2, 1.2)) if variant else "-", marker="o",
        ms=2.6 if variant else 1.8, mfc="white" if variant else tint, mew=0.7, zorder=3 if weight > 1 else 2,
    )  # fmt: skip


def say_not_drawn(axes: Axes, forecasters: Sequence[str]) -> None:
    """Write in the lower right corner who is not drawn, as the sMAPE is 200 at every horizon."""
    if forecasters:
        text = f"{', '.join(label(name) for name in forecasters)}: 200, not drawn"
        axes.text(0.99, 0.03, text, transform=axes.transAxes, ha="right", fontsize=5.5, color=MUTED)


def letter(axes: Axes, text: str, *, x_pt: float = -24.0, y_pt: float = 5.0) -> None:
    """A bold panel letter above the upper left corner of `axes`, offset in points."""
    axes.annotate(
        text, (0, 1), xytext=(x_pt, y_pt), xycoords="axes fraction", textcoords="offset points",
        fontsize=9, fontweight="bold", ha="left", va="bottom", annotation_clip=False,
    )  # fmt: skip


def say(axes: Axes, text: str) -> None:
    """Write in an otherwise empty panel why it is empty."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, wrap=True)


def bare(axes: Axes) -> None:
    """No ticks, no frame."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def spread(values: Sequence[float] | Float[np.ndarray, " n"], gap: float) -> Float[np.ndarray, " n"]:
    """Move `values` as little as needed so that neighbours are `gap` apart; their order stays.

    Least squares under the order constraints x[i+1] - x[i] >= gap.
    """
    # Half a second that figures without such labels, as of `panda forecast --plot`, need not wait for.
    from scipy.optimize import isotonic_regression

    given = np.asarray(values, float)
    order = np.argsort(given, kind="stable")
    steps = gap * np.arange(len(given))
    result = np.empty_like(given)
    # Less the gaps, the constraints say no more than that the values rise.
    result[order] = isotonic_regression(given[order] - steps).x + steps
    return result


def label_ends(
    axes: Axes, ends: Sequence[tuple[float, float, str, str]], *, gap_pt: float = 8.0, size: float = 6.5
) -> None:
    """Write names at the right ends of lines: (x, y, text, colour) each, kept `gap_pt` points apart.

    Call it last, when size and limits of `axes` are final: places are computed in points on the page, and rounded, since
    the last bits of a layout differ from run to run (`save`).
    """
    figure = axes.get_figure(root=True)
    if not ends or figure is None:
        return
    figure.draw_without_rendering()
    to_pt = 72.0 / figure.dpi
    pixels = axes.transData.transform([(x, y) for x, y, _, _ in ends]) * to_pt
    wanted = spread(pixels[:, 1], gap_pt)
    right = axes.get_window_extent().x1 * to_pt
    for (x, y, text, tint), at, (x_pt, y_pt) in zip(ends, wanted, pixels, strict=True):
        leader = {"arrowstyle": "-", "color": tint, "lw": 0.4, "shrinkA": 0, "shrinkB": 1, "relpos": (0, 0.5)}
        offset = (round(float(right - x_pt + 9), 3), round(float(at - y_pt), 3))
        axes.annotate(
            text, (x, y), xytext=offset, textcoords="offset points",
            color=tint, fontsize=size, va="center", ha="left", annotation_clip=False,
            arrowprops=leader if abs(offset[1]) > 1.0 else None,
        ).set_in_layout(False)  # fmt: skip


def plain_log_ticks(axes: Axes, which: str, ticks: Sequence[float]) -> None:
    """A logarithmic axis with the given ticks written as plain numbers."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(list(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    axis.set_minor_locator(NullLocator())
