"""The search: candidates integrated, and every statistic of every one of them stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int8

from panda.config import Integration, Search
from panda.core.progress import Progress
from panda.discovery.search.candidates import Group, member_generator
from panda.discovery.search.coupling import drive_share
from panda.discovery.search.draw import draw_members
from panda.discovery.search.statistics import LISTS, Value, statistics, undefined
from panda.dynamics.integrate import Status, Trajectories, integrate
from panda.dynamics.schedule import Schedule
from panda.dynamics.tangent import Early, largest_exponent
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import flow_of, from_rows, to_columns
from panda.systems.postprocess import saved_coordinates

# Where a candidate of a later generation comes from.
LINEAGE = ("generation", "operator", "parents")


def search(
    library: FounderLibrary,
    measures: pd.DataFrame,
    groups: Sequence[Group],
    settings: Search,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """One row per candidate: its definition, how its integration ended, its statistics and its exponent."""
    tables = search_each(library, measures, groups, settings, seed, progress)
    return pd.concat(tables, ignore_index=True)


def search_each(
    library: FounderLibrary,
    measures: pd.DataFrame,
    groups: Sequence[Group],
    settings: Search,
    seed: int,
    progress: Progress | None = None,
) -> Iterator[pd.DataFrame]:
    """The rows of `search`, one group after another."""
    rms = amplitudes(measures)
    for group in groups:
        flow = flow_of(library, group.driver, group.response)
        ensemble = draw_members(flow, group, settings, rms, seed)
        yield search_members(flow, group, ensemble, np.arange(len(ensemble)), settings, seed)
        if progress is not None:
            progress.advance(group.n_members)


def search_bred(
    library: FounderLibrary,
    bred: pd.DataFrame,
    settings: Search,
    seed: int,
    progress: Progress | None = None,
) -> Iterator[pd.DataFrame]:
    """The same for candidates that are defined already (`breeding.breed`), with their lineage.

    One pair after another, in the order in which `bred` names them.
    """
    for (driver, response), rows in bred.groupby(["driver", "response"], sort=False):
        flow = flow_of(library, str(driver), str(response))
        group = Group(str(driver), str(response), len(rows))
        numbers = rows["perturbation"].to_numpy()
        found = search_members(flow, group, from_rows(rows), numbers, settings, seed)
        yield found.assign(**{column: rows[column].to_numpy() for column in LINEAGE})
        if progress is not None:
            progress.advance(len(rows))


def amplitudes(measures: pd.DataFrame) -> dict[str, Float64[np.ndarray, " dimension"]]:
    """The flow amplitudes of every founder, from the table of `measure`."""
    return {row.founder: np.asarray(row.flow_rms) for row in measures.itertuples()}


def search_members(
    flow: Flow, group: Group, ensemble: Ensemble, numbers: np.ndarray, settings: Search, seed: int
) -> pd.DataFrame:
    """One group's members, whose perturbations have these `numbers`."""
    systems = [group.system(int(number)) for number in numbers]
    ensemble, failed = put_on_attractor(flow, ensemble, systems, numbers, settings, seed)
    run = integrate_members(flow, ensemble, settings.integration, failed)
    complete = np.flatnonzero(run.status == Status.complete)
    first = settings.integration.transient_points
    kept = run.states[complete, first:]
    series = saved_coordinates(flow, ensemble[complete], kept) if len(complete) else kept
    found = [undefined() for _ in range(len(ensemble))]
    for i, member in enumerate(complete.tolist()):
        stream = member_generator(seed, systems[member], "zero_one")
        before = saved_coordinates(flow, ensemble[[member]], run.states[[member], :first])[0]
        largest = np.abs(np.concatenate([before, series[i]])).max(axis=0)
        x = np.ascontiguousarray(series[i].T)
        found[member] = statistics(x, settings.statistics, stream, largest=largest)
    return pd.DataFrame(
        {
            "system": systems,
            "name": group.name,
            "driver": group.driver,
            "response": group.response,
            "population": group.population,
            "perturbation": numbers,
            "dimension": flow.response_dimension or flow.driver_dimension,
            "period": flow.period,
            "dt": duration(flow, settings.integration) / (settings.integration.n_points - 1),
            "status": [Status(int(status)).name for status in run.status],
            "n_steps": run.n_steps,
            **_columns(found),
            "drive_share": _drive_shares(flow, ensemble, complete, kept, settings),
            **_exponent(flow, group, ensemble, run, complete, settings, seed),
            **to_columns(ensemble),
        }
    )


def _drive_shares(
    flow: Flow,
    ensemble: Ensemble,
    complete: np.ndarray,
    kept: Float64[np.ndarray, "n_complete time dimension"],
    settings: Search,
) -> Float64[np.ndarray, " n"]:
    """The driver's share in each response's velocity; NaN for founders alone and where the integration failed."""
    shares = np.full(len(ensemble), np.nan)
    integration = settings.integration
    times = np.linspace(0.0, duration(flow, integration), integration.n_points)[
        integration.transient_points :
    ]
    shares[complete] = drive_share(
        flow, ensemble[complete], kept, times, n_points=settings.statistics.drive_points
    )
    return shares


