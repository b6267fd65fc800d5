"""The section of integration: the trajectories to train and test on."""

from __future__ import annotations

from pydantic import model_validator

from panda.config.types import Count, Natural, PathText, Positive, Section, Shards, Steps


class Long(Section):
    """Test systems integrated at length, at the time step of their test trajectory."""

    n_systems: Natural
    n_points: Count


class Trust(Section):
    """How long a stored trajectory is the solution through its first point: tolerances of the check."""

    rtol: Positive
    atol: Positive
    max_steps: Steps
    agreement: Positive


class Integrate(Section):
    """The trajectories to train and test on."""

    n_shards: Shards
    n_initial_conditions: Count
    n_periods: tuple[Count, Count] | None
    import_from: PathText | None
    long: Long
    trust: Trust

    @model_validator(mode="after")
    def _range_fits(self) -> Integrate:
        if self.n_periods is not None and self.n_periods[0] > self.n_periods[1]:
            raise ValueError(f"n_periods: [low, high] expected, low first; got {list(self.n_periods)}")
        return self
