"""Regular times go on as they began, gaps are counted, and irregular times are refused with their row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.core.errors import PandaError
from panda.own_data.rows import rows_of
from panda.own_data.times import Clock, clock_of

FREQUENCIES = ["s", "90min", "h", "D", "W-WED", "B", "MS", "ME", "2MS", "QS-FEB", "QE", "YS", "YE-JUN", "BME"]
ZONES = [None, "UTC", "Europe/Berlin"]
DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]


def clock(times) -> Clock:
    return clock_of(pd.Index(times, name="time"), rows_of("data.csv", len(times)))


def refusal(times) -> str:
    with pytest.raises(PandaError) as error:
        clock(times)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("frequency", FREQUENCIES)
@pytest.mark.parametrize("zone", ZONES)
def test_dates_go_on(frequency: str, zone: str | None):
    times = pd.date_range("2023-12-01", periods=40, freq=frequency, tz=zone)
    found = clock(times[:20])
    pd.testing.assert_index_equal(found.continued(20), times[20:], check_names=False, exact=False)
    assert found.whole() is found.times


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_missing_dates_are_found(frequency: str):
    times = pd.date_range("2023-12-01", periods=40, freq=frequency)
    found = clock(times.delete([7, 20, 21]))
    assert sorted(set(range(40)) - set(found.places)) == [7, 20, 21]
    pd.testing.assert_index_equal(found.whole(), times, check_names=False, exact=False)


def test_the_fifteenth_of_every_month():
    times = pd.date_range("2023-12-01", periods=9, freq="MS") + pd.Timedelta(days=14)
    found = clock(times[:6])
    assert list(found.continued(3)) == list(times[6:])
    assert clock(times.delete(3)).places.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]


def test_days_across_summer_time():
    days = pd.date_range("2024-03-25", periods=20, freq="D", tz="Europe/Berlin")
    assert list(clock(days[:10]).continued(10)) == list(days[10:])
    hours = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    assert list(clock(hours[:30]).continued(30)) == list(hours[30:])


@pytest.mark.parametrize(
    "times",
    [
        np.arange(50),
        np.arange(50) * 3 - 100,
        np.arange(50) * 0.1,
        np.arange(50) * 1e-9 + 5,
        1e9 + np.arange(50) * 0.25,
        np.round(np.arange(50) / 3, 3),
        np.arange(50) * 1e-300,
        (np.arange(50) * 0.1).astype(np.float32).astype(float),
    ],
)
def test_numbers_go_on(times: np.ndarray):
    found = clock(times[:40])
    step = (times[39] - times[0]) / 39
    np.testing.assert_allclose(found.continued(10), times[40:], atol=0.02 * step, rtol=0)
    assert found.continued(10).dtype == times.dtype


def test_sums_of_a_decimal_step_leave_no_digits_behind():
    assert clock(np.arange(8) * 0.1).continued(3).tolist() == [0.8, 0.9, 1.0]


def test_missing_numbers_are_found_though_printed_to_few_digits():
    times = np.round(np.arange(1000) / 3, 2)
    found = clock(np.delete(times, [1, 500, 501, 502]))
    assert found.places[[1, 498, 499]].tolist() == [2, 499, 503]


def test_dates_that_jitter_are_regular():
    jitter = np.random.default_rng(0).integers(-10_000_000, 10_000_000, 100)
    times = pd.date_range("2024-01-01", periods=100, freq="s") + pd.to_timedelta(jitter, "ns")
    found = clock(times)
    assert found.places[-1] == 99 and abs(found.step / 1e9 - 1) < 1e-3


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([1.0], "data.csv: one time has no step"),
        ([0.0, 1.0, 1.0, 2.0], "data.csv, row 3, column 'time': the time of the row before it again (1)"),
        ([0, 1, 3, 2], "data.csv, row 4, column 'time': an earlier time (2)"),
        ([3, 2, 1], "data.csv, row 2, column 'time': an earlier time (2)"),
        ([0, 1, 2, 3.5, 4.5], "data.csv, row 4, column 'time': the time is irregular: from 2 to 3.5, where other"),
        (list(np.arange(50) ** 1.5), "the time is irregular"),
        (
            pd.DatetimeIndex([*DAYS, "2024-01-03 11:00", "2024-01-04 11:00"]),
            "row 4, column 'time': the time is irregular: from 2024-01-03 00:00:00 to 2024-01-03 11:00:00, where other "
            "steps are 1 day; resample",
        ),
    ],
)  # fmt: skip
def test_irregular_times_are_refused(times, message: str):
    assert message in refusal(times)


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (np.arange(5) * 0.25, "0.25"),
        (pd.date_range("2024-01-01", periods=5, freq="90min"), "01:30:00"),
        (pd.date_range("2024-01-01", periods=5), "1 day"),
        (pd.date_range("2024-01-01", periods=5, freq="2D"), "2 days"),
        (pd.date_range("2024-01-01", periods=9, freq="B"), "1 business day"),
        (pd.date_range("2024-01-01", periods=5, freq="2MS"), "2 months"),
        (pd.date_range("2024-01-01", periods=5, freq="YE-JUN"), "1 year"),
        (pd.date_range("2024-01-01", periods=5, freq="WOM-3FRI"), "1 WOM"),
    ],
)
def test_a_step_in_words(times, text: str):
    assert clock(times).step_text == text


def test_years_are_years_and_no_steps_of_365_days():
    times = pd.date_range("1990-01-01", periods=30, freq="YS")
    assert clock(times).continued(1)[0] == pd.Timestamp("2020-01-01")
