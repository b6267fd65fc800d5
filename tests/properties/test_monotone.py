"""More work never costs less, and stricter thresholds never accept more."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.config import Config, Select
from panda.config.estimate import estimate, total
from panda.discovery.search.filters import verdicts
from tests.unit.discovery.test_filters import rejection

COUNTS = (
    "discover.search.n_pairs",
    "discover.search.n_perturbations",
    "discover.search.n_founder_perturbations",
    "discover.search.n_shards",
    "discover.follow.persistence_periods",
    "discover.gallery.n_systems",
    "integrate.n_initial_conditions",
    "train.batch_size",
    "train.shape.n_layers",
    "baselines.darts_nbeats.max_epochs",
    "evaluate.n_windows",
    "evaluate.n_mask_draws",
    "pde.n_runs",
    "scaling.n_points",
    "scaling.steps_fraction",
)


def scaled(part, path: str, factor: int):
    """A section with the count at a dotted path multiplied."""
    key, _, rest = path.partition(".")
    value = getattr(part, key)
    return part.model_copy(update={key: scaled(value, rest, factor) if rest else factor * value})


@pytest.mark.parametrize("path", COUNTS)
def test_more_of_anything_costs_no_less(smoke: Config, path: str):
    before, after = total(estimate(smoke)), total(estimate(scaled(smoke, path, 3)))
    assert after.cpu_hours > before.cpu_hours
    assert after.disk_gb >= before.disk_gb


# What a filter compares, and whether a larger threshold is stricter.
THRESHOLDS = {
    "max_abs": False,
    "max_zscore": False,
    "max_linear_share": False,
    "fixed_point_step": True,
    "rest_step": True,
    "periodic_distance": True,
    "zero_one_min_score": True,
    "recurrence_min_share": False,
    "recurrence_min_counts": False,
    "recurrence_min_block": False,
    "min_spectral_peaks": True,
    "exponent_min_sigmas": True,
    "exponent_min_power": True,
    "driven_min_share": True,
    "max_growth": False,
    "converged_max_sigmas": False,
}

numbers = st.one_of(st.floats(0, 30), st.just(float("nan")))
counts = st.integers(0, 600).map(float)
candidates = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["complete", "complete", "complete", "diverged"]),
        "verdict": st.sampled_from(["chaotic", "chaotic", "regular", "undecided"]),
        "follow_status": st.sampled_from(["complete", "complete", "diverged", ""]),
        "late_verdict": st.sampled_from(["chaotic", "undecided", "regular", ""]),
        "growth": numbers,
        "followed_exponent": numbers,
        "followed_error": numbers,
        "fine_verdict": st.sampled_from(["chaotic", "chaotic", "regular", ""]),
        "fine_status": st.sampled_from(["complete", "complete", "diverged", ""]),
        "fine_late_verdict": st.sampled_from(["chaotic", "undecided", ""]),
        "fine_growth": numbers,
        "fine_exponent": numbers,
        "fine_error": numbers,
        "max_magnitude": st.floats(0, 2e4),
        "max_zscore": numbers,
        "linear_share": st.floats(0, 1),
        "tail_step": st.floats(0, 0.01),
        "largest_deviation": numbers,
        "straightness": st.floats(0, 1),
        "relative_tail_step": st.floats(0, 0.01),
        "return_distance": st.floats(0, 0.01),
        "unitless_zero_one_score": st.lists(st.floats(0, 1), min_size=2, max_size=2),
        "zero_one_score": st.lists(st.floats(0, 1), min_size=2, max_size=2),
        "recurrence_n_recurrences": counts,
        "recurrence_endpoint": st.sampled_from([0.0, 1.0]),
        "recurrence_n_time_points": st.just(4000.0),
        "recurrence_max_count": counts,
        "recurrence_longest_block": counts,
        "recurrence_second_block": counts,
        "spectral_peaks": st.lists(st.integers(0, 9).map(float), min_size=2, max_size=2),
        "kpss_p": st.lists(st.floats(0, 0.1), min_size=2, max_size=2),
        "adf_p": st.lists(st.floats(0, 0.1), min_size=2, max_size=2),
        "largest_exponent": numbers,
        "exponent_error": numbers,
        "shear_exponent": st.floats(0, 0.1),
        "response": st.sampled_from(["", "Thomas", "Thomas"]),
        "drive_share": st.one_of(st.floats(0, 1), st.just(float("nan"))),
        "dt": st.just(0.1),
    }
)


@given(candidates, st.sampled_from(sorted(THRESHOLDS)), st.floats(1.0, 4.0))
def test_a_stricter_threshold_accepts_no_more(smoke: Config, row: dict, name: str, factor: float):
    select = smoke.discover.select
    value = getattr(select, name)
    changed = value * factor if THRESHOLDS[name] else value / factor
    if isinstance(value, int):
        changed = round(changed)
    strict = select.model_copy(update={name: changed})
    before, after = (verdicts(pd.DataFrame([row]), settings).iloc[0] for settings in (select, strict))
    assert not (after & ~before).any()


@given(candidates, st.permutations(range(12)))
def test_the_order_of_the_filters_names_the_rejection_and_decides_nothing(
    smoke: Config, row: dict, order: list[int]
):
    select = smoke.discover.select
    assert len(order) == len(select.chosen.filters)
    shuffled = select.chosen.model_copy(update={"filters": tuple(select.chosen.filters[i] for i in order)})
    other: Select = select.model_copy(update={"selections": {select.selection: shuffled}})
    assert (rejection(row, select) == "") == (rejection(row, other) == "")
