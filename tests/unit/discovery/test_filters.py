"""Each filter at its threshold and beyond; what is undefined passes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config import Select
from panda.discovery.search.filters import FILTERS, NOT_FOLLOWED, rejected_by, verdicts
from panda.discovery.search.statistics import undefined

GOOD = {
    "status": "complete",
    "max_magnitude": 10.0,
    "max_zscore": 3.0,
    "linear_share": 0.5,
    "tail_step": 1.0,
    "largest_deviation": 3.0,
    "straightness": 0.5,
    "relative_tail_step": 0.1,
    "return_distance": 0.5,
    "unitless_zero_one_score": [0.0, 1.0],
    "zero_one_score": [0.0, 1.0],
    "recurrence_n_recurrences": 0.0,
    "recurrence_endpoint": 0.0,
    "recurrence_n_time_points": 4000.0,
    "recurrence_max_count": 0.0,
    "recurrence_longest_block": 0.0,
    "recurrence_second_block": 0.0,
    "spectral_peaks": [1.0, 20.0],
    "kpss_p": [0.1, 0.01],
    "adf_p": [np.nan, 0.001],
    "largest_exponent": 1.0,
    "exponent_error": 0.1,
    "shear_exponent": 0.02,
    "verdict": "chaotic",
    "follow_status": "complete",
    "growth": 1.1,
    "late_verdict": "chaotic",
    "followed_exponent": 1.0,
    "followed_error": 0.1,
    "fine_verdict": "chaotic",
    "fine_status": "complete",
    "fine_growth": 1.2,
    "fine_late_verdict": "chaotic",
    "fine_exponent": 1.1,
    "fine_error": 0.1,
    "response": "Thomas",
    "drive_share": 0.4,
    "dt": 0.05,
}
CYCLE = {
    "recurrence_n_recurrences": 500.0,
    "recurrence_endpoint": 1.0,
    "recurrence_max_count": 300.0,
    "recurrence_longest_block": 200.0,
}


def rejection(row: dict, select: Select) -> str:
    """The filter of the deciding selection that rejects one candidate."""
    return rejected_by(verdicts(pd.DataFrame([row]), select), select.chosen.filters).iloc[0]


def failed(row: dict, select: Select) -> set[str]:
    """All filters that one candidate fails, whether a selection asks them or not."""
    passed = verdicts(pd.DataFrame([row]), select).iloc[0]
    return set(passed.index[~passed])


def test_a_good_candidate_passes(smoke):
    assert rejection(GOOD, smoke.discover.select) == ""
    assert failed(GOOD, smoke.discover.select) == set()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"status": "diverged"}, "integrated"),
        ({"max_magnitude": 1.1e4}, "bounded"),
        ({"max_zscore": 15.1}, "bounded"),
        ({"linear_share": 0.995}, "not_linear"),
        ({"tail_step": 1e-3}, "not_fixed_point"),
        ({"zero_one_score": [0.1, 0.19]}, "zero_one"),
        (CYCLE, "not_limit_cycle"),
        ({"spectral_peaks": [3.0, 3.0]}, "power_spectrum"),
        ({"kpss_p": [0.1, 0.01], "adf_p": [np.nan, 0.2]}, "stationary"),
        ({"largest_deviation": 15.1}, "no_outliers"),
        ({"straightness": 0.995}, "not_straight"),
        ({"relative_tail_step": 1e-3}, "not_at_rest"),
        ({"unitless_zero_one_score": [0.1, 0.19]}, "irregular"),
        ({"return_distance": 3e-3}, "not_periodic"),
        ({"largest_exponent": 0.3, "exponent_error": 0.1}, "positive_exponent"),
        ({"largest_exponent": 0.34, "exponent_error": 0.1}, "positive_exponent"),
        ({"largest_exponent": 0.0231, "exponent_error": 1e-5, "shear_exponent": 0.0231}, "positive_exponent"),
        ({"drive_share": 0.0}, "driven"),
        ({"drive_share": 0.0099}, "driven"),
        ({"drive_share": 0.9901}, "driven"),
        ({"drive_share": np.nan}, "driven"),
    ],
)
def test_each_filter_rejects_what_it_is_for(smoke, change: dict, name: str):
    assert failed(GOOD | change, smoke.discover.select) == {name}
    selected = name in smoke.discover.select.chosen.filters
    assert rejection(GOOD | change, smoke.discover.select) == (name if selected else "")


@pytest.mark.parametrize(
    "change",
    [
        {"max_magnitude": 1e4, "max_zscore": 15.0},
        {"linear_share": 0.99},
        {"tail_step": np.nextafter(1e-3, 1)},
        {"zero_one_score": [0.0, 0.2]},
        {"spectral_peaks": [0.0, 4.0]},
        {"kpss_p": [0.05, 0.1], "adf_p": [np.nan, np.nan]},
        {"kpss_p": [0.01, 0.01], "adf_p": [0.049, 0.049]},
        {"largest_deviation": 15.0, "straightness": 0.99, "unitless_zero_one_score": [0.0, 0.2]},
        {"relative_tail_step": np.nextafter(1e-3, 1), "return_distance": np.nextafter(3e-3, 1)},
        {"largest_exponent": 0.35, "exponent_error": 0.1},
        {"drive_share": 0.01},
        {"drive_share": 0.99},
        {"response": "", "drive_share": np.nan},
    ],
)
def test_the_threshold_itself_or_the_next_number_passes(smoke, change: dict):
    assert failed(GOOD | change, smoke.discover.select) == set()


@pytest.mark.parametrize(
    "change",
    [{"recurrence_max_count": 199.0}, {"recurrence_endpoint": 0.0}, {"recurrence_longest_block": 100.0}],
)
def test_a_limit_cycle_needs_all_its_marks(smoke, change: dict):
    assert failed(GOOD | CYCLE | change, smoke.discover.select) == set()


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "integrated"])
def test_what_is_undefined_passes_no_filter(smoke, name: str):
    row = {"status": "complete", **undefined(), **NOT_FOLLOWED, "response": "Thomas", "dt": 0.1}
    row |= dict.fromkeys(("largest_exponent", "exponent_error", "shear_exponent", "drive_share"), np.nan)
    assert not FILTERS[name](row, smoke.discover.select)


def test_verdicts_are_those_of_every_filter_alone(smoke):
    rows = [GOOD, GOOD | CYCLE, GOOD | {"status": "budget"}, GOOD | {"max_zscore": np.nan}]
    passed = verdicts(pd.DataFrame(rows, index=[3, 1, 7, 5]), smoke.discover.select)
    assert passed.index.tolist() == [3, 1, 7, 5]
    assert passed["not_limit_cycle"].tolist() == [True, False, True, True]
    assert passed.sum().sum() == 4 * len(FILTERS) - 3
    assert rejected_by(passed, ["bounded", "integrated"]).tolist() == ["", "", "integrated", "bounded"]
    assert rejected_by(passed, []).tolist() == [""] * 4


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ({"largest_exponent": 2.0, "dt": 0.05}, True),  # ten points exactly
        ({"largest_exponent": 2.01, "dt": 0.05}, False),
        ({"largest_exponent": 2.0, "dt": 0.051}, False),
        ({"largest_exponent": -1.0}, True),
        ({"largest_exponent": np.nan}, False),
    ],
)
def test_a_well_sampled_system_has_ten_points_in_a_lyapunov_time(smoke, change: dict, passes: bool):
    select = smoke.discover.select
    assert FILTERS["well_sampled"](GOOD | change, select) == passes
    assert all("well_sampled" not in selection.filters for selection in select.selections.values())
