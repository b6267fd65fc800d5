"""Whether times are regular, what is missing among them, and how they go on."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import Day, Tick

from panda.config.own_data import own_data
from panda.core.errors import PandaError
from panda.own_data.rows import Rows

# To find the frequency of a calendar with gaps: pieces of so many times, from so many places.
_PIECE, _PIECES = 5, 60
# A grid of more points than this for each time that is there is no grid.
_SPARSE = 100
# Calendars in words; others have pandas' name.
_WORDS = {"D": "day", "B": "business day", "W": "week"} | {
    f"{letter}{end}": word
    for letter, word in {"M": "month", "Q": "quarter", "Y": "year"}.items()
    for end in "SE"
}
_NO_SHIFT = pd.Timedelta(0)


@dataclass(frozen=True)
class Clock:
    """A regular grid of times: by a step (`step`, in the units of the times, nanoseconds of dates), or by a calendar.

    `places` are those of the given times on the grid, 0 for the first. `offset` is a calendar's frequency (months,
    business days), whose times lie `shift` after its own days.
    """

    times: pd.Index
    places: Int[np.ndarray, " time"]
    step: float
    offset: pd.offsets.BaseOffset | None = None
    shift: pd.Timedelta = _NO_SHIFT

    @property
    def step_text(self) -> str:
        """The step for readers."""
        if self.offset is None:
            return _step_text(self.times, self.step)
        kind = re.sub(r"^\d+|-.*$", "", self.offset.freqstr)
        word = _WORDS.get(kind, kind)
        return f"1 {word}" if self.offset.n == 1 else f"{self.offset.n} {word}s"

    def continued(self, n: int) -> pd.Index:
        """The `n` times after the last."""
        return self._after(self.times[-1], n)

    def whole(self) -> pd.Index:
        """All times of the grid from the first to the last; given ones as they were given."""
        if self.places[-1] == len(self.times) - 1:
            return self.times
        grid = self._after(self.times[0], int(self.places[-1])).insert(0, self.times[0])
        known = grid.to_series().reset_index(drop=True)
        known.iloc[self.places] = self.times
        return type(grid)(known, name=self.times.name)

    def _after(self, start: object, n: int) -> pd.Index:
        if self.offset is not None:
            own = start - self.shift  # type: ignore[operator]
            times = pd.date_range(own, periods=n + 1, freq=self.offset)[1:] + self.shift
        elif isinstance(self.times, pd.DatetimeIndex):
            times = start + pd.to_timedelta(np.rint(np.arange(1, n + 1) * self.step).astype(np.int64), "ns")
        else:
            times = self._numbers(float(start), n)  # type: ignore[arg-type]
        return pd.Index(times, name=self.times.name)

    def _numbers(self, start: float, n: int) -> pd.Index:
        """Numbers at a step, without the digits that its sums leave behind: 0.3, not 0.30000000000000004."""
        times = start + self.step * np.arange(1, n + 1)
        if pd.api.types.is_integer_dtype(self.times.dtype) and self.step == round(self.step):
            return pd.Index(np.rint(times).astype(np.int64))
        digits = 9 - int(np.floor(np.log10(self.step)))
        return pd.Index(np.round(times, digits) if digits < 100 else times)


def clock_of(times: pd.Index, rows: Rows) -> Clock:
    """The grid on which times lie.

    Equal steps first; of dates then the frequencies that pandas knows (months, business days, ...) and days of a month,
    with gaps or without; then steps that are equal to the tolerance, with gaps or without.

    Raises:
        PandaError: fewer than two times, times that do not rise, or lie on no grid; with the row.
    """
    if len(times) < 2:
        raise PandaError(f"{rows.where}: one time has no step; give two rows at least, or leave the time out")
    elapsed = _elapsed(times)
    steps = np.diff(elapsed)
    if steps.min() <= 0:
        row = int(np.argmax(steps <= 0)) + 1
        what = "the time of the row before it again" if steps[row - 1] == 0 else "an earlier time"
        raise PandaError(
            f"{rows.at(row, _name(times))}: {what} ({_shown(times[row])}); sort the rows by time, each time once"
        )
    if (steps == steps[0]).all():
        return Clock(times, np.arange(len(times)), float(steps[0]))
    if isinstance(times, pd.DatetimeIndex):
        found = _calendar(times)
        if found is not None:
            return found
    return _stepped(times, elapsed, rows)


def _elapsed(times: pd.Index) -> Float[np.ndarray, " time"]:
    """Time since the first, in nanoseconds where they are dates."""
    if isinstance(times, pd.DatetimeIndex):
        instants = times.asi8
        return (instants - instants[0]).astype(np.float64)
    numbers = times.to_numpy()
    return (numbers - numbers[0]).astype(np.float64)


def _calendar(times: pd.DatetimeIndex) -> Clock | None:
    """The grid of a calendar that dates lie on, if there is one."""
    days = set(times.day)
    shift = _NO_SHIFT
    if len(days) == 1:
        # Of the fifteenth of every month pandas knows nothing, of the first it does.
        shift = pd.Timedelta(days=days.pop() - 1)
    own = times - shift
    for name in _frequencies(own):
        offset = to_offset(name)
        # Days of a zone have 23 to 25 hours.
        if isinstance(offset, Tick) and not (times.tz is not None and isinstance(offset, Day)):
            continue
        grid = pd.date_range(own[0], own[-1], freq=offset)
        places = grid.get_indexer(own)
        if places[0] == 0 and (places >= 0).all():
            return Clock(times, places.astype(np.int64), np.nan, offset, shift)
    return None


def _frequencies(times: pd.DatetimeIndex) -> list[str]:
    """The frequency of the times, or of pieces of them, the most frequent first."""
    if len(times) < 3:
        return []
    whole = pd.infer_freq(times)
    if whole is not None:
        return [whole]
    starts = np.unique(np.linspace(0, max(0, len(times) - _PIECE), _PIECES).astype(int))
    found = [pd.infer_freq(times[start : start + _PIECE]) for start in starts]
    return list(pd.Series([name for name in found if name], dtype=object).value_counts().index)


def _stepped(times: pd.Index, elapsed: Float[np.ndarray, " time"], rows: Rows) -> Clock:
    """A grid of one step, on which times lie to the tolerance; steps may be missing."""
    steps = np.diff(elapsed)
    median = float(np.median(steps))
    # Where many are missing, the median may be that of two steps.
    for guess in (median, float(steps.min())):
        places = _places(steps, guess)
        step = elapsed[-1] / places[-1]
        if (np.abs(elapsed - step * places) <= own_data().time_tolerance * step).all():
            return Clock(times, places, step)
    away = np.abs(steps - np.maximum(np.rint(steps / median), 1) * median)
    row = int(np.argmax(away > own_data().time_tolerance * median)) + 1
    raise PandaError(
        f"{rows.at(row, _name(times))}: the time is irregular: from {_shown(times[row - 1])} to {_shown(times[row])}, "
        f"where other steps are {_step_text(times, median)}; resample the series to equal steps first"
    )


def _places(steps: Float[np.ndarray, " step"], guess: float) -> Int[np.ndarray, " time"]:
    """Places on a grid, given a guess at its step, which is refined by the steps that are near it.

    The digits to which times are printed do not add up: of thirds to two digits, 0.33 is the guess, 0.3333 the step.
    """
    near = steps[np.abs(steps - guess) < guess / 4]
    step = float(near.mean()) if len(near) else guess
    # Of a step far too small, places are as many as no array holds.
    n_steps = np.clip(np.rint(steps / step), 1, _SPARSE * len(steps))
    return np.concatenate([[0], np.cumsum(n_steps)]).astype(np.int64)


def _name(times: pd.Index) -> str:
    return str(times.name) if times.name is not None else ""


def _shown(time: object) -> str:
    return f"{time:.10g}" if isinstance(time, float) else str(time)


def _step_text(times: pd.Index, step: float) -> str:
    if not isinstance(times, pd.DatetimeIndex):
        return f"{step:.6g}"
    text = str(pd.Timedelta(round(step), "ns")).removeprefix("0 days ").removesuffix(" 00:00:00")
    return "1 day" if text == "1 days" else text
