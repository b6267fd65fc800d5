"""A figure as PDF and PNG, with the data it shows beside it; the same bytes for the same figure."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from panda.core.errors import PandaError
from panda.core.files import atomic_path, write_arrays
from panda.core.spreadsheet import write_csv
from panda.figures import style
from panda.figures.inputs import Shown

_PLACES = 6  # decimals of positions in shares of the figure: a thousandth of a pixel


def save(figure: Figure, data: Shown, folder: str | Path, name: str) -> list[Path]:
    """Write `<name>.pdf`, `<name>.png` and `<name>.csv` (a table) or `<name>.npz` (arrays) into `folder`.

    The files hold no date: the same figure gives the same bytes. Data are written first, so that a picture is
    never there without them.

    Raises:
        PandaError: the data are neither a table nor named arrays.
    """
    folder = Path(folder)
    data_path = folder / f"{name}{data_suffix(data)}"
    if isinstance(data, pd.DataFrame):
        with atomic_path(data_path) as temporary:
            write_csv(data, temporary)
    else:
        write_arrays(data_path, **{key: np.asarray(value) for key, value in data.items()})
    pdf, png = folder / f"{name}.pdf", folder / f"{name}.png"
    with style.context():
        _settle(figure)
        _write(pdf, figure, format="pdf", metadata={"CreationDate": None})
        _write(png, figure, format="png", dpi=style.PNG_DPI, metadata={"Software": None})
    return [pdf, png, data_path]


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure alone, in the format that the suffix names (.png, .pdf, .svg); the file holds no date."""
    undated: dict[str, Any] = {
        ".pdf": {"CreationDate": None},
        ".png": {"Software": None},
        ".svg": {"Date": None},
    }
    kind = path.suffix.lower()
    with style.context():
        _settle(figure)
        _write(path, figure, format=kind[1:], dpi=style.PNG_DPI, metadata=undated[kind])


def _write(path: Path, figure: Figure, **options: Any) -> None:
    """Draw in memory, then write: a full disk in the middle of a PDF leaves matplotlib with other errors than that."""
    drawn = io.BytesIO()
    figure.savefig(drawn, **options)
    with atomic_path(path) as temporary:
        temporary.write_bytes(drawn.getvalue())


def _settle(figure: Figure) -> None:
    """Lay the figure out once, and round every place in it.

    The layout's solver orders its equations by addresses in memory: its last bits differ from run to run, and
    would make pixels on edges differ by a shade.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(np.round(part.bbox_relative.get_points(), _PLACES))
    for axes in figure.axes:
        axes.set_position(Bbox.from_bounds(*np.round(axes.get_position().bounds, _PLACES)))


def data_suffix(data: Shown) -> str:
    """`.csv` for a table, `.npz` for named arrays.

    Raises:
        PandaError: the data are neither.
    """
    if isinstance(data, pd.DataFrame):
        return ".csv"
    if isinstance(data, dict):
        return ".npz"
    raise PandaError(f"figure data of type {type(data).__name__}; give a table or a dict of arrays")
