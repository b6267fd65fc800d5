"""`panda forecast`, as one calls it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from panda.core.files import read_table
from tests.conftest import ROOT, needs_torch
from tests.unit.cli.test_wrong_calls import call, refusal

T = np.arange(300)
SERIES = pd.DataFrame({"time": T * 0.25, "x": np.sin(T / 5), "y": 1e9 + np.cos(T / 7), "n": T % 5, "k": 3})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that one works in, with a series."""
    monkeypatch.chdir(tmp_path)
    SERIES.to_csv("data.csv", index=False)
    return tmp_path


def done(*words: object) -> Result:
    found = call("forecast", *words)
    assert found.exit_code == 0, (found.output, found.exception)
    return found


@needs_torch
def test_a_table_and_a_picture_with_the_times_continued(here: Path, tiny: Path):
    found = done("data.csv", "--horizon", 20, "--plot", "--model", tiny)
    assert found.stdout.split() == ["data.forecast.csv", "data.forecast.png"]
    assert found.stderr.splitlines() == [
        "time: column 'time'",
        "context: the last 64 points of 300 rows, 4 channels, a step of 0.25",
    ]
    table = pd.read_csv("data.forecast.csv")
    assert list(table.columns) == list(SERIES.columns)
    np.testing.assert_allclose(table["time"], (300 + np.arange(20)) * 0.25)
    assert (table["k"] == 3).all() and abs(table["y"] - 1e9).max() < 10 and table["y"].nunique() == 20
    assert Path("data.forecast.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads(Path("data.forecast.csv.provenance.json").read_text())
    assert set(record["outputs"]) == {"data.forecast.csv", "data.forecast.png"}
    assert record["section"]["model"]["model"] == str(tiny)
    assert {path.name for path in here.iterdir()} == {
        "data.csv", "data.forecast.csv", "data.forecast.png", "data.forecast.csv.provenance.json"
    }  # fmt: skip


@needs_torch
@pytest.mark.parametrize("name", ["data.parquet", "data.arrow", "data.npy"])
def test_every_kind_of_file_gives_the_same_numbers(here: Path, tiny: Path, name: str):
    if name == "data.parquet":
        SERIES.to_parquet(name)
    elif name == "data.arrow":
        SERIES.to_feather(name)
    else:
        np.save(name, SERIES.drop(columns="time").to_numpy())
    done("data.csv", "--horizon", 5, "--model", tiny, "--output", "a.parquet")
    done(name, "--horizon", 5, "--model", tiny, "--output", "b.parquet")
    done("data.csv", "--horizon", 5, "--model", tiny, "--output", "c.csv")
    one, other = read_table("a.parquet"), read_table("b.parquet")
    if name == "data.npy":
        np.testing.assert_array_equal(one.drop(columns="time").to_numpy(), other.to_numpy())
    else:
        pd.testing.assert_frame_equal(one, other)
    # Text has all digits.
    pd.testing.assert_frame_equal(
        one, pd.read_csv("c.csv", float_precision="round_trip"), check_exact=True, check_dtype=False
    )


@needs_torch
def test_a_column_that_is_named_or_chosen(here: Path, tiny: Path):
    SERIES.assign(when=pd.date_range("2024-01-01", periods=300)).to_csv("two.csv", index=False)
    words = ["two.csv", "--horizon", 2, "--model", tiny]
    found = done(*words, "--time", "when", "--columns", "y, x", "--context", 21)
    assert found.stderr == "context: the last 16 points of 300 rows, 2 channels, a step of 1 day\n"
    table = pd.read_csv("two.forecast.csv")
    assert list(table.columns) == ["y", "x", "when"] and table["when"].tolist() == [
        "2024-10-27",
        "2024-10-28",
    ]
    done(*words, "--time", "when")
    assert list(pd.read_csv("two.forecast.csv").columns) == ["time", "x", "y", "n", "k", "when"]


@needs_torch
def test_dates_and_text_that_a_spreadsheet_would_run(here: Path, tiny: Path):
    frame = pd.DataFrame({"date": pd.date_range("2024-01-31", periods=40, freq="ME"), "=x": np.sin(T[:40])})
    frame.to_csv("m.csv", index=False)
    done("m.csv", "--horizon", 2, "--model", tiny)
    lines = Path("m.forecast.csv").read_text().splitlines()
    assert (
        lines[0] == "date,'=x" and lines[1].startswith("2027-05-31,") and lines[2].startswith("2027-06-30,")
    )
    frame["date"] = pd.date_range("2024-01-01", periods=40, freq="h", tz="UTC")
    frame.to_parquet("h.parquet")
    done("h.parquet", "--horizon", 1, "--model", tiny)
    assert Path("h.forecast.csv").read_text().splitlines()[1].startswith("2024-01-02 16:00:00+00:00,")


@needs_torch
def test_gaps_are_filled_on_request_and_counted(here: Path, tiny: Path):
    gaps = SERIES.drop(index=[290, 291])
    gaps.loc[295, "x"] = np.nan
    gaps.to_csv("gaps.csv", index=False)
    message = refusal("forecast", "gaps.csv", "--horizon", 2, "--model", tiny)
    assert message.startswith("gaps.csv, line 295, column 'x': no number, as in 1 of the 256 cells")
    gaps.loc[295, "x"] = 0.0
    gaps.to_csv("rows.csv", index=False)
    message = refusal("forecast", "rows.csv", "--horizon", 2, "--model", tiny)
    assert message.startswith(
        "rows.csv, line 292, column 'time': 2 steps of 0.25 are missing between 72.25 and 73.0"
    )
    found = done("gaps.csv", "--horizon", 2, "--model", tiny, "--fill", "linear")
    assert "filled (linear): 9 numbers, 8 of them in 2 missing rows" in found.stderr


@needs_torch
def test_a_backtest_says_whether_to_trust(here: Path, tiny: Path):
    found = done("data.csv", "--backtest", 16, "--model", tiny)
    assert "8 windows of 16 points" in found.stdout and "do not trust tiny here" in found.stdout
    assert not list(here.glob("*.forecast*")) and not list(here.glob("*.json"))
    found = done("data.csv", "--backtest", 16, "--horizon", 8, "--model", tiny, "--picture", "p/a.pdf")
    assert found.stdout.split()[-2:] == ["data.forecast.csv", "p/a.pdf"]
    assert Path("p/a.pdf").read_bytes().startswith(b"%PDF")
    done("data.csv", "--backtest", 16, "--plot", "--model", tiny)
    assert Path("data.backtest.png").is_file()


@needs_torch
def test_more_channels_than_are_drawn(here: Path, tiny: Path):
    np.save("wide.npy", np.random.default_rng(0).normal(size=(64, 9)))
    done("wide.npy", "--horizon", 4, "--model", tiny, "--picture", "wide.svg")
    assert "3 more channels not shown" in re.sub(r"<!--|-->", "", Path("wide.svg").read_text())


@needs_torch
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.csv"], "nothing to do; give --horizon STEPS, --backtest STEPS, or both"),
        (["no.csv", "--horizon", 1], "no.csv: no such file"),
        (
            ["data.csv", "--horizon", 1, "--output", "a.xlsx"],
            "a.xlsx: an output of a kind that is not written",
        ),
        (
            ["data.csv", "--horizon", 1, "--picture", "a.gif"],
            "a.gif: an output of a kind that is not written",
        ),
        (
            ["data.csv", "--horizon", 1, "--output", "./data.csv"],
            "data.csv: the input itself; choose another",
        ),
        (
            ["data.csv", "--backtest", 1, "--output", "a.csv"],
            "--output a.csv: a backtest has no table to write",
        ),
        (["data.csv", "--horizon", 1, "--time", "when"], "data.csv: no column 'when'; there are: time, x, y"),
        (
            ["data.csv", "--horizon", 1, "--columns", "x,z"],
            "data.csv: no column 'z'; there are: time, x, y, n, k",
        ),
        (
            ["data.csv", "--horizon", 1, "--context", 65],
            "a context of 65 points: tiny takes 8 (a patch) to 64",
        ),
        (
            ["data.csv", "--backtest", 295],
            "data.csv: 300 points cannot be tested on their last 295: tiny needs 8",
        ),
        (["data.csv", "--horizon", 1, "--model", "tyni"], "no model is shipped as 'tyni'"),
        (["data.csv", "--horizon", 1, "--model", "a/b"], "a/b: no such folder; a Hub id needs a revision"),
        (["data.csv", "--horizon", 1, "--sha256", "0"], "its SHA-256 is"),
    ],
)
def test_a_wrong_call_writes_nothing(here: Path, tiny: Path, words: list[object], message: str):
    model = [] if "--model" in words else ["--model", tiny]
    assert message in refusal("forecast", *words, *model)
    assert [path.name for path in here.iterdir()] == ["data.csv"]


def in_python(code: str, folder: Path) -> str:
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_importing_panda_imports_nothing_heavy(tmp_path: Path):
    heavy = "torch|pandas|numpy|pydantic|matplotlib"
    assert (
        in_python(f"import panda, sys; print(set('{heavy}'.split('|')) & set(sys.modules))", tmp_path)
        == "set()\n"
    )


@needs_torch
def test_a_forecast_imports_no_more_than_it_needs(here: Path, tiny: Path):
    """Most of its seconds are imports: of these each would add a quarter of one to two."""
    words = ["panda", "forecast", "data.csv", "--horizon", "4", "--model", str(tiny)]
    code = (
        f"import sys; sys.argv = {words!r}\nfrom panda.__main__ import main\ntry:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "unneeded = {'sympy', 'scipy', 'numba', 'snakemake', 'darts', 'matplotlib', 'dysts', 'transformers'}\n"
        "print(sorted(unneeded & set(sys.modules)))\n"
    )
    assert in_python(code, here) == "data.forecast.csv\n[]\n"
