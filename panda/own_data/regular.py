"""A series as a forecaster needs it: a number at every time of a regular grid. Gaps are refused, or filled on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from panda.core.errors import PandaError
from panda.own_data.rows import FILL_ADVICE, Rows
from panda.own_data.series import OwnSeries
from panda.own_data.times import Clock, clock_of

Fill = Literal["linear", "previous"]
METHODS: tuple[Fill, ...] = ("linear", "previous")


@dataclass(frozen=True)
class Regular:
    """A number for every channel at every step, and how it came about.

    `start` is the place of the first point, from 0, on the grid of the whole series; `clock` is None without times;
    `filled` are the numbers that were not there, `n_missing_rows` the rows.
    """

    values: Float[np.ndarray, "time channel"]
    series: OwnSeries
    start: int
    clock: Clock | None
    filled: Bool[np.ndarray, "time channel"]
    n_missing_rows: int

    def __len__(self) -> int:
        return len(self.values)

    def times(self) -> pd.Index:
        """The time of every point; steps from 1 on where there are none."""
        if self.clock is None:
            return pd.RangeIndex(self.start + 1, self.start + len(self) + 1)
        grid = self.clock.whole()
        return grid[len(grid) - len(self) :]

    def continued(self, n: int) -> pd.Index:
        """The `n` times after the last."""
        last = self.start + len(self)
        return self.clock.continued(n) if self.clock is not None else pd.RangeIndex(last + 1, last + n + 1)


def regular(series: OwnSeries, most: int, *, piece: int = 1, fill: Fill | None = None) -> Regular:
    """The last points of a series, complete and evenly spaced: `most` or as many as there are, in whole pieces.

    A piece is `piece` points; nothing is left of a series that is shorter. Without `fill` only these points are looked
    at: what is wrong before them does not matter. With it every gap of the whole series is filled first: a missing
    number, or a row that is missing on the grid of times, by the straight line between its neighbours (`linear`), or by
    the last number before it (`previous`).

    Raises:
        PandaError: another method; times that are irregular or do not rise; a gap, without `fill`; one that is not
            filled, since no number stands before it or (`linear`) after it.
    """
    if fill is not None and fill not in METHODS:
        raise PandaError(f"fill {fill!r}: no such method; there are: {', '.join(METHODS)}")
    if fill is None:
        n = _whole(min(most, len(series)), piece)
        return _complete(series.last(n), len(series) - n)
    clock = clock_of(series.times, series.rows) if series.times is not None else None
    places = np.arange(len(series)) if clock is None else clock.places
    values = np.full((int(places[-1]) + 1, series.values.shape[1]), np.nan)
    values[places] = series.values
    empty = np.isnan(values)
    frame = pd.DataFrame(values)
    filled = frame.interpolate("linear", limit_area="inside") if fill == "linear" else frame.ffill()
    first = len(values) - _whole(min(most, len(values)), piece)
    values, empty = filled.to_numpy()[first:], empty[first:]
    _check_filled(values, first, places, series, fill)
    n_missing_rows = len(values) - int(np.count_nonzero(places >= first))
    return Regular(values, series, first, clock, empty, n_missing_rows)


def _whole(n: int, piece: int) -> int:
    return n - n % piece


def _complete(series: OwnSeries, start: int) -> Regular:
    empty = np.isnan(series.values)
    if empty.any():
        row, column = (int(i) for i in np.argwhere(empty)[0])
        raise PandaError(
            f"{series.rows.at(row, str(series.channels[column]))}: no number, as in {np.count_nonzero(empty)} of the "
            f"{empty.size} cells that are used; {FILL_ADVICE}"
        )
    clock = clock_of(series.times, series.rows) if series.times is not None and len(series) else None
    if clock is not None and clock.places[-1] != len(series) - 1:
        raise PandaError(_missing_rows(clock, series.rows))
    return Regular(series.values, series, start, clock, empty, 0)


def _missing_rows(clock: Clock, rows: Rows) -> str:
    gaps = np.diff(clock.places) - 1
    row = int(np.argmax(gaps > 0)) + 1
    n, before, after = gaps[row - 1], clock.times[row - 1], clock.times[row]
    what = f"1 step of {clock.step_text} is" if n == 1 else f"{n} steps of {clock.step_text} are"
    return (
        f"{rows.at(row, str(clock.times.name))}: {what} missing between {before} and {after}, {gaps.sum()} in all; "
        f"{FILL_ADVICE}"
    )


def _check_filled(
    values: Float[np.ndarray, "time channel"], first: int, places: np.ndarray, series: OwnSeries, fill: Fill
) -> None:
    still = np.isnan(values)
    if not still.any():
        return
    place, column = (int(i) for i in np.argwhere(still)[0])
    row = min(int(np.searchsorted(places, first + place)), len(series) - 1)
    where = series.rows.at(row, str(series.channels[column]))
    if np.isnan(values[: place + 1, column]).all():
        raise PandaError(f"{where}: no number, and none before it to fill it from; cut the series before it")
    raise PandaError(
        f"{where}: no number from here to the end, so that no line ({fill}) leads over it; "
        "cut the series there, or fill with the previous number"
    )
