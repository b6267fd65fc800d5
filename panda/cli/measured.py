"""Commands for measured series that come with installed packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda.cli.options import DEFAULT_CONFIG, ConfigFile, Output, load, recorded

app = typer.Typer(no_args_is_help=True)
Series = Annotated[str, typer.Argument(help="a series; see `panda measured list`", metavar="NAME")]


@app.command("list")
def list_series() -> None:
    """The series there are, with what each is and whether it is on this machine."""
    from panda.config.measured import measured

    for name, entry in measured().items():
        size = f"{entry.n_points:,} x {len(entry.channels)}"
        print(f"{name:12} {size:>12}  {entry.title} ({entry.lacks or entry.package})")


@app.command()
def write(
    series: Series,
    output: Annotated[Path, typer.Option(help="table to write, .csv or .parquet", metavar="FILE")],
) -> None:
    """Write a series as a table to forecast from."""
    from panda.config.measured import measured_series
    from panda.data.measured import read_measured
    from panda.own_data.write import check_outputs, write_forecast

    check_outputs(measured_series(series).path, output, None)
    write_forecast(read_measured(series), output)
    print(output)


@app.command()
def store(
    series: Series,
    output: Output,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write a series as arrays, which are a data set of the arena."""
    from panda.config.measured import measured_series
    from panda.core.files import write_arrays
    from panda.data.measured import series_arrays

    content = {"measured": measured_series(series).model_dump(mode="json")}
    with recorded("store_measured", load(config), [output], inputs=[], content=content):
        write_arrays(output, **series_arrays(series))
