"""A user's own series and its forecast, a panel per channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from panda.figures import style

_PANEL_IN, _HEAD_IN, _FOOT_IN = 1.1, 0.5, 0.35
_NAME = 100  # letters of a channel's name that are shown
_FORECAST, _BACKTEST = "#0072B2", "#D55E00"
# A dot at every point where there are no more than these, in inches of the page per point.
_DOT_IN = 0.06


@dataclass(frozen=True)
class Line:
    """Values of the channels that are drawn, at their times."""

    times: pd.Index
    values: Float[np.ndarray, "time channel"]


def draw(
    observed: Line,
    *,
    forecast: Line | None,
    backtest: Line | None,
    channels: Sequence[str],
    n_channels: int,
    title: str,
    time_label: str,
) -> Figure:
    """The end of the series in black, its forecast in blue, that of its last points, from those before, in orange.

    `channels` are those drawn, `n_channels` the number that there are.
    """
    n = len(channels)
    with style.context():
        figure = style.new_figure(style.PAGE_IN, _HEAD_IN + _FOOT_IN + _PANEL_IN * max(n, 1.6))
        panels = figure.subplots(n, 1, sharex=True, squeeze=False)[:, 0]
        for i, (axes, name) in enumerate(zip(panels, channels, strict=True)):
            _panel(axes, i, observed, forecast, backtest)
            axes.set_title(_short(name), loc="left", fontsize=6.5, pad=2)
        _label_times(panels[-1], observed.times, time_label)
        hidden = n_channels - n
        if hidden:
            more = f"{hidden} more channel{'s' if hidden > 1 else ''} not shown"
            panels[-1].annotate(
                more, (1, 0), xytext=(0, -24), xycoords="axes fraction", textcoords="offset points",
                ha="right", va="top", fontsize=6, color=style.MUTED,
            )  # fmt: skip
        figure.suptitle(_short(title), x=0.01, ha="left", fontsize=8)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(handles), borderaxespad=0.2)
    return figure


def _panel(axes: Axes, i: int, observed: Line, forecast: Line | None, backtest: Line | None) -> None:
    n_points = sum(len(line.times) for line in (observed, forecast) if line is not None)
    dots = "." if n_points * _DOT_IN <= style.PAGE_IN else None
    axes.plot(
        observed.times, observed.values[:, i], color=style.INK, lw=0.9, marker=dots, ms=2.5, label="observed"
    )
    if backtest is not None:
        axes.plot(
            backtest.times, backtest.values[:, i], color=_BACKTEST, lw=1.1, ls=(0, (3, 1.2)), marker=dots, ms=2.5,
            label=f"forecast of the last {len(backtest.times)}",
        )  # fmt: skip
        axes.axvspan(backtest.times[0], observed.times[-1], color="#FBF1EA", lw=0, zorder=0)
    if forecast is not None:
        # From the last point on, so that no step is missing in the line.
        times = forecast.times.insert(0, observed.times[-1])
        values = np.concatenate([observed.values[-1:, i], forecast.values[:, i]])
        axes.plot(times, values, color=_FORECAST, lw=1.1, marker=dots, ms=2.5, label="forecast")
        axes.axvspan(observed.times[-1], forecast.times[-1], color="#EDF3F8", lw=0, zorder=0)
    axes.margins(x=0)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(labelbottom=False)


def _label_times(axes: Axes, times: pd.Index, time_label: str) -> None:
    axes.tick_params(labelbottom=True)
    axes.set_xlabel(_short(time_label))
    if isinstance(times, pd.DatetimeIndex):
        locator = AutoDateLocator(minticks=4, maxticks=9)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=times.tz))


def _short(name: str) -> str:
    text = " ".join(str(name).split()).replace("$", r"\$")
    return text if len(text) <= _NAME else f"{text[: _NAME - 1]}…"
