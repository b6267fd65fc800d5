"""A figure as PDF and PNG, with the data it shows beside it; the same bytes for the same figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from panda.core.errors import PandaError
from panda.core.files import atomic_path, write_arrays
from panda.figures import style
from panda.figures.inputs import Shown


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
            data.to_csv(temporary, index=False, float_format="%.8g")
    else:
        write_arrays(data_path, **{key: np.asarray(value) for key, value in data.items()})
    pdf, png = folder / f"{name}.pdf", folder / f"{name}.png"
    with style.context():
        with atomic_path(pdf) as temporary:
            figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
        with atomic_path(png) as temporary:
            figure.savefig(temporary, format="png", dpi=style.PNG_DPI, metadata={"Software": None})
    return [pdf, png, data_path]


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
