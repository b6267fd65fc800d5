"""Sections of the evaluation and the PDE."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from panda.config.types import Count, Name, Natural, PathText, Positive, Section

# Series that the study makes itself beside the splits and the long ones: runs of the equation.
FIELDS = "kuramoto_sivashinsky"
# The data set whose scores the summary, the tests and the scaling law are of, and that of the equation.
UNSEEN, EQUATION = "test", "kuramoto_sivashinsky"


class DataSet(Section):
    """Series to forecast by name; what is left out is as `evaluate` says for all data sets.

    `series` is one of `panda.config.arena.SOURCES`, or the path of a file or a folder of the user's own. `in_report`:
    whether the report shows it, so that a run without a target scores it; None as `panda.config.arena.reported` says.
    """

    series: PathText
    forecasters: tuple[Name, ...] | None = None
    n_windows: Count | None = None
    max_trajectories: Count | None = None
    start: Natural | None = None
    context_length: Count | None = None
    horizons: tuple[Count, ...] | None = None
    batch_size: Count | None = None
    in_report: bool | None = None


class Evaluate(Section):
    """Zero-shot forecasts of data sets, and their scores."""

    datasets: dict[Name, DataSet]
    keep_forecasts: bool
    precision: Literal["float64", "float32"]
    together: bool
    forecasters: tuple[Name, ...]
    reference: Name | None
    tested_horizons: tuple[Count, ...]
    completion_model: Name | None
    n_windows: Count
    max_trajectories: Count | None
    start: Natural | None
    context_length: Count
    contexts: Literal["standardised", "raw"]
    horizons: tuple[Count, ...]
    standardise_eps: Positive
    smape_eps: Positive
    valid_time_threshold: Positive
    batch_size: Count
    fast_samples: Positive
    n_bootstrap: Count
    confidence: Annotated[float, Field(gt=0, lt=1)]
    n_examples: Count
    n_completions: Count
    n_mask_draws: Count

    @field_validator("datasets")
    @classmethod
    def _order_says_nothing(cls, datasets: dict[str, DataSet]) -> dict[str, DataSet]:
        # Layers are merged in more than one way: the same values are the same configuration, by its digest, too.
        return dict(sorted(datasets.items()))

    @model_validator(mode="after")
    def _horizons_rise(self) -> Evaluate:
        if not self.horizons or list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must rise and not repeat")
        return self

    @model_validator(mode="after")
    def _tests_are_scored(self) -> Evaluate:
        if self.reference is not None and self.reference not in self.forecasters:
            raise ValueError(
                f"reference {self.reference!r} must be one of forecasters (null compares none with the others)"
            )
        unscored = sorted(set(self.tested_horizons) - set(self.horizons))
        if unscored:
            raise ValueError(f"tested_horizons: {unscored[0]} is none of horizons {list(self.horizons)}")
        return self


class PDE(Section):
    """Runs of the Kuramoto-Sivashinsky equation."""

    n_runs: Count
    domain_length: Positive
    n_modes: Count
    n_grid: Count
    duration: Positive
    n_points: Count
    initial_scale: Positive
    rtol: Positive
    atol: Positive