def _columns(numbers: Sequence[dict[str, Value]]) -> dict[str, list]:
    """Statistics as columns; lists as float arrays, so that a file in which all are empty or NaN keeps their type."""
    # Signatures are long and told apart far above single precision.
    types = dict.fromkeys(LISTS, np.float64) | {"signature": np.float32}
    return {
        name: [np.asarray(row[name], dtype=types[name]) if name in types else row[name] for row in numbers]
        for name in numbers[0]
    }


def duration(flow: Flow, settings: Integration) -> float:
    """Length of a trajectory in the flow's time units: `n_periods` of its dominant period (spec 1.5)."""
    return flow.period * settings.n_periods


def integrate_members(
    flow: Flow, ensemble: Ensemble, settings: Integration, failed: Int8[np.ndarray, " n"] | None = None
) -> Trajectories:
    """Whole trajectories of all members, transient included, from their initial states.

    Members that have `failed` already are not integrated and keep that status.
    """
    n = len(ensemble)
    going = np.arange(n) if failed is None else np.flatnonzero(failed == Status.complete)
    run = integrate(
        flow,
        ensemble[going],
        duration=np.full(len(going), duration(flow, settings)),
        n_points=settings.n_points,
        limits=settings.limits,
    )
    if failed is None or len(going) == n:
        return run
    whole = Trajectories(
        np.full((n, settings.n_points, flow.dimension), np.nan),
        failed.copy(),
        *(np.zeros(n, dtype=np.int64) for _ in range(3)),
    )
    for field in ("states", "status", "n_steps", "n_rejected", "n_evaluations"):
        getattr(whole, field)[going] = getattr(run, field)
    return whole


def put_on_attractor(
    flow: Flow, ensemble: Ensemble, systems: Sequence[str], numbers: np.ndarray, settings: Search, seed: int
) -> tuple[Ensemble, Int8[np.ndarray, " n"]]:
    """Every member but the unperturbed (number 0) moved to a state of its own attractor (spec 1.5), and how that ended.

    That is its state at a random time of a cheap trajectory of `start.n_periods`, after the share `start.transient`
    of it. Who does not get there has failed. Without `start` all stay where they are.
    """
    status = np.full(len(ensemble), Status.complete, dtype=np.int8)
    start = settings.start
    moved = np.flatnonzero(numbers > 0)
    if start is None or not len(moved):
        return ensemble, status
    streams = [member_generator(seed, systems[i], "start") for i in moved.tolist()]
    periods = start.n_periods * np.array([stream.uniform(start.transient, 1.0) for stream in streams])
    run = integrate(
        flow,
        ensemble[moved],
        duration=flow.period * periods,
        n_points=2,
        limits=replace(
            settings.integration.limits, rtol=start.rtol, atol=start.atol, max_steps=start.max_steps
        ),
    )
    initial = ensemble.initial.copy()
    there = run.status == Status.complete
    initial[moved[there]] = run.states[there, -1]
    status[moved] = run.status
    return replace(ensemble, initial=initial), status


def _exponent(
    flow: Flow,
    group: Group,
    ensemble: Ensemble,
    run: Trajectories,
    complete: np.ndarray,
    settings: Search,
    seed: int,
) -> dict[str, np.ndarray]:
    """lambda_1 of the whole system and its standard error, from the trajectory's end.

    A candidate is abandoned early when its exponent is certain to stay below `early_rate`: the error is then that of the
    time it was followed (`exponent_periods`), and so is `shear_exponent`, ``ln((t0 + T) / t0) / T``: what a tangent
    vector that grows like t would show, as in the shear between neighbouring tori of a system without chaos.
    `exponent_status` is how the integration of the tangent vector ended: not every one gets over the jumps.
    """
    names = ("largest_exponent", "exponent_error", "shear_exponent", "exponent_periods")
    columns: dict[str, np.ndarray] = {name: np.full(len(ensemble), np.nan) for name in names}
    columns["exponent_status"] = np.full(len(ensemble), "", dtype=object)
    if not len(complete):
        return columns
    wanted = settings.exponent
    transient = np.full(len(complete), flow.period * wanted.transient_periods)
    found = largest_exponent(
        flow,
        replace(ensemble[complete], initial=run.states[complete, -1]),
        subspace="whole",
        schedule=Schedule(np.full(len(complete), flow.period * wanted.n_periods), transient, wanted.n_blocks),
        generator=member_generator(seed, group.name, "tangent whole"),
        limits=replace(
            settings.integration.limits, rtol=wanted.rtol, atol=wanted.atol, max_steps=wanted.max_steps
        ),
        early=Early(wanted.early_rate / flow.period, wanted.early_sigmas, wanted.early_blocks),
        min_blocks=wanted.min_blocks,
    )
    # NaN where no block was completed, as the exponent itself.
    time = np.where(found.elapsed_time > 0, found.elapsed_time, np.nan)
    shear = np.log1p(time / transient) / time
    values = (found.largest, found.standard_error, shear, found.elapsed_time / flow.period)
    for name, value in zip(names, values, strict=True):
        columns[name][complete] = value
    columns["exponent_status"][complete] = [Status(int(status)).name for status in found.status]
    return columns
