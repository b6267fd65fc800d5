"""Forecasts written as a table (CSV or Parquet) or drawn, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api import types

from panda.config.own_data import own_data
from panda.core.errors import PandaError
from panda.core.files import atomic_path, check_writable, write_parquet
from panda.core.spreadsheet import write_csv
from panda.own_data.regular import Regular

if TYPE_CHECKING:
    from panda.own_data.backtest import Backtest

TABLES, PICTURES = (".csv", ".parquet"), (".png", ".pdf", ".svg")


def check_outputs(data: Path | None, table: Path | None, picture: Path | None) -> None:
    """Refuse outputs that could not be written, before any work is done for them; `data` is the input, if it is a file.

    Raises:
        PandaError: a suffix that names no format, the input itself, or a place that may not be written to.
    """
    for path, kinds in ((table, TABLES), (picture, PICTURES)):
        if path is None:
            continue
        if path.suffix.lower() not in kinds:
            raise PandaError(
                f"{path}: an output of a kind that is not written; give one of {', '.join(kinds)}"
            )
        if data is not None and path.exists() and data.exists() and path.samefile(data):
            raise PandaError(f"{path}: the input itself; choose another output")
        check_writable(path)


def write_forecast(table: pd.DataFrame, path: Path) -> None:
    """Write a table of forecasts; numbers in CSV have all their digits."""
    if path.suffix.lower() == ".parquet":
        write_parquet(table, path)
        return
    exact = table.copy()
    for name in exact.columns:
        # Eight digits, as in our other tables, would be none of a small signal on a large offset.
        if types.is_float_dtype(exact[name].dtype):
            exact[name] = [repr(float(value)) for value in exact[name]]
        elif types.is_datetime64_any_dtype(exact[name].dtype):
            exact[name] = _iso(exact[name])
    with atomic_path(path) as temporary:
        write_csv(exact, temporary)


def _iso(times: pd.Series) -> list[str]:
    """Dates alone where all times are midnight."""
    if times.dt.tz is None and (times == times.dt.normalize()).all():
        return times.dt.strftime("%Y-%m-%d").tolist()
    return [time.isoformat(sep=" ") for time in times]


def draw_forecast(
    path: Path,
    observed: Regular,
    table: pd.DataFrame | None,
    tested: Backtest | None,
    *,
    title: str,
) -> None:
    """Draw the end of a series, its forecast (the channels of `table`), and that of its last points."""
    from panda.figures import own_forecast
    from panda.figures.own_forecast import Line
    from panda.figures.save import save_picture

    shown = own_data().picture
    n_ahead = 0 if table is None else len(table)
    n_tested = 0 if tested is None else tested.horizon
    n = n_tested + max(shown.min_context, shown.context_per_horizon * max(n_ahead, n_tested))
    names, k = observed.series.channels, shown.n_channels
    times, values = observed.times(), observed.values
    forecast = backtest = None
    if table is not None:
        forecast = Line(observed.continued(n_ahead), table[list(names[:k])].to_numpy())
    if tested is not None:
        backtest = Line(times[len(times) - n_tested :], tested.forecast[:, :k])
    start = max(0, len(times) - n)
    known = observed.series.times
    figure = own_forecast.draw(
        Line(times[start:], values[start:, :k]),
        forecast=forecast,
        backtest=backtest,
        channels=[str(name) for name in names[:k]],
        n_channels=len(names),
        title=title,
        time_label=str(known.name) if known is not None and known.name is not None else "row",
    )
    save_picture(figure, path)
