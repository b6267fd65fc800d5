"""The section of discovery: selections, spectra, generations, near-duplicates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from panda.config.follow import Audit, Follow
from panda.config.founders import Founders, Relatives
from panda.config.search import Search
from panda.config.types import (
    Count,
    Fraction,
    Name,
    Natural,
    NonNegative,
    Positive,
    Section,
    Seed,
    Several,
    Shards,
    Steps,
)

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
    "chaotic",
    "persistent",
    "converged",
    "no_outliers",
    "not_straight",
    "not_at_rest",
    "irregular",
    "not_periodic",
    "driven",
    "well_sampled",
]

# Filters that ask for what following a candidate for long has shown (`discover.follow`).
FOLLOWED: frozenset[FilterName] = frozenset({"chaotic", "persistent", "converged"})


class Selection(Section):
    """Filters in order, and whether unperturbed founders enter whatever these say (your own if `own_enter` names it)."""

    filters: tuple[FilterName, ...]
    founders_enter: bool


class Select(Section):
    """Which selections there are, which of them decides, and the filters' thresholds."""

    selection: Name
    selections: dict[Name, Selection]
    own_enter: tuple[Name, ...]
    max_abs: Positive
    max_zscore: Positive
    max_linear_share: Fraction
    fixed_point_step: NonNegative
    rest_step: NonNegative
    zero_one_min_score: Fraction
    recurrence_min_share: NonNegative
    recurrence_min_counts: Natural
    recurrence_min_block: Count
    periodic_distance: NonNegative
    min_spectral_peaks: Natural
    stationarity_p: Fraction
    exponent_min_sigmas: NonNegative
    exponent_min_power: NonNegative
    max_growth: Positive
    converged_max_sigmas: Positive
    strict: Relatives
    driven_min_share: Annotated[float, Field(ge=0, le=0.5)]
    well_sampled_min_points: NonNegative

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

    def before_following(self) -> Select:
        """The same selections for candidates that nobody has followed: the search's own exponent decides chaos."""

        def searched(selection: Selection) -> Selection:
            kept = tuple(name for name in selection.filters if name not in FOLLOWED)
            asks = any(name in FOLLOWED for name in selection.filters) and "positive_exponent" not in kept
            return selection.model_copy(update={"filters": (*kept, *(["positive_exponent"] if asks else []))})

        return self.model_copy(
            update={"selections": {name: searched(one) for name, one in self.selections.items()}}
        )


class Spectrum(Section):
    """The whole Lyapunov spectrum of accepted systems."""

    max_systems: Count | None
    n_shards: Shards
    n_periods: Count
    transient_periods: Count
    n_segments: Count
    n_blocks: Several
    min_blocks: Several
    points_per_segment: Count
    rtol: Positive
    atol: Positive
    max_steps: Steps
    min_sigmas: NonNegative
    min_power: NonNegative

    @property
    def segment_periods(self) -> float:
        """How long each segment is measured."""
        return self.n_periods / self.n_segments

    @model_validator(mode="after")
    def _segments_fit(self) -> Spectrum:
        if self.n_blocks % self.n_segments:
            raise ValueError(
                f"n_blocks {self.n_blocks} is no multiple of n_segments {self.n_segments}, "
                "each of which has the same number"
            )
        return self


class Comparison(Section):
    """Searches of one generation and of several, for a comparison at equal CPU time."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    generations: Annotated[int, Field(ge=2, le=100)]
    n_perturbations: Count
    n_pairs: Count
    n_pairs_evolved: Count
    n_draws: Count
    n_spectra: Count
    n_curve_points: Count
    kernel_width: Positive


class Evolve(Section):
    """How candidates are bred from accepted systems."""

    litter_size: Count
    founder_share: Fraction
    recombined_share: Fraction
    mutation_scale: NonNegative
    tournament_size: Count
    n_neighbours: Count
    min_samples: NonNegative
    n_calibration: Several


class Gallery(Section):
    """Trajectories kept for figures 9 and 10."""

    n_systems: Count
    n_founders: Count
    n_perturbations: Count


class Duplicates(Section):
    """How near-duplicates are told."""

    enabled: bool
    n_calibration: Several
    coverage: Fraction
    parameter_tolerance: NonNegative


class Discover(Section):
    """Discovery of chaotic systems."""

    founders: Founders
    search: Search
    follow: Follow
    select: Select
    audit: Audit
    spectrum: Spectrum
    evolve: Evolve
    comparison: Comparison
    gallery: Gallery
    duplicates: Duplicates

    @model_validator(mode="after")
    def _own_founders_are_there(self) -> Discover:
        own = [file.name for file in self.founders.own_files()]
        for name in self.select.own_enter:
            if name not in own:
                there = f"those of discover.founders.own are {', '.join(own)}" if own else "there is none"
                raise ValueError(f"select.own_enter: no founder of your own is named {name!r}; {there}")
        return self

    @model_validator(mode="after")
    def _same_decision(self) -> Discover:
        if self.select.stationarity_p > self.search.statistics.stationarity_p:
            raise ValueError(
                "select.stationarity_p is above search.statistics.stationarity_p, below which ADF is run"
            )
        if self.search.exponent.early_rate > self.follow.regular_below:
            raise ValueError(
                "search.exponent.early_rate is above follow.regular_below: candidates were given up that are not "
                "called regular"
            )
        return self

    @model_validator(mode="after")
    def _audit_is_another_run(self) -> Discover:
        if self.audit.rtol >= self.follow.rtol:
            raise ValueError("audit.rtol must be below follow.rtol, whose verdicts it checks")
        return self
