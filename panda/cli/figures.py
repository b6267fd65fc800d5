"""The command that draws figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda.cli.options import DEFAULT_CONFIG, SOURCE, ConfigFile, load, recorded

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_figures() -> None:
    """The figures there are, with what each reads."""
    from panda.figures.registry import read_figures

    for name, spec in read_figures(SOURCE / "paper" / "figures.yaml").items():
        number = f"fig {spec.number}" if spec.number else "-"
        print(f"{name:20} {number:8} {spec.title}  [{', '.join((*spec.tables, *spec.arrays))}]")


@app.command()
def draw(
    inputs: Annotated[list[Path], typer.Argument(help="tables and arrays of a run", metavar="FILE...")],
    figure: Annotated[str, typer.Option(help="which figure; see `panda figures list`", metavar="NAME")],
    root: Annotated[Path, typer.Option(help="folder of the run, which names the inputs", metavar="DIR")],
    output: Annotated[Path, typer.Option(help="folder to write into", metavar="DIR")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Draw one figure as PDF and PNG, and write the data it shows beside it."""
    from panda.core.known_baselines import knowing
    from panda.figures.registry import choose, read_figures, read_published
    from panda.figures.save import save

    settings = load(config)
    spec = choose(read_figures(SOURCE / "paper" / "figures.yaml"), figure)
    outputs = [output / f"{figure}.{suffix}" for suffix in ("pdf", "png")]
    published = [SOURCE / "paper" / f"{name}.csv" for name in spec.published]
    with (
        recorded("draw_figure", settings, outputs, inputs=[*inputs, *published], code=[spec.module]),
        knowing(settings.baselines.own),
    ):
        module = spec.load()
        tables, arrays = read_results(inputs, root)
        tables |= read_published(spec, SOURCE / "paper")
        spec.require(tables, arrays)
        save(module.draw(tables, arrays), module.shown(tables, arrays), output, figure)


def read_results(
    paths: list[Path], root: Path
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, np.ndarray]]]:
    """Tables and arrays of a run by their paths below `root` without suffix."""
    from panda.core.errors import PandaError
    from panda.core.files import read_arrays, read_table

    tables: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for path in paths:
        if not path.is_relative_to(root):
            raise PandaError(f"{path}: not below {root}; give --root the run's folder")
        name = path.relative_to(root).with_suffix("").as_posix()
        if path.suffix == ".npz":
            arrays[name] = read_arrays(path)
        else:
            tables[name] = read_table(path)
    return tables, arrays
