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
    `exponents` (1 / time unit)."""
    gallery = inputs.array(arrays, KEY, ["attractors", "attractor_names", "attractor_exponents"])
    if gallery is None or not len(gallery["attractors"]):
        return {"seen": np.empty((0, 0, 3)), "names": np.empty(0, "U1"), "exponents": np.empty(0)}
    seen = [
        projection.project(points, projection.best_view(points))
        for points in gallery["attractors"].astype(float)
    ]
    return {
        "seen": np.stack(seen),
        "names": gallery["attractor_names"].astype(str),
        "exponents": gallery["attractor_exponents"].astype(float),
    }


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """The grid, six a row, with names and largest Lyapunov exponents."""
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
                _cell(axes, data["seen"][index], data["names"][index], data["exponents"][index], index)
    return figure


def _cell(axes: Axes, seen: np.ndarray, name: str, exponent: float, index: int) -> None:
    projection.draw_attractor(axes, seen, TINTS[index % len(TINTS)], width=0.25)
    axes.set_title(style.system_label(name, separator=" →\n"), fontsize=5.5, pad=1, linespacing=1.05)
    text = f"λ₁ = {exponent:.2g}" if np.isfinite(exponent) else "λ₁ unknown"
    axes.set_xlabel(text, fontsize=5.5, color=style.MUTED, labelpad=0)
