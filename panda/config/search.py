"""The section of the search: candidates, how they are integrated, what is measured of each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from panda.config.types import (
    Count,
    Fraction,
    Natural,
    NonNegative,
    Positive,
    Section,
    Several,
    Shards,
    Steps,
)
from panda.core.limits import Limits


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
    max_steps: Steps
    max_abs: Positive
    max_angle: Positive
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

    @property
    def limits(self) -> Limits:
        """What an integration must respect."""
        return Limits(
            rtol=self.rtol,
            atol=self.atol,
            max_steps=self.max_steps,
            max_abs=self.max_abs,
            max_angle=self.max_angle,
            min_step=self.min_step,
        )


class Start(Section):
    """The cheap trajectory on which a perturbed candidate finds its own attractor."""

    n_periods: Positive
    transient: Fraction
    rtol: Positive
    atol: Positive
    max_steps: Steps


class ZeroOne(Section):
    """Settings of the 0-1 test for chaos."""

    n_frequencies: Count
    frequency_range: tuple[Fraction, Fraction]
    k_threshold: float
    n_delays: Count
    n_bins: Several
    n_smoothing: Count
    shift_share: Fraction


class Periodicity(Section):
    """How the return of a trajectory to itself is looked for."""

    left_behind: Positive
    n_returns: Count
    share: Annotated[float, Field(gt=0, le=1)]


class SignatureShape(Section):
    """Which features of a trajectory are kept, to compare it with others."""

    n_bins: Count
    max_size: Positive
    n_bands: Count
    band_range: tuple[Positive, Positive]
    n_axes: Count


class Statistics(Section):
    """Settings of the statistics that the search stores."""

    transient_fraction: Fraction
    std_floor: Positive
    tail_share: Fraction
    zero_one: ZeroOne
    recurrence_tolerance: Positive
    min_recurrence_time: Count
    rest_share: Positive
    periodicity: Periodicity
    spectrum_height: Positive
    spectrum_prominence: Positive
    signature: SignatureShape
    stationarity_p: Fraction
    drive_points: Several


class Exponent(Section):
    """The largest Lyapunov exponent by tangent flow."""

    n_periods: Count
    transient_periods: Count
    n_blocks: Several
    min_blocks: Several
    early_blocks: Several
    early_rate: Positive
    early_sigmas: NonNegative
    rtol: Positive
    atol: Positive
    max_steps: Steps


class Search(Section):
    """The candidates."""

    n_pairs: Natural
    n_perturbations: Count
    n_founder_perturbations: Natural
    generations: Annotated[int, Field(ge=1, le=100)]
    n_shards: Shards
    stiffness: Positive
    mutation: Mutation
    start: Start | None
    integration: Integration
    statistics: Statistics
    exponent: Exponent

    @model_validator(mode="after")
    def _generations_have_pairs(self) -> Search:
        if self.generations > max(1, self.n_pairs):
            raise ValueError(
                f"generations {self.generations} share n_pairs {self.n_pairs}: less than one each; "
                "set generations to 1, or more pairs"
            )
        return self

    @property
    def first_pairs(self) -> int:
        """Founder pairs of the first generation."""
        return self.n_pairs - (self.generations - 1) * (self.n_pairs // self.generations)

    @property
    def n_bred(self) -> int:
        """Candidates of each later generation."""
        return self.n_pairs // self.generations * self.n_perturbations
