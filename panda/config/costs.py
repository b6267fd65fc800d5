"""The section of unit costs: what one piece of work takes, for the estimate before a run."""

from __future__ import annotations

from panda.config.types import Fraction, Name, NonNegative, Positive, Section


class Device(Section):
    """What trains: one GPU, or one core of a CPU."""

    flops_per_s: Positive
    step_s: NonNegative


class Acceptance(Section):
    """Shares of the candidates that are expected to pass every filter."""

    founder: Fraction
    skew: Fraction
    bred: Fraction


class Costs(Section):
    """Unit costs; no result depends on them."""

    job_cpu_s: NonNegative
    candidate_cpu_s: NonNegative
    followed_cpu_s: NonNegative
    followed_share: Fraction
    spectrum_cpu_s: NonNegative
    trajectory_cpu_s: NonNegative
    trust_cpu_s: NonNegative
    forecast_cpu_s: NonNegative
    baseline_window_cpu_s: NonNegative
    baseline_window_flops: dict[Name, NonNegative]
    field_cpu_s: NonNegative
    train_on_gpu: bool
    gpu: Device
    cpu: Device
    expected_acceptance: Acceptance
    mean_dimension: Positive
    candidate_bytes: NonNegative
    spectrum_bytes: NonNegative
    score_bytes: NonNegative
    parameter_bytes: NonNegative
