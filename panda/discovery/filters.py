"""The filters: each a comparison of stored statistics with thresholds of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from panda.config import FilterName, Select
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
    "driven": _driven,
    "well_sampled": _well_sampled,
}


# What the filters read: the other columns of a candidate can be large.
READ = (
    "status", "max_magnitude", "max_zscore", "linear_share", "tail_step", "zero_one_score", "spectral_peaks", "kpss_p",
    "adf_p", "largest_exponent", "exponent_error", "shear_exponent", "response", "drive_share", "dt",
    *(f"recurrence_{name}" for name in Recurrence._fields),
)  # fmt: skip


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
