"""The section that follows candidates for long: whether they are chaotic, and stay so."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from panda.config.types import Count, NonNegative, Positive, Section, Several, Shards, Steps


class Follow(Section):
    """The sequential test of the largest exponent, and persistence."""

    stages: tuple[Count, ...]
    transient_periods: Count
    min_blocks: Several
    min_sigmas: NonNegative
    min_power: NonNegative
    regular_below: Positive
    regular_parts: Count
    early_blocks: Several
    early_sigmas: NonNegative
    persistence_periods: Count
    points_per_period: Count
    late_stages: tuple[Count, ...]
    late_transient_periods: Count
    rtol: Positive
    atol: Positive
    fine_rtol: Positive
    fine_atol: Positive
    max_steps_per_period: Steps

    @model_validator(mode="after")
    def _finer_is_finer(self) -> Follow:
        if self.fine_rtol >= self.rtol or self.fine_atol > self.atol:
            raise ValueError(
                f"fine_rtol {self.fine_rtol:g} must be below rtol {self.rtol:g}, and fine_atol {self.fine_atol:g} not "
                f"above atol {self.atol:g}: the second run tells what hangs on the tolerance of the first"
            )
        return self

    @property
    def finer(self) -> Follow:
        """The same at the finer tolerance."""
        return self.model_copy(update={"rtol": self.fine_rtol, "atol": self.fine_atol})


class Audit(Section):
    """Samples of each verdict that are followed for much longer: how often the verdicts are wrong."""

    n_systems: Count
    n_periods: Count
    transient_periods: Count
    last_periods: Count
    rtol: Positive
    atol: Positive
    max_steps_per_period: Steps
    confidence: Annotated[float, Field(gt=0, lt=1)]
    n_shards: Shards

    @model_validator(mode="after")
    def _last_periods_are_some(self) -> Audit:
        if self.last_periods > self.n_periods:
            raise ValueError(f"last_periods {self.last_periods} are more than n_periods {self.n_periods}")
        return self
