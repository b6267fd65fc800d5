"""The trajectories of the selected systems, regenerated from the catalogue alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Integration
from panda.core.errors import PandaError
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.dynamics.integrate import Status, Trajectories, integrate
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import by_flow, from_rows
from panda.systems.postprocess import saved_coordinates

Row = Mapping[str, Any]
# Members integrated side by side: several rounds of all lanes, and states of at most some hundred MB.
BATCH = 64


@dataclass(frozen=True)
class Length:
    """How long trajectories are, and how densely sampled.

    Attributes:
        integration: the search's own settings. On their own they give the searched trajectories again.
        n_periods: None as searched, else the range (ends included) from which every trajectory draws an
            integer number of periods for `integration.n_points` points.
        kept_points: None as searched, else this many points after the transient, at the same time step.
    """

    integration: Integration
    n_periods: tuple[int, int] | None = None
    kept_points: int | None = None

    @property
    def as_searched(self) -> bool:
        """Whether the first trajectory of a system is bit for bit the searched one."""
        return self.n_periods is None and self.kept_points is None

    @property
    def n_points(self) -> int:
        """Points of a trajectory, transient included."""
        return self.integration.transient_points + (self.kept_points or self.integration.kept_points)

    @property
    def stretch(self) -> float:
        """Duration in units of that of `integration.n_points` points."""
        return (self.n_points - 1) / (self.integration.n_points - 1)

    @property
    def max_steps(self) -> int:
        """The search's budget, in proportion to the longest duration; never less than the search's."""
        longest = 1.0 if self.n_periods is None else self.n_periods[1] / self.integration.n_periods
        return math.ceil(self.integration.max_steps * max(1.0, longest * self.stretch))

    def periods(self, system: str, initial_condition: int, seed: int) -> int:
        """Periods in `integration.n_points` points, from the stream of this system and initial condition."""
        if self.n_periods is None:
            return self.integration.n_periods
        low, high = self.n_periods
        stream = generator(seed, "integrate", system, "periods", initial_condition)
        return int(stream.integers(low, high, endpoint=True))


class Regenerated(NamedTuple):
    """One trajectory: its row of the catalogue, which of the system's it is, and its numbers.

    `start` is the whole state (driver and response) at the first stored point; `series` holds the saved
    coordinates, (dimension, time), the transient dropped; `dt` is in the system's time units.
    """

    row: Row
    initial_condition: int
    dt: float
    start: Float64[np.ndarray, " state"]
    series: Float64[np.ndarray, "dimension time"]


def regenerate(
    library: FounderLibrary,
    rows: pd.DataFrame,
    length: Length,
    *,
    n_initial_conditions: Mapping[str, int],
    seed: int,
    progress: Progress | None = None,
    first_condition: int = 0,
) -> Iterator[Regenerated]:
    """Each system's trajectories, the flows in order of their names: `n_initial_conditions` from `first_condition` on.

    A trajectory is the same whatever others are asked for. Number 0 starts from the stored state; with
    `length.as_searched` it is bit for bit the searched trajectory. The others start from states drawn from it without
    replacement, after the transient (spec 1.5), with the system's own stream. A trajectory that does not reach its end
    is left out, and counted in the progress line.

    Raises:
        PandaError: a system that the search integrated to its end no longer gets there (the catalogue is
            of other code).
    """
    n_left_out = 0
    for flow, part in by_flow(library, rows, BATCH):
        counts = [n_initial_conditions[system] for system in part["system"]]
        wanted = [range(first_condition, first_condition + n) for n in counts]
        n_done = 0
        for found in _trajectories(flow, part, length, wanted, seed):
            n_done += 1
            yield found
        n_left_out += sum(counts) - n_done
        if progress is not None:
            notes = {"left_out": n_left_out} if n_left_out else {}
            progress.advance(len(part), **notes)


def _trajectories(
    flow: Flow, rows: pd.DataFrame, length: Length, wanted: list[range], seed: int
) -> Iterator[Regenerated]:
    ensemble, records = from_rows(rows), rows.to_dict("records")
    n_periods = [length.periods(record["system"], 0, seed) for record in records]
    run = _integrate(flow, ensemble, length, n_periods)
    _check_as_searched(records, run, length)
    for i in np.flatnonzero(run.status == Status.complete):
        kept = run.states[i, length.integration.transient_points :]
        one = ensemble[i : i + 1]
        if 0 in wanted[i]:
            yield from _regenerated(flow, one, kept[None], records[i], [0], length, seed)
        further = range(max(1, wanted[i].start), wanted[i].stop)
        yield from _restarted(flow, one, kept, length, records[i], further, seed)


def _check_as_searched(records: list[dict[str, Any]], run: Trajectories, length: Length) -> None:
    if not length.as_searched:
        return
    for record, status in zip(records, run.status, strict=True):
        if record["status"] == "complete" and status != Status.complete:
            raise PandaError(
                f"{record['system']}: its integration ends with {Status(int(status)).name}, though the "
                "catalogue says complete; search and select again with this code"
            )


def draw_starts(
    kept: Float64[np.ndarray, "time state"], n: int, *, system: str, seed: int
) -> Float64[np.ndarray, "n state"]:
    """`n` different states of a trajectory after its transient, from the system's own stream; more begin with these.

    Raises:
        PandaError: the trajectory has fewer.
    """
    if n > len(kept):
        raise PandaError(
            f"{system}: {n} further initial conditions asked for, but its trajectory has {len(kept)} points"
        )
    stream = generator(seed, "integrate", system, "initial")
    return kept[stream.permutation(len(kept))[:n]]


def _restarted(
    flow: Flow,
    member: Ensemble,
    kept: Float64[np.ndarray, "time state"],
    length: Length,
    record: Row,
    wanted: range,
    seed: int,
) -> Iterator[Regenerated]:
    """Trajectories from states of the first one, by their numbers, in batches; those that escape are left out."""
    starts = draw_starts(kept, max(0, wanted.stop - 1), system=record["system"], seed=seed)
    for first in range(wanted.start, wanted.stop, BATCH):
        numbers = np.arange(first, min(first + BATCH, wanted.stop))
        part = starts[numbers - 1]
        many = replace(member[np.zeros(len(part), dtype=np.int64)], initial=part)
        run = _integrate(
            flow, many, length, [length.periods(record["system"], int(k), seed) for k in numbers]
        )
        complete = np.flatnonzero(run.status == Status.complete)
        if len(complete):
            states = run.states[complete, length.integration.transient_points :]
            yield from _regenerated(
                flow, many[complete], states, record, numbers[complete].tolist(), length, seed
            )


def _integrate(flow: Flow, ensemble: Ensemble, length: Length, n_periods: list[int]) -> Trajectories:
    settings = length.integration
    return integrate(
        flow,
        ensemble,
        duration=flow.period * np.asarray(n_periods, dtype=np.float64) * length.stretch,
        n_points=length.n_points,
        limits=replace(settings.limits, max_steps=length.max_steps),
    )


def _regenerated(
    flow: Flow,
    ensemble: Ensemble,
    kept: Float64[np.ndarray, "n time state"],
    record: Row,
    numbers: list[int],
    length: Length,
    seed: int,
) -> Iterator[Regenerated]:
    saved = saved_coordinates(flow, ensemble, kept)
    for number, states, series in zip(numbers, kept, saved, strict=True):
        periods = length.periods(record["system"], number, seed)
        dt = flow.period * periods / (length.integration.n_points - 1)
        yield Regenerated(record, number, dt, states[0], series.T)
