"""The command that fine-tunes a model on a user's own series."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def fine_tune(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="series, one per file: .csv, .parquet, .npy or .arrow; a column is a channel, a row a time",
            metavar="FILE...",
        ),
    ],
    output: Annotated[Path, typer.Option(help="folder for the model and its card", metavar="DIR")],
    model: Annotated[
        str | None,
        typer.Option(help="model to start from: a shipped one, a folder, or a Hub id", metavar="MODEL"),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="commit, tag or branch of a Hub id", metavar="NAME")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(help="SHA-256 of the weights; needed for a Hub id", metavar="HEX")
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="column of the times; found if not given", metavar="COLUMN")
    ] = None,
    columns: Annotated[
        str, typer.Option(help="columns to learn, with commas between; all if not given", metavar="A,B")
    ] = "",
    fill: Annotated[
        Literal["linear", "previous"] | None,
        typer.Option(
            help="fill gaps by straight lines, or by the number before; refused if not given",
            metavar="linear|previous",
        ),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="steps of a test forecast of the held-out part", metavar="STEPS", min=1)
    ] = None,
    config: Annotated[
        list[Path],
        typer.Option(
            "--config",
            "--configfile",
            help="lines of your own over the section fine_tune of panda/config/own_data.yaml; repeatable",
            metavar="FILE",
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    settings: Annotated[
        list[str],
        typer.Option("--set", help="one value over these (n_steps=200); repeatable", metavar="KEY=VALUE"),
    ] = [],  # noqa: B006
) -> None:
    """Fine-tune a model on series of your own; their last part says whether it helped."""
    from panda.config.command_line import read_settings
    from panda.config.own_data import fine_tune_settings
    from panda.own_data.fine_tune import Wanted, fine_tune

    given = read_settings(settings) | ({} if horizon is None else {"horizon": horizon})
    found = fine_tune(
        Wanted(
            files=tuple(data),
            output=output,
            settings=fine_tune_settings(config, given),
            model=model,
            revision=revision,
            sha256=sha256,
            time=time,
            columns=tuple(name.strip() for name in columns.split(",")) if columns.strip() else None,
            fill=fill,
        )
    )
    print(f"{found}\n{output}")
