"""Figure 10: founders beside attractors of their perturbed parameters."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda.figures import inputs, projection, style

KEY = "discover/gallery"
CELL_IN = 1.2  # largest width of a panel
ACCEPTED, REJECTED = "#0072B2", "#9A9A9A"


def shown(tables: inputs.Tables, arrays: inputs.Arrays) -> dict[str, np.ndarray]:
    """`seen` (founder, 1 + perturbation, time, 3), index 0 the default parameters; one view a founder;
    `founders`; `accepted` (founder, 1 + perturbation)."""
    names = ["perturbations", "perturbation_founders", "perturbation_accepted"]
    gallery = inputs.array(arrays, KEY, names)
    if gallery is None or not len(gallery["perturbations"]):
        empty = np.empty((0, 0), bool)
        return {"seen": np.empty((0, 0, 0, 3)), "founders": np.empty(0, "U1"), "accepted": empty}
    seen = []
    for row in gallery["perturbations"].astype(float):
        view = projection.best_view(row[0])
        seen.append([projection.project(points, view) for points in row])
    return {
        "seen": np.array(seen),
        "founders": gallery["perturbation_founders"].astype(str),
        "accepted": gallery["perturbation_accepted"].astype(bool),
    }


def draw(tables: inputs.Tables, arrays: inputs.Arrays) -> Figure:
    """One row per founder: default parameters, then perturbed ones; rejected ones are grey and say so."""
    data = shown(tables, arrays)
    with style.context():
        if not data["seen"].size:
            figure = style.new_figure(style.COLUMN_IN, 1.5)
            style.say(figure.subplots(), "No founder was perturbed in this run.")
            return figure
        n_rows, n_columns = data["seen"].shape[:2]
        width = min(style.PAGE_IN, max(style.COLUMN_IN, CELL_IN * n_columns))
        figure = style.new_figure(width, n_rows * (width / n_columns + 0.06) + 0.25)
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        for row, name in enumerate(data["founders"]):
            for column, axes in enumerate(grid[row]):
                _cell(axes, data["seen"][row, column], bool(data["accepted"][row, column]), column == 0)
            grid[row, 0].set_ylabel(style.system_label(name), fontsize=7)
        grid[0, 0].set_title("default parameters", fontsize=7)
        if n_columns > 1:
            grid[0, 1].set_title("perturbed", fontsize=7)
    return figure


def _cell(axes: Axes, seen: np.ndarray, accepted: bool, default: bool) -> None:
    style.bare(axes)
    axes.set_box_aspect(1)
    colour = style.INK if default else ACCEPTED if accepted else REJECTED
    if not np.isfinite(seen).all(axis=1).any():
        axes.text(
            0.5, 0.5, "no trajectory", transform=axes.transAxes, ha="center", va="center", color=style.MUTED
        )
        return
    projection.draw_attractor(axes, seen, colour, width=0.25)
    if not accepted:
        axes.text(
            0.98,
            0.02,
            "rejected",
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            fontsize=6,
            color=style.MUTED,
        )
