"""Which column is the time, which are channels, and what is refused of them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from panda.core.errors import PandaError
from panda.own_data.rows import rows_of
from panda.own_data.series import OwnSeries, series_of

DAYS = pd.date_range("2024-01-01", periods=4)


def series(frame: pd.DataFrame, **options) -> OwnSeries:
    return series_of(frame, rows_of("data.csv", len(frame)), **options)


def refusal(frame: pd.DataFrame, **options) -> str:
    with pytest.raises(PandaError) as error:
        series(frame, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", ["time", "T", "Date", "DateTime", "timestamp", " ds "])
def test_a_time_is_found_by_its_name(name: str):
    found = series(pd.DataFrame({"x": [3.0, 1, 2, 5], name: [1.0, 2, 3, 4], "y": 1}))
    assert found.time_column == name and found.channels == ("x", "y")
    assert found.times is not None and found.times.tolist() == [1, 2, 3, 4]


def test_a_time_is_found_by_its_kind():
    assert series(pd.DataFrame({"x": [3.0, 1, 2, 5], "when": DAYS})).time_column == "when"
    texts = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
    assert series(pd.DataFrame({"x": [3.0, 1, 2, 5], "when": texts})).time_column == "when"
    assert series(pd.DataFrame({"k": [1, 2, 3, 4], "x": [3.0, 1, 2, 5]})).time_column == "k"
    assert series(pd.DataFrame({"x": [3.0, 1, 2, 5], "k": [1, 2, 3, 4]})).time_column is None
    assert series(pd.DataFrame({"x": [1.0, 2, 4, 8], "y": [1, 2, 3, 4]})).time_column is None
    # The only column is a channel, however it rises.
    assert series(pd.DataFrame({"x": [1.0, 2, 3, 4]})).channels == ("x",)


def test_an_index_of_times_counts_before_a_column_that_happens_to_rise():
    found = series(pd.DataFrame({"k": [1, 2, 3, 4], "x": 0.0}, index=DAYS))
    assert found.time_column is None and found.channels == ("k", "x")
    assert found.times is not None and found.times.equals(DAYS)
    months = pd.period_range("2024-01", periods=4, freq="M")
    found = series(pd.DataFrame({"x": 0.0}, index=months))
    assert found.times is not None and str(found.times[1]) == "2024-02-01 00:00:00"


def test_a_time_that_is_asked_for_as_a_channel_is_one():
    frame = pd.DataFrame({"k": [1, 2, 3, 4], "x": [3.0, 1, 2, 5]})
    assert series(frame, columns=["x", "k"]).channels == ("x", "k")
    assert series(frame, columns=["x", "k"]).times is None
    assert "cannot be the time and a channel" in refusal(frame, time="k", columns=["x", "k"])


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"], "2024-01-01 10:00:00+00:00"),
        (["2024-01-01 10:00+01:00", "2024-01-01 11:00+01:00"], "2024-01-01 10:00:00+01:00"),
        (["2024-03-31T01:30+01:00", "2024-03-31T03:30+02:00"], "2024-03-31 00:30:00+00:00"),
        (["2024-01", "2024-02"], "2024-01-01 00:00:00"),
        (["20240101", "20240102"], "2024-01-01 00:00:00"),
    ],
)
def test_iso_dates_with_zones_and_without(texts: list[str], shown: str):
    found = series(pd.DataFrame({"time": texts, "x": 0.0}))
    assert found.times is not None and str(found.times[0]) == shown


@pytest.mark.parametrize("kind", ["int8", "uint64", "float32", "Int64", "Float64", "bool", "boolean"])
def test_numbers_of_every_kind(kind: str):
    found = series(pd.DataFrame({"x": pd.array([0, 1, 1, 0], dtype=kind)}))
    assert found.values.dtype == np.float64 and found.values[:, 0].tolist() == [0, 1, 1, 0]


def test_gaps_of_every_kind_are_nan():
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None, 3], dtype="Int64"),
            "b": [1.0, np.nan, 3.0],
            "c": pd.Series([Decimal("1"), None, Decimal("3")], dtype=object),
            "d": pd.Series(["1", None, "3"], dtype=object),
        }
    )
    np.testing.assert_array_equal(series(frame).values, np.tile([[1.0], [np.nan], [3.0]], 4))


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        ({"x": [1, 2], "y": [1, 2]}, {"columns": ["z"]}, "data.csv: no column 'z'; there are: x, y"),
        ({"speed": [1, 2]}, {"columns": ["sped"]}, "no column 'sped'; did you mean 'speed'?"),
        ({"x": [1, 2]}, {"time": "when"}, "no column 'when'; there are: x"),
        ({"time": [1, 2]}, {}, "no column of numbers beside the time 'time'"),
        ({"x": ["1", "abc", "3"]}, {}, "data.csv, row 2, column 'x': 'abc' is no number"),
        (
            {"x": [1.0, 2], "city": ["Bern", "Basel"], "y": 1},
            {},
            "column 'city' holds no numbers (row 1: 'Bern'); leave it out: --columns x,y",
        ),
        ({"x": [1j, 2j]}, {}, "column 'x' holds no numbers"),
        ({"time": [1, 2], "d": DAYS[:2]}, {}, "column 'd' holds no numbers"),
        ({"x": [[1, 2], [3, 4]]}, {}, "column 'x' holds no numbers"),
        ({"x": [1.0, np.inf]}, {}, "data.csv, row 2, column 'x': an infinite number; correct it"),
        ({"time": [1.0, np.nan], "x": 0}, {}, "data.csv, row 2, column 'time': no time"),
        ({"time": ["2024-01-01", None], "x": 0}, {}, "data.csv, row 2, column 'time': no time"),
        ({"time": ["2024-01-01", "later"], "x": 0}, {}, "row 2, column 'time': 'later' is no time like the"),
        ({"time": ["31/01/2024", "01/02/2024"], "x": 0}, {}, "row 1, column 'time': '31/01/2024' is no"),
        (
            {"time": ["2024-01-01T00:00Z", "2024-01-02"], "x": 0},
            {},
            "row 2, column 'time': '2024-01-02' is no",
        ),
        ({"time": ["1000-01-01", "1000-01-02"], "x": 0}, {}, "row 1, column 'time': '1000-01-01' is no"),
        ({"time": [True, False], "x": 0}, {}, "the time 'time' is of the type bool"),
        ({"time": pd.to_timedelta([1, 2]), "x": 0}, {}, "the time 'time' is of the type timedelta64[ns]"),
        (
            {"time": np.array(["1000-01-01", "1000-01-02"], dtype="datetime64[s]"), "x": 0},
            {},
            "dates outside the years 1678 to 2261",
        ),
    ],
)
def test_what_is_no_series_is_refused(frame: dict, options: dict, message: str):
    found = refusal(pd.DataFrame(frame), **options)
    assert message in found and found.startswith("data.csv")


def test_two_columns_of_one_name():
    frame = pd.DataFrame(np.zeros((2, 2)), columns=["x", "x"])
    assert refusal(frame) == "data.csv: two columns are called 'x'; rename one"
