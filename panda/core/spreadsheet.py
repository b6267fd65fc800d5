"""CSV that a spreadsheet shows as it stands: no cell of it is taken for a formula."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# What spreadsheets read as the start of a formula, full-width forms too; a sign that nothing follows is a dash.
_FORMULA = re.compile(r"[=@\t\n＝＠]|[+\-＋－].", re.DOTALL)


def write_csv(frame: pd.DataFrame, path: str | Path, *, float_format: str = "%.8g") -> None:
    """Write a table as CSV without its index; text that a spreadsheet would run as a formula begins with `'`.

    Names and citations come from others' files. Numbers stay as they are, those written as text too.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    shown = frame.copy(deep=False)
    for column in shown.columns:
        if not is_numeric_dtype(shown[column].dtype) and not is_bool_dtype(shown[column].dtype):
            shown[column] = [_inert(cell) for cell in shown[column]]
    shown.columns = [_inert(name) for name in shown.columns]
    shown.to_csv(path, index=False, float_format=float_format)


def _inert(cell: Any) -> Any:
    """`cell`, with `'` before it if it is text that begins as a formula does and is no number.

    A carriage return becomes a line feed, for which the cell is quoted: alone it would end the row.
    """
    if not isinstance(cell, str):
        return cell
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    if not _FORMULA.match(cell):
        return cell
    return cell if _is_number(cell) else f"'{cell}"


def _is_number(text: str) -> bool:
    # Blanks around a number make it none here: a tab is what a formula may hide behind.
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
