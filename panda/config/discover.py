"""The section of discovery: selections, spectra, generations, near-duplicates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from panda.config.founders import Founders
from panda.config.search import Search
from panda.config.types import Count, Fraction, Natural, NonNegative, Positive, Section

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
    "driven",
    "well_sampled",
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
    exponent_min_power: NonNegative
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

    seeds: Annotated[tuple[Natural, ...], Field(min_length=1)]
    generations: Annotated[int, Field(ge=2)]
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
    n_calibration: Annotated[int, Field(ge=2)]


class Gallery(Section):
    """Trajectories kept for figures 9 and 10."""

    n_systems: Count
    n_founders: Count
    n_perturbations: Count


class Duplicates(Section):
    """How near-duplicates are told."""

    enabled: bool
    n_calibration: Annotated[int, Field(ge=2)]
    coverage: Fraction
    parameter_tolerance: NonNegative


class Discover(Section):
    """Discovery of chaotic systems."""

    founders: Founders
    search: Search
    select: Select
    spectrum: Spectrum
    evolve: Evolve
    comparison: Comparison
    gallery: Gallery
    duplicates: Duplicates

    @model_validator(mode="after")
    def _same_decision(self) -> Discover:
        if self.select.stationarity_p > self.search.statistics.stationarity_p:
            raise ValueError(
                "select.stationarity_p is above search.statistics.stationarity_p, below which ADF is run"
            )
        if self.select.exponent_min_power < self.search.exponent.early_power:
            raise ValueError(
                "select.exponent_min_power is below search.exponent.early_power: candidates were given up "
                "that it might accept"
            )
        return self
