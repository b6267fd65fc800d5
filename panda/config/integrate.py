"""The section of integration: the trajectories to train and test on."""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from panda.config.types import Count, Natural, PathText, Positive, Section, Shards, Steps
from panda.core.errors import PandaError


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
    catalogue: PathText | None
    import_from: PathText | None
    long: Long
    trust: Trust

    @model_validator(mode="after")
    def _one_source(self) -> Integrate:
        if self.catalogue is not None and self.import_from is not None:
            raise ValueError("catalogue and import_from: give one of them; the other stays null")
        return self

    @model_validator(mode="after")
    def _range_fits(self) -> Integrate:
        if self.n_periods is not None and self.n_periods[0] > self.n_periods[1]:
            raise ValueError(f"n_periods: [low, high] expected, low first; got {list(self.n_periods)}")
        return self


def check_catalogue(settings: Integrate) -> None:
    """Refuse a catalogue that is not there.

    Raises:
        PandaError: it is no file.
    """
    if settings.catalogue is not None and not Path(settings.catalogue).is_file():
        raise PandaError(
            f"integrate.catalogue: {settings.catalogue}: no such file; give a catalogue.parquet, or null "
            "for this run's own"
        )
