"""Gaps are refused with their row, or filled as asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.core.errors import PandaError
from panda.own_data.regular import Regular, regular
from panda.own_data.rows import rows_of
from panda.own_data.series import series_of

NAN = np.nan


def taken(frame: dict | pd.DataFrame, most: int = 100, **options) -> Regular:
    frame = pd.DataFrame(frame)
    return regular(series_of(frame, rows_of("data.csv", len(frame))), most, **options)


def refusal(frame: dict, most: int = 100, **options) -> str:
    with pytest.raises(PandaError) as error:
        taken(frame, most, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_last_points_are_taken_in_whole_pieces():
    found = taken({"x": np.arange(21.0)}, 18, piece=4)
    assert found.values[:, 0].tolist() == list(range(5, 21)) and found.start == 5
    assert list(found.times()) == list(range(6, 22)) and list(found.continued(2)) == [22, 23]
    assert len(taken({"x": np.arange(3.0)}, 18, piece=4)) == 0


def test_a_gap_is_refused_with_its_row():
    message = refusal({"x": [1.0, 4, 3], "y": [1.0, NAN, NAN]})
    assert message.startswith(
        "data.csv, row 2, column 'y': no number, as in 2 of the 6 cells that are used; fill"
    )
    message = refusal({"time": [0, 1, 4, 5, 6, 8], "x": 1.0})
    assert message.startswith(
        "data.csv, row 3, column 'time': 2 steps of 1 are missing between 1 and 4, 3 in all; fill"
    )


def test_what_is_wrong_before_the_points_that_are_taken_does_not_matter():
    found = taken({"time": [0, 7, 8, 9], "x": [NAN, 1, 2, 3]}, 2)
    assert found.values[:, 0].tolist() == [2, 3] and found.times().tolist() == [8, 9]


@pytest.mark.parametrize(("fill", "x"), [("linear", [0, 1, 2, 3, 4, 5]), ("previous", [0, 0, 2, 2, 2, 5])])
def test_gaps_are_filled(fill, x: list[float]):
    found = taken({"time": [0, 1, 2, 5], "x": [0.0, NAN, 2, 5]}, fill=fill)
    assert found.values[:, 0].tolist() == x
    assert (
        found.filled[:, 0].tolist() == [False, True, False, True, True, False] and found.n_missing_rows == 2
    )
    assert found.times().tolist() == [0, 1, 2, 3, 4, 5] and found.continued(1).tolist() == [6]


def test_what_is_filled_before_the_points_that_are_taken_is_not_counted():
    found = taken({"time": [0, 3, 4, 5, 7], "x": [0.0, 3, 4, 5, 7]}, 3, fill="linear")
    assert found.values[:, 0].tolist() == [5, 6, 7] and found.n_missing_rows == 1 and found.start == 5


def test_months_are_filled_on_their_calendar():
    months = pd.date_range("2024-01-01", periods=12, freq="MS")
    frame = pd.DataFrame({"time": months, "x": np.arange(12.0)}).drop(index=[4, 5])
    found = taken(frame, fill="linear")
    assert found.times().tolist() == months.tolist() and found.values[:, 0].tolist() == list(range(12))


@pytest.mark.parametrize("fill", ["linear", "previous"])
def test_a_gap_at_the_start_is_not_filled(fill):
    message = refusal({"x": [NAN, NAN, 3.0], "y": 1.0}, fill=fill)
    assert message.startswith(
        "data.csv, row 1, column 'x': no number, and none before it to fill it from; cut"
    )


def test_a_gap_at_the_end_is_filled_by_the_previous_number_alone():
    assert taken({"x": [1.0, 2, NAN]}, fill="previous").values[:, 0].tolist() == [1, 2, 2]
    message = refusal({"x": [1.0, 2, NAN, NAN]}, fill="linear")
    assert message.startswith("data.csv, row 3, column 'x': no number from here to the end")


def test_an_unknown_method():
    assert "there are: linear, previous" in refusal({"x": [1.0]}, fill="spline")  # type: ignore[arg-type]
