"""Figure 9: a grid of discovered attractors."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda.figures import inputs, projection, style

KEY = "discover/gallery"
N_COLUMNS = 6
TINTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07A00", "#7B3294")


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> dict[str, np.ndarray]:
    """`seen` (n, time, 3): each attractor standardised and turned (right, up, towards the reader); `names`;
    `exponents` and their standard `errors`, per period."""
    named = ["attractors", "attractor_names", "attractor_exponents", "attractor_errors"]
    gallery = inputs.array(arrays, KEY, named)
    if gallery is None or not len(gallery["attractors"]):
        nothing = {"exponents": np.empty(0), "errors": np.empty(0)}
        return {"seen": np.empty((0, 0, 3)), "names": np.empty(0, "U1")} | nothing
    seen = [
        projection.project(points, projection.best_view(points))
        for points in gallery["attractors"].astype(float)
    ]
    return {
        "seen": np.stack(seen),
        "names": gallery["attractor_names"].astype(str),
        "exponents": gallery["attractor_exponents"].astype(float),
        "errors": gallery["attractor_errors"].astype(float),
    }


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """The grid, six a row, with names and largest Lyapunov exponents; splines join the stored points."""
    data = shown(tables, arrays)
    n = len(data["names"])
    n_columns = min(N_COLUMNS, max(n, 2))
    n_rows = max(1, -(-n // n_columns))
    with style.context():
        width = style.PAGE_IN if n_columns > 3 else style.COLUMN_IN
        figure = style.new_figure(width, n_rows * (width / n_columns + 0.3))
        if not n:
            style.say(figure.subplots(), "No skew product was accepted in this run.")
            return figure
        grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for index, axes in enumerate(grid):
            style.bare(axes)
            if index < n:
                _cell(axes, {key: values[index] for key, values in data.items()}, TINTS[index % len(TINTS)])
    return figure


def _cell(axes: Axes, data: dict[str, np.ndarray], tint: str) -> None:
    projection.draw_attractor(axes, projection.smooth(data["seen"]), tint, width=0.25)
    name = str(data["names"])
    axes.set_title(style.system_label(name, separator=" →\n"), fontsize=5.5, pad=1, linespacing=1.05)
    axes.set_xlabel(
        exponent_text(float(data["exponents"]), float(data["errors"])),
        fontsize=5.5,
        color=style.MUTED,
        labelpad=0,
    )


def exponent_text(exponent: float, error: float) -> str:
    """`λ₁T = 0.31 ± 0.02`: the value to the decimals of its standard error's first digit."""
    if not np.isfinite(exponent):
        return "λ₁T unknown"
    if not np.isfinite(error) or error <= 0:
        return f"λ₁T = {exponent:.2g}"
    digits = min(6, max(0, -int(np.floor(np.log10(error)))))
    return f"λ₁T = {exponent:.{digits}f} ± {error:.{digits}f}"
