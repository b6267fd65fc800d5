"""What `panda forecast` does: read, forecast, test, write, and say what was taken for what."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from panda.config.own_data import own_data
from panda.core.code_version import code_version
from panda.core.digest import sha256
from panda.core.errors import PandaError
from panda.core.provenance import provenance
from panda.own_data.model import Model, forecast_table
from panda.own_data.read import read_file
from panda.own_data.regular import Fill, Regular
from panda.own_data.series import OwnSeries, series_of
from panda.own_data.write import check_outputs, draw_forecast, write_forecast

SOURCE = Path(__file__).resolve().parents[2]
_RECORDED = ("horizon", "backtest", "time", "columns", "fill", "context")


@dataclass(frozen=True)
class Wanted:
    """The arguments of the command, under their names there."""

    data: Path
    horizon: int | None = None
    backtest: int | None = None
    time: str | None = None
    columns: tuple[str, ...] | None = None
    fill: Fill | None = None
    context: int | None = None
    model: str | None = None
    revision: str | None = None
    sha256: str | None = None
    output: Path | None = None
    plot: bool = False
    picture: Path | None = None

    @property
    def table_path(self) -> Path | None:
        """The table to write: the one asked for, else one named after the input, in the folder of the call."""
        if self.horizon is None:
            return None
        return self.output if self.output is not None else Path(f"{self.data.stem}.forecast.csv")

    @property
    def picture_path(self) -> Path | None:
        """The picture to draw: the one asked for, else one beside the table."""
        if self.picture is not None or not self.plot:
            return self.picture
        table = self.table_path
        return table.with_suffix(".png") if table is not None else Path(f"{self.data.stem}.backtest.png")


def carry_out(wanted: Wanted) -> None:
    """Do what is wanted; the scores of a backtest go to the standard output, all remarks to the other.

    Raises:
        PandaError: nothing is wanted, the input is not as it must be, or there is no such model.
    """
    if wanted.horizon is None and wanted.backtest is None:
        raise PandaError("nothing to do; give --horizon STEPS, --backtest STEPS, or both")
    if wanted.horizon is None and wanted.output is not None:
        raise PandaError(f"--output {wanted.output}: a backtest has no table to write; give --horizon too")
    check_outputs(wanted.data, wanted.table_path, wanted.picture_path)
    frame, rows = read_file(wanted.data)
    series = series_of(frame, rows, time=wanted.time, columns=wanted.columns)
    _say_columns(series, named=wanted.time is not None)
    from panda.own_data.load import load  # torch, which takes longest: not before the input is as it must be

    model = load(wanted.model, revision=wanted.revision, sha256=wanted.sha256)
    outputs = [path for path in (wanted.table_path, wanted.picture_path) if path is not None]
    section = {
        "input": {"file": wanted.data.name, "sha256": sha256(wanted.data)},
        "model": model.source,
        "wanted": {name: getattr(wanted, name) for name in _RECORDED},
        "settings": own_data().model_dump(mode="json", exclude={"fine_tune"}),
    }
    version = code_version(["panda.own_data.command", "panda.own_data.load"], SOURCE)
    with provenance(outputs, inputs=[], section=section, seed=0, code=version):
        _write(wanted, frame, series, model)
    for path in outputs:
        print(path)


def _write(wanted: Wanted, frame: pd.DataFrame, series: OwnSeries, model: Model) -> None:
    tested = table = observed = None
    if wanted.backtest is not None:
        from panda.own_data.backtest import backtest

        tested, observed = backtest(
            model, series, wanted.backtest, fill=wanted.fill, context_length=wanted.context
        )
        print(tested)
    if wanted.horizon is not None:
        taken = model.take(series, fill=wanted.fill, context_length=wanted.context)
        _say_context(taken, len(series), wanted.fill)
        (values,) = model.forecast([taken.values], wanted.horizon)
        table = forecast_table(frame, taken, values)
        observed = observed if observed is not None else taken
    if table is not None and wanted.table_path is not None:
        write_forecast(table, wanted.table_path)
    if wanted.picture_path is not None and observed is not None:
        draw_forecast(
            wanted.picture_path,
            observed,
            table,
            tested,
            title=f"{wanted.data.name}, forecast by {model.name}",
        )


def _say_columns(series: OwnSeries, *, named: bool) -> None:
    if series.times is None:
        _say("no time column: rows are taken as equal steps (--time names a column)")
    elif not named:
        _say(f"time: column {series.time_column!r}")


def _say_context(taken: Regular, n_rows: int, fill: Fill | None) -> None:
    n_channels = taken.values.shape[1]
    channels = f"{n_channels} channel{'s' if n_channels > 1 else ''}"
    clock = taken.clock
    step = f", a step of {clock.step_text}" if clock is not None else ""
    _say(f"context: the last {len(taken)} points of {n_rows} rows, {channels}{step}")
    if fill is not None:
        n_missing = taken.n_missing_rows
        rows = f"{n_missing * n_channels} of them in {n_missing} missing row{'' if n_missing == 1 else 's'}"
        _say(f"filled ({fill}): {taken.filled.sum()} numbers{f', {rows}' if n_missing else ''}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
