"""A CSV never starts a cell with what a spreadsheet runs as a formula, whatever the table holds."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.core.files import read_table, write_table
from panda.core.spreadsheet import write_csv

FORMULAS = [
    "=1+1",
    "=HYPERLINK('x')",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "\t1",
]
HARMLESS = ["Lorenz_Chen-pp3", "a=b", "-", "-1.5", "+2e-3", "-inf", "'quoted'", "", "1 - 2", "[-1, 2]"]


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text(tmp_path: Path, text: str):
    write_table(pd.DataFrame({"citation": [text], text: [1.0]}), tmp_path / "a.parquet")
    header, row = cells(tmp_path / "a.csv")
    shown = "'" + text.replace("\r", "\n")
    assert row == [shown, "1"] and header == ["citation", shown]
    # Parquet, for machines, has what the table has.
    assert read_table(tmp_path / "a.parquet").loc[0, "citation"] == text


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_a_line_end_inside_a_cell_starts_no_row(tmp_path: Path, end: str):
    write_csv(pd.DataFrame({"x": [f"a{end}=1+1"], "y": [1]}), tmp_path / "a.csv")
    assert cells(tmp_path / "a.csv") == [["x", "y"], ["a\n=1+1", "1"]]


@pytest.mark.parametrize("text", HARMLESS)
def test_everything_else_stays_as_it_is(tmp_path: Path, text: str):
    write_csv(pd.DataFrame({"x": [text], "y": [-1.25]}), tmp_path / "a.csv")
    assert cells(tmp_path / "a.csv")[1] == [text, "-1.25"]


def test_columns_of_any_kind(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["=a", "b", "=a"]),
            "string": pd.array(["@x", None, "y"], dtype="string"),
            "mixed": ["-x", -1, None],
            "list": [[-1.0, 2.0], None, []],
            "number": np.array([-1, 0, 1]),
            "truth": [True, False, True],
        }
    )
    before = frame.copy()
    write_csv(frame, tmp_path / "a.csv")
    assert cells(tmp_path / "a.csv")[1:] == [
        ["'=a", "'@x", "'-x", "[-1.0, 2.0]", "-1", "True"],
        ["b", "", "-1", "", "0", "False"],
        ["'=a", "y", "", "[]", "1", "True"],
    ]
    pd.testing.assert_frame_equal(frame, before)


def test_no_table_is_written_past_it():
    """Every CSV of the package goes through here."""
    from tests.conftest import ROOT

    for path in [*(ROOT / "panda").rglob("*.py"), *(ROOT / "baselines").rglob("*.py")]:
        assert ".to_csv(" not in path.read_text() or path.name == "spreadsheet.py", path
