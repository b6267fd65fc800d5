"""Sections of discovery and integration."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal

from pydantic import Field, model_validator

from panda.config.founder_names import founder_names
from panda.config.types import Count, Fraction, Natural, NonNegative, Positive, Section


class Founders(Section):
    """Which founders there are, how they split, and the trajectory that measures each."""

    names: tuple[str, ...] | None
    held_out: tuple[str, ...]
    validation: tuple[str, ...]
    reference_points: Count
    reference_periods: Count
    reference_transient: Fraction
    reference_rtol: Positive
    reference_atol: Positive

    @model_validator(mode="after")
    def _splits_fit(self) -> Founders:
        both = sorted(set(self.held_out) & set(self.validation))
        if both:
            raise ValueError(f"held_out and validation share {both[0]!r}; a founder belongs to one split")
        for name in (*(self.names or ()), *self.held_out, *self.validation):
            if name not in founder_names():
                close = difflib.get_close_matches(name, founder_names(), n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise ValueError(f"no founder {name!r} among dysts' systems without delay{hint}")
        asked, there = set(self.held_out) | set(self.validation), set(self.all_names)
        if len(asked) >= len(there):
            raise ValueError(
                f"{len(asked)} founders held out or for validation, but only {len(there)} founders; "
                "at least one must be left to train on"
            )
        if asked - there:
            raise ValueError(f"held-out or validation founder {min(asked - there)!r} is not among `names`")
        return self

    @property
    def all_names(self) -> tuple[str, ...]:
        """The founders in use, sorted."""
        return founder_names() if self.names is None else tuple(sorted(set(self.names)))

    def split(self, *names: str) -> Literal["train", "validation", "test"]:
        """The split of a system made from founders `names`: test before validation before train."""
        if set(names) & set(self.held_out):
            return "test"
        return "validation" if set(names) & set(self.validation) else "train"


class Mutation(Section):
    """The parameter sampler."""

    scale: NonNegative
    variance_floor: NonNegative
    sign_match_probability: Fraction
    ignore_probability: Fraction


class Integration(Section):
    """One trajectory of a candidate."""

    n_points: Count
    n_periods: Count
    transient_points: Natural
    rtol: Positive
    atol: Positive
    max_steps: Count
    max_abs: Positive
    min_step: Positive

    @model_validator(mode="after")
    def _transient_fits(self) -> Integration:
        if self.transient_points >= self.n_points:
            raise ValueError(
                f"transient_points {self.transient_points} leaves nothing of {self.n_points} points"
            )
        return self

    @property
    def kept_points(self) -> int:
        """Points left after the transient."""
        return self.n_points - self.transient_points


class ZeroOne(Section):
    """Settings of the 0-1 test for chaos."""

    n_frequencies: Count
    frequency_range: tuple[Fraction, Fraction]
    k_threshold: float
    n_delays: Count
    n_bins: Annotated[int, Field(ge=2)]
    n_smoothing: Count
    shift_share: Fraction


class Statistics(Section):
    """Settings of the statistics that the search stores."""

    transient_fraction: Fraction
    std_floor: Positive
    tail_share: Fraction
    zero_one: ZeroOne
    recurrence_tolerance: Positive
    min_recurrence_time: Count
    spectrum_height: Positive
    spectrum_prominence: Positive
    stationarity_p: Fraction


class Exponent(Section):
    """The largest Lyapunov exponent by tangent flow."""

    n_periods: Count
    transient_periods: Natural
    n_blocks: Annotated[int, Field(ge=2)]
    rtol: Positive
    atol: Positive
    max_steps: Count


class Search(Section):
    """The candidates."""

    n_pairs: Natural
    n_perturbations: Count
    n_founder_perturbations: Natural
    n_shards: Count
    stiffness: Positive
    mutation: Mutation
    integration: Integration
    statistics: Statistics
    exponent: Exponent


FilterName = Literal[
    "integrated",
    "bounded",
    "not_linear",
    "not_fixed_point",
    "zero_one",
    "not_limit_cycle",
    "power_spectrum",
    "stationary",
    "positive_exponent",
]


class Selection(Section):
    """Filters in order, and whether unperturbed founders enter whatever these say."""

    filters: tuple[FilterName, ...]
    founders_enter: bool


class Select(Section):
    """Which selections there are, which of them decides, and the filters' thresholds."""

    selection: str
    selections: dict[str, Selection]
    max_abs: Positive
    max_zscore: Positive
    max_linear_share: Fraction
    fixed_point_step: NonNegative
    zero_one_min_score: Fraction
    recurrence_min_share: NonNegative
    recurrence_min_counts: Natural
    recurrence_min_block: Count
    min_spectral_peaks: Natural
    stationarity_p: Fraction
    exponent_min_sigmas: NonNegative

    @model_validator(mode="after")
    def _selection_is_there(self) -> Select:
        if self.selection not in self.selections:
            raise ValueError(
                f"selection {self.selection!r} is none of selections ({', '.join(self.selections)})"
            )
        return self

    @property
    def chosen(self) -> Selection:
        """The selection that decides."""
        return self.selections[self.selection]


class Spectrum(Section):
    """The whole Lyapunov spectrum of accepted systems."""

    max_systems: Count | None
    n_shards: Count
    n_periods: Count
    transient_periods: Count
    n_segments: Count
    n_blocks: Annotated[int, Field(ge=2)]
    points_per_segment: Count
    rtol: Positive
    atol: Positive
    max_steps: Count
    min_sigmas: NonNegative

    @model_validator(mode="after")
    def _segments_fit(self) -> Spectrum:
        if self.n_blocks % self.n_segments:
            raise ValueError(
                f"n_blocks {self.n_blocks} is no multiple of n_segments {self.n_segments}, "
                "each of which has the same number"
            )
        return self


class Gallery(Section):
    """Trajectories kept for figures 9 and 10."""

    n_systems: Count
    n_founders: Count
    n_perturbations: Count


class Discover(Section):
    """Discovery of chaotic systems."""

    founders: Founders
    search: Search
    select: Select
    spectrum: Spectrum
    gallery: Gallery

    @model_validator(mode="after")
    def _same_decision(self) -> Discover:
        if self.select.stationarity_p > self.search.statistics.stationarity_p:
            raise ValueError(
                "select.stationarity_p is above search.statistics.stationarity_p, below which ADF is run"
            )
        return self


class Integrate(Section):
    """The trajectories to train and test on."""

    n_shards: Count
    n_initial_conditions: Count
