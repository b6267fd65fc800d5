"""The filters: each a comparison of stored statistics with thresholds of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from panda.config import FilterName, Select
from panda.config.discover import FOLLOWED
from panda.discovery.certificates.verdict import CHAOTIC, UNDECIDED
from panda.invariants.recurrence import Recurrence

Row = Mapping[str, Any]


def _integrated(row: Row, select: Select) -> bool:
    """The trajectory reached its end within the step budget."""
    return row["status"] == "complete"


def _bounded(row: Row, select: Select) -> bool:
    """No coordinate is larger than max_abs, nor farther from its mean than max_zscore deviations."""
    return bool(row["max_magnitude"] <= select.max_abs and row["max_zscore"] <= select.max_zscore)


def _not_linear(row: Row, select: Select) -> bool:
    """No single axis carries more than max_linear_share of the variance."""
    return bool(row["linear_share"] <= select.max_linear_share)


def _not_fixed_point(row: Row, select: Select) -> bool:
    """The tail still moves: some step is longer than fixed_point_step."""
    return bool(row["tail_step"] > select.fixed_point_step)


def _zero_one(row: Row, select: Select) -> bool:
    """In some dimension the 0-1 test's score reaches its threshold."""
    return bool(np.any(np.asarray(row["zero_one_score"]) >= select.zero_one_min_score))


def _not_limit_cycle(row: Row, select: Select) -> bool:
    """The recurrences are not those of a limit cycle: few, or of many periods, or in short blocks."""
    n, n_points = row["recurrence_n_recurrences"], row["recurrence_n_time_points"]
    if not np.isfinite(n):
        return False
    block = select.recurrence_min_block
    longest, second = row["recurrence_longest_block"], row["recurrence_second_block"]
    return not (
        n >= max(1, int(select.recurrence_min_share * n_points))
        and row["recurrence_endpoint"] == 1
        and row["recurrence_max_count"] >= select.recurrence_min_counts
        and (block <= 1 or longest > 2 * block or second > block)
    )


def _power_spectrum(row: Row, select: Select) -> bool:
    """Some dimension has at least min_spectral_peaks peaks."""
    return bool(np.any(np.asarray(row["spectral_peaks"]) >= select.min_spectral_peaks))


def _stationary(row: Row, select: Select) -> bool:
    """In every dimension KPSS does not reject, or ADF does (NaN passes neither)."""
    kpss_p, adf_p = np.asarray(row["kpss_p"]), np.asarray(row["adf_p"])
    passes = (kpss_p >= select.stationarity_p) | (adf_p < select.stationarity_p)
    return bool(passes.size and passes.all())


def _positive_exponent(row: Row, select: Select) -> bool:
    """lambda_1 less exponent_min_sigmas standard errors is above zero, and above what growth like
    t^exponent_min_power would show: without chaos tangent vectors grow like t, with hardly any scatter."""
    certain = row["largest_exponent"] - select.exponent_min_sigmas * row["exponent_error"]
    return bool(certain > select.exponent_min_power * row["shear_exponent"])


def _chaotic(row: Row, select: Select) -> bool:
    """Followed for long, its largest exponent is surely above what shear alone would show."""
    return row["verdict"] == CHAOTIC


def _persistent(row: Row, select: Select) -> bool:
    """It was followed to the end, did not grow more than max_growth times, and was surely chaotic to the last."""
    return bool(
        row["follow_status"] == "complete"
        and row["growth"] <= select.max_growth
        and row["late_verdict"] == CHAOTIC
    )


def _converged(row: Row, select: Select) -> bool:
    """Followed again at a finer tolerance it is chaotic and persistent once more, and its exponents of both runs differ
    by at most converged_max_sigmas standard errors."""
    apart = abs(row["followed_exponent"] - row["fine_exponent"])
    again = {
        "follow_status": row["fine_status"],
        "growth": row["fine_growth"],
        "late_verdict": row["fine_late_verdict"],
    }
    return bool(
        row["fine_verdict"] == CHAOTIC
        and _persistent(again, select)
        and apart <= select.converged_max_sigmas * np.hypot(row["followed_error"], row["fine_error"])
    )


def _no_outliers(row: Row, select: Select) -> bool:
    """No coordinate is farther from its mean than max_zscore deviations, in any units."""
    return bool(row["largest_deviation"] <= select.max_zscore)


def _not_straight(row: Row, select: Select) -> bool:
    """No single axis carries more than max_linear_share of the variance, in any units."""
    return bool(row["straightness"] <= select.max_linear_share)


