"""A table as a series: which column is the time, which are channels, and their numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from jaxtyping import Float
from pandas.api import types

from panda.config.own_data import own_data
from panda.core.errors import PandaError, did_you_mean
from panda.own_data.rows import Rows

# Columns named in a message: enough to see what the table is.
_NAMED = 12


@dataclass(frozen=True)
class OwnSeries:
    """Numbers (NaN where a cell is empty), the names of their channels and rows, and their times, if they have any.

    `time_column` is None where the times are the table's index.
    """

    values: Float[np.ndarray, "time channel"]
    channels: tuple[Hashable, ...]
    times: pd.Index | None
    rows: Rows
    time_column: Hashable | None

    def __len__(self) -> int:
        return len(self.values)

    def last(self, n: int) -> Self:
        """The last `n` points; all of them, if there are no more."""
        if n >= len(self):
            return self
        first = len(self) - n
        times = None if self.times is None else self.times[first:]
        return replace(self, values=self.values[first:], times=times, rows=self.rows.last(n))


def series_of(
    frame: pd.DataFrame,
    rows: Rows,
    *,
    time: Hashable | None = None,
    columns: Sequence[Hashable] | None = None,
) -> OwnSeries:
    """The columns of a table as channels, in the table's order or in that of `columns`.

    The time is the column `time`; else the first one with a name of `time_names`, then the first of dates, or of texts
    that are dates; else the index, unless it only counts the rows; else the first column of all, if it is strictly
    increasing and evenly spaced and not the only one.

    Raises:
        PandaError: a column that is not there, holds text or other things than numbers, or an infinite number; a time
            that is empty or no time; no column of numbers at all.
    """
    check_known(frame, rows, [*([time] if time is not None else []), *(columns or [])])
    name = time if time is not None else find_time(frame)
    if columns is not None and name in columns:
        if time is not None:
            raise PandaError(f"{rows.where}: column {time!r} cannot be the time and a channel; choose one")
        name = None
    times = _times(frame[name], rows) if name is not None else _index_times(frame, rows)
    chosen = list(columns) if columns is not None else [one for one in frame.columns if one != name]
    if not chosen:
        raise PandaError(f"{rows.where}: no column of numbers beside the time {name!r}; give a channel")
    values = np.column_stack([_numbers(frame, one, rows, chosen) for one in chosen])
    return OwnSeries(values, tuple(chosen), times, rows, name)


def find_time(frame: pd.DataFrame) -> Hashable | None:
    """The name of the column that holds the times, or None: the index does, or nothing; see `series_of`."""
    names = own_data().time_names
    for name in frame.columns:
        if str(name).strip().lower() in names:
            return name
    for name in frame.columns:
        if types.is_datetime64_any_dtype(frame[name].dtype) or _holds_dates(frame[name]):
            return name
    if not isinstance(frame.index, pd.RangeIndex):
        return None
    first = frame[frame.columns[0]]
    return frame.columns[0] if frame.shape[1] > 1 and _is_counter(first) else None


def _holds_dates(column: pd.Series) -> bool:
    """Whether the first texts of a column are dates; one that is not is told when all are read."""
    if not _is_text(column.dtype) or column.isna().all():
        return False
    texts = column.dropna().head(3).astype(str)
    return bool(pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True).notna().all())


def _is_counter(column: pd.Series) -> bool:
    """Whether numbers rise by steps that are equal, to the tolerance of a regular time."""
    if not types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(column.dtype) or len(column) < 3:
        return False
    steps = np.diff(column.to_numpy(dtype=np.float64, na_value=np.nan))
    mean = steps.mean()
    # A NaN is in no order.
    return bool(mean > 0 and (np.abs(steps - mean) <= own_data().time_tolerance * mean).all())


def _times(column: pd.Series, rows: Rows) -> pd.Index:
    """The times of a column: dates, or numbers."""
    if types.is_datetime64_any_dtype(column.dtype):
        times = _in_ns(pd.DatetimeIndex(column), column.name, rows)
    elif types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
        whole = types.is_integer_dtype(column.dtype) and column.notna().all()
        times = pd.Index(column.to_numpy(dtype=np.int64 if whole else np.float64))
    elif _is_text(column.dtype):
        times = _dates(column, rows)
    else:
        raise PandaError(
            f"{rows.where}: the time {column.name!r} is of the type {column.dtype}; give dates or numbers"
        )
    wrong = times.isna() | (np.isinf(times) if types.is_numeric_dtype(times.dtype) else False)
    if wrong.any():
        place = rows.at(int(np.argmax(wrong)), str(column.name))
        raise PandaError(f"{place}: no time; correct it, or take the row out")
    return times.rename(column.name)


def _in_ns(times: pd.DatetimeIndex, name: Hashable, rows: Rows) -> pd.DatetimeIndex:
    try:
        return times.as_unit("ns")
    except ValueError as error:  # pandas' OutOfBoundsDatetime
        raise PandaError(
            f"{rows.where}: the time {name!r} has dates outside the years 1678 to 2261; give numbers instead"
        ) from error


def _dates(column: pd.Series, rows: Rows) -> pd.DatetimeIndex:
    """ISO dates, with a zone, without, or (in UTC then) with more than one: summer and winter time."""
    texts = column.where(column.isna(), column.astype(str).str.strip())
    zoned = texts.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=False, regex=True) & texts.str.contains(":")
    mixed = zoned.any() and texts[zoned].str.extract(r"(Z|[+-]\d\d:?\d\d)$")[0].nunique() > 1
    found = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=bool(mixed))
    wrong = found.isna() & column.notna()
    if zoned.any() and not zoned[column.notna()].all():
        wrong = ~zoned & column.notna()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise PandaError(
            f"{rows.at(row, str(column.name))}: {_short(column.iloc[row])} is no time like the others; write ISO dates "
            "(2024-01-31 13:00:00) or numbers, or name another column (--time)"
        )
    return pd.DatetimeIndex(found)


def _index_times(frame: pd.DataFrame, rows: Rows) -> pd.Index | None:
    """The times that an index holds; None: it only counts."""
    index = frame.index
    if isinstance(index, pd.RangeIndex):
        return None
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    name = index.name if index.name is not None else "index"
    return _times(pd.Series(index, name=name), rows).rename(index.name)


def _numbers(
    frame: pd.DataFrame, name: Hashable, rows: Rows, chosen: Sequence[Hashable]
) -> Float[np.ndarray, " time"]:
    """A column as float64, NaN where it is empty."""
    column = frame[name]
    if types.is_complex_dtype(column.dtype) or not types.is_numeric_dtype(column.dtype):
        numbers = _from_objects(column)
        wrong = numbers.isna() & column.notna()
        if wrong.any():
            raise PandaError(_no_number(frame, name, rows, chosen, int(np.argmax(wrong)), share=wrong.mean()))
        column = numbers
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.isinf(values)
    if infinite.any():
        raise PandaError(f"{rows.at(int(infinite.argmax()), str(name))}: an infinite number; correct it")
    return values


def _from_objects(column: pd.Series) -> pd.Series:
    """Decimals and the like as numbers; NaN for what is none. Dates and complex numbers are none."""
    kind = column.dtype
    if not (_is_text(kind) or isinstance(kind, pd.CategoricalDtype)):
        return pd.Series(np.nan, index=column.index)
    return pd.to_numeric(column.astype(object), errors="coerce")


def _no_number(
    frame: pd.DataFrame, name: Hashable, rows: Rows, chosen: Sequence[Hashable], row: int, *, share: float
) -> str:
    cell = _short(frame[name].iloc[row])
    if share < 0.5:
        return (
            f"{rows.at(row, str(name))}: {cell} is no number; correct it, or leave the column out (--columns)"
        )
    rest = [str(one) for one in chosen if types.is_numeric_dtype(frame[one].dtype)]
    advice = f"leave it out: --columns {','.join(rest[:_NAMED])}" if rest else "give a column of numbers"
    return f"{rows.where}: column {str(name)!r} holds no numbers ({rows.word} {rows.numbers[row]}: {cell}); {advice}"


def check_known(frame: pd.DataFrame, rows: Rows, names: Sequence[Hashable]) -> None:
    """Refuse columns that a table has not, and two of one name.

    Raises:
        PandaError: with the nearest name, or those that there are.
    """
    known = [str(name) for name in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise PandaError(f"{rows.where}: two columns are called {twice[0]!r}; rename one")
    for name in names:
        if name not in frame.columns:
            shown = f"; there are: {', '.join(known[:_NAMED])}{', ...' if len(known) > _NAMED else ''}"
            raise PandaError(f"{rows.where}: no column {name!r}{did_you_mean(name, known, shown)}")


def _is_text(kind: object) -> bool:
    return types.is_object_dtype(kind) or types.is_string_dtype(kind)


def _short(cell: object) -> str:
    text = repr(str(cell))
    return text if len(text) <= 40 else f"{text[:36]}...'"
