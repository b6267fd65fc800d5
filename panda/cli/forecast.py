"""The command that forecasts a user's own data."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated, Literal

import typer


def forecast(
    data: Annotated[
        Path,
        typer.Argument(
            help="a series: .csv, .parquet, .npy or .arrow; a column is a channel, a row a time",
            metavar="FILE",
        ),
    ],
    horizon: Annotated[int | None, typer.Option(help="steps to forecast", metavar="STEPS", min=1)] = None,
    backtest: Annotated[
        int | None,
        typer.Option(
            help="forecast the last STEPS too, and windows before them, and say whether to trust the model",
            metavar="STEPS",
            min=1,
        ),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="column of the times; found if not given", metavar="COLUMN")
    ] = None,
    columns: Annotated[
        str, typer.Option(help="columns to forecast, with commas between; all if not given", metavar="A,B")
    ] = "",
    fill: Annotated[
        Literal["linear", "previous"] | None,
        typer.Option(
            help="fill gaps by straight lines, or by the number before; refused if not given",
            metavar="linear|previous",
        ),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(
            help="last points to forecast from; as many as the model sees if not given",
            metavar="POINTS",
            min=1,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="name of a shipped model, a folder, or a Hub id (owner/name)", metavar="MODEL"),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="commit, tag or branch of a Hub id", metavar="NAME")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(help="SHA-256 of the weights; needed for a Hub id", metavar="HEX")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="table to write, .csv or .parquet; FILE's name with .forecast.csv, here, if not given",
            metavar="FILE",
        ),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="draw it, in a .png beside the table")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="draw it in this file: .png, .pdf or .svg", metavar="FILE")
    ] = None,
) -> None:
    """Forecast a series of your own, with a model that has never seen one like it."""
    # Modules stay once they are imported, and one forecast leaves little behind: looking for garbage meanwhile would
    # take a tenth of the time.
    gc.disable()
    try:
        from panda.own_data.command import Wanted, carry_out

        carry_out(
            Wanted(
                data=data,
                horizon=horizon,
                backtest=backtest,
                time=time,
                columns=tuple(name.strip() for name in columns.split(",")) if columns.strip() else None,
                fill=fill,
                context=context,
                model=model,
                revision=revision,
                sha256=sha256,
                output=output,
                plot=plot,
                picture=picture,
            )
        )
    finally:
        gc.enable()