def _not_at_rest(row: Row, select: Select) -> bool:
    """The tail still moves: some step is longer than rest_step, in units of how much its coordinate moves."""
    return bool(row["relative_tail_step"] > select.rest_step)


def _irregular(row: Row, select: Select) -> bool:
    """In some dimension the 0-1 test's score reaches its threshold, sampled without regard to units."""
    return bool(np.any(np.asarray(row["unitless_zero_one_score"]) >= select.zero_one_min_score))


def _not_periodic(row: Row, select: Select) -> bool:
    """The trajectory never returns to itself within periodic_distance."""
    return bool(row["return_distance"] > select.periodic_distance)


def _driven(row: Row, select: Select) -> bool:
    """Driver and response each make at least driven_min_share of the response's velocity; a founder alone passes."""
    least = select.driven_min_share
    return row["response"] == "" or bool(least <= row["drive_share"] <= 1 - least)


def _well_sampled(row: Row, select: Select) -> bool:
    """A Lyapunov time 1 / lambda_1 holds at least well_sampled_min_points stored points; without chaos it has no end."""
    return bool(row["largest_exponent"] * row["dt"] * select.well_sampled_min_points <= 1)


FILTERS: dict[FilterName, Callable[[Row, Select], bool]] = {
    "integrated": _integrated,
    "bounded": _bounded,
    "not_linear": _not_linear,
    "not_fixed_point": _not_fixed_point,
    "zero_one": _zero_one,
    "not_limit_cycle": _not_limit_cycle,
    "power_spectrum": _power_spectrum,
    "stationary": _stationary,
    "positive_exponent": _positive_exponent,
    "chaotic": _chaotic,
    "persistent": _persistent,
    "converged": _converged,
    "no_outliers": _no_outliers,
    "not_straight": _not_straight,
    "not_at_rest": _not_at_rest,
    "irregular": _irregular,
    "not_periodic": _not_periodic,
    "driven": _driven,
    "well_sampled": _well_sampled,
}


# What the filters read of the search, and of it and `follow`: the other columns of a candidate can be large.
SEARCHED = (
    "status", "max_magnitude", "max_zscore", "linear_share", "tail_step", "zero_one_score", "spectral_peaks", "kpss_p",
    "adf_p", "largest_exponent", "exponent_error", "shear_exponent", "largest_deviation", "straightness",
    "relative_tail_step", "unitless_zero_one_score", "return_distance", "response", "drive_share", "dt",
    *(f"recurrence_{name}" for name in Recurrence._fields),
)  # fmt: skip
READ = (
    *SEARCHED, "verdict", "follow_status", "growth", "late_verdict", "followed_exponent", "followed_error",
    "fine_verdict", "fine_status", "fine_growth", "fine_late_verdict", "fine_exponent", "fine_error",
)  # fmt: skip
# What of it holds for a candidate that nobody has followed.
NOT_FOLLOWED: dict[str, Any] = {
    "verdict": UNDECIDED, "follow_status": "", "growth": float("nan"), "late_verdict": "",
    "followed_exponent": float("nan"), "followed_error": float("nan"), "fine_verdict": "", "fine_status": "",
    "fine_growth": float("nan"), "fine_late_verdict": "", "fine_exponent": float("nan"), "fine_error": float("nan"),
}  # fmt: skip


def verdicts(candidates: pd.DataFrame, select: Select) -> pd.DataFrame:
    """Whether each candidate passes each filter: a boolean column a filter, whether a selection asks it or not."""
    rows = candidates[list(READ)].to_dict("records")
    passed = {name: [test(row, select) for row in rows] for name, test in FILTERS.items()}
    return pd.DataFrame(passed, index=candidates.index, dtype=bool)


def rejected_by(passed: pd.DataFrame, filters: Sequence[FilterName]) -> pd.Series:
    """The first of `filters` that each candidate fails; empty if it passes all. `passed` is of `verdicts`."""
    failed = ~passed[list(filters)]
    return (
        failed.idxmax(axis=1).where(failed.any(axis=1), "") if len(filters) else pd.Series("", passed.index)
    )


def asked(candidates: pd.DataFrame, select: Select) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Which candidates a selection would accept as far as is known, of these whose persistence one asks for, and of
    these whose convergence."""
    passed = verdicts(candidates.assign(**NOT_FOLLOWED), select)
    decide = persist = converge = pd.Series(False, candidates.index)
    for selection in select.selections.values():
        known = passed[[name for name in selection.filters if name not in FOLLOWED]].all(axis=1)
        decide = decide | known
        if {"persistent", "converged"} & set(selection.filters):
            persist = persist | known
        if "converged" in selection.filters:
            converge = converge | known
    return decide, persist, converge
