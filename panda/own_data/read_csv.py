"""Tables in text files, whatever separates their cells."""

from __future__ import annotations

import csv
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from panda.core.errors import PandaError
from panda.own_data.rows import Rows

_SEPARATORS = ",;\t"
_BLANKS = r"\s+"
# Pandas' words for a row of too many cells, and for one that a quotation mark swallows.
_TOO_MANY = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")


def read_csv(path: Path) -> tuple[pd.DataFrame, Rows]:
    """The table in a text file, and the lines that its rows stand in.

    UTF-8; cells are separated by commas, semicolons or tabs, whichever the first line has most of, or by blanks if there
    are none of these and a row is more than one word. With semicolons a comma in numbers is a decimal one. If all cells
    of the first line are numbers, it is a row, and columns are called `channel_1`, `channel_2`, ... Blank lines at the
    end count for nothing, others are rows without numbers. A cell is empty if nothing stands in it, or `NA`, `NaN`,
    `null`, or `None`.

    Raises:
        PandaError: empty, not UTF-8, a column name that stands twice, a row with more cells than columns, or a
            quotation mark that is not closed; with the line.
    """
    text = _text(path)
    first, *rest = text.split("\n", 2)
    separator = max(_SEPARATORS, key=first.count)
    decimal = "," if separator == ";" and "," in text else "."
    names = next(csv.reader([first], delimiter=separator))
    if len(names) == 1 and len((rest or [first])[0].split()) > 1:
        names, separator = first.split(), _BLANKS
    headless = all(_is_number(cell.replace(decimal, ".")) for cell in names)
    if headless:
        names = [f"channel_{i + 1}" for i in range(len(names))]
    names = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(names)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PandaError(f"{path}, line 1: two columns are called {twice!r}; rename one")
    frame = _parsed(path, text, separator=separator, decimal=decimal, names=names, headless=headless)
    # Where each line ends with a separator, or pandas has written an index that nobody named and nothing filled.
    frame = frame.drop(columns=[n for n in names if n.startswith("Unnamed: ") and frame[n].isna().all()])
    first_line = 1 if headless else 2
    return frame, Rows(str(path), np.arange(first_line, first_line + len(frame)), "line")


def _text(path: Path) -> str:
    """The text, its lines ended by line feeds and none blank at its end."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PandaError(
            f"{path}, line {line}: not UTF-8 text (byte 0x{error.object[error.start]:02x}); save it as UTF-8"
        ) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n\t ")
    if not text.strip():
        raise PandaError(f"{path}: empty; give a series, a column per channel")
    return text


def _parsed(
    path: Path, text: str, *, separator: str, decimal: str, names: list[str], headless: bool
) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                io.StringIO(text),
                sep=separator,
                decimal=decimal,
                names=names,
                header=None if headless else 0,
                index_col=False,
                skip_blank_lines=False,
                skipinitialspace=True,
                low_memory=False,
                float_precision="round_trip",
            )
        except pd.errors.ParserWarning:
            line = 1 if headless else 2
            raise PandaError(
                f"{path}, line {line}: more cells than the {len(names)} columns; correct the header or the row"
            ) from None
        except pd.errors.ParserError as error:
            raise PandaError(_of_parser(path, str(error))) from error


def _of_parser(path: Path, message: str) -> str:
    found = _TOO_MANY.search(message)
    if found:
        wanted, line, seen = found.groups()
        return f"{path}, line {line}: {seen} cells, and there are {wanted} columns; correct the row"
    found = _OPEN_QUOTE.search(message)
    if found:
        return f"{path}, line {int(found[1]) + 1}: a quotation mark is not closed; correct the row"
    return f"{path}: not a table ({' '.join(message.split())}); correct it"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
