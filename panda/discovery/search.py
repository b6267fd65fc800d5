"""The search: candidates integrated, and every statistic of every one of them stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Integration, Search
from panda.core.progress import Progress
from panda.discovery.candidates import Group, member_generator
from panda.discovery.members import draw_members, flow_of, to_columns
from panda.discovery.statistics import LISTS, Value, statistics, undefined
from panda.dynamics.integrate import Status, Trajectories, integrate
from panda.dynamics.tangent import largest_exponent
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.postprocess import saved_coordinates


def search(
    library: FounderLibrary,
    measures: pd.DataFrame,
    groups: Sequence[Group],
    settings: Search,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """A row a candidate: its definition, how its integration ended, its statistics and its exponents."""
    rms = {row.founder: np.asarray(row.flow_rms) for row in measures.itertuples()}
    tables = []
    for group in groups:
        flow = flow_of(library, group.driver, group.response)
        ensemble = draw_members(flow, group, settings, rms, seed)
        tables.append(_search_group(flow, group, ensemble, settings, seed))
        if progress is not None:
            progress.advance(group.n_members)
    return pd.concat(tables, ignore_index=True)


def _search_group(flow: Flow, group: Group, ensemble: Ensemble, settings: Search, seed: int) -> pd.DataFrame:
    run = integrate_members(flow, ensemble, settings.integration)
    complete = np.flatnonzero(run.status == Status.complete)
    kept = run.states[complete, settings.integration.transient_points :]
    series = saved_coordinates(flow, ensemble[complete], kept) if len(complete) else kept
    numbers = [undefined() for _ in range(len(ensemble))]
    for i, member in enumerate(complete):
        stream = member_generator(seed, group.system(int(member)), "zero_one")
        numbers[member] = statistics(np.ascontiguousarray(series[i].T), settings.statistics, stream)
    n = len(ensemble)
    return pd.DataFrame(
        {
            "system": [group.system(i) for i in range(n)],
            "name": group.name,
            "driver": group.driver,
            "response": group.response,
            "population": group.population,
            "perturbation": np.arange(n),
            "dimension": flow.response_dimension or flow.driver_dimension,
            "period": flow.period,
            "dt": duration(flow, settings.integration) / (settings.integration.n_points - 1),
            "status": [Status(int(status)).name for status in run.status],
            "n_steps": run.n_steps,
            **_columns(numbers),
            **_exponents(flow, group, ensemble, run, complete, settings, seed),
            **to_columns(ensemble),
        }
    )


def _columns(numbers: Sequence[dict[str, Value]]) -> dict[str, list]:
    """Statistics as columns; lists as float arrays, so that a file in which all are empty or NaN keeps their type."""
    return {
        name: [np.asarray(row[name], dtype=np.float64) if name in LISTS else row[name] for row in numbers]
        for name in numbers[0]
    }


def duration(flow: Flow, settings: Integration) -> float:
    """Length of a trajectory in the flow's time units: `n_periods` of its dominant period (spec 1.5)."""
    return flow.period * settings.n_periods


def integrate_members(flow: Flow, ensemble: Ensemble, settings: Integration) -> Trajectories:
    """Whole trajectories of all members, transient included, from their initial states."""
    return integrate(
        flow,
        ensemble,
        duration=np.full(len(ensemble), duration(flow, settings)),
        n_points=settings.n_points,
        rtol=settings.rtol,
        atol=settings.atol,
        max_steps=settings.max_steps,
        max_abs=settings.max_abs,
        min_step=settings.min_step,
    )


def _exponents(
    flow: Flow,
    group: Group,
    ensemble: Ensemble,
    run: Trajectories,
    complete: np.ndarray,
    settings: Search,
    seed: int,
) -> dict[str, Float64[np.ndarray, " n"]]:
    """lambda_1 of the whole system, and the response's conditional exponent, from the trajectory's end.

    `shear_exponent` is ``ln((t0 + T) / t0) / T``: what a tangent vector that grows like t would show, as in the
    shear between neighbouring tori of a system without chaos.
    """
    names = ("largest_exponent", "exponent_error", "conditional_exponent", "conditional_error")
    columns = {name: np.full(len(ensemble), np.nan) for name in (*names, "shear_exponent")}
    if not len(complete):
        return columns
    ended = replace(ensemble[complete], initial=run.states[complete, -1])
    transient = np.full(len(complete), flow.period * settings.exponent.transient_periods)
    for subspace, (value, error) in _subspaces(flow, names):
        found = largest_exponent(
            flow,
            ended,
            subspace=subspace,
            duration=np.full(len(complete), flow.period * settings.exponent.n_periods),
            transient=transient,
            n_blocks=settings.exponent.n_blocks,
            generator=member_generator(seed, group.name, f"tangent {subspace}"),
            rtol=settings.exponent.rtol,
            atol=settings.exponent.atol,
            max_steps=settings.exponent.max_steps,
            max_abs=settings.integration.max_abs,
            min_step=settings.integration.min_step,
        )
        columns[value][complete], columns[error][complete] = found.largest, found.standard_error
        if subspace == "whole":
            # NaN where no block was completed, as the exponent itself.
            time = np.where(found.elapsed_time > 0, found.elapsed_time, np.nan)
            columns["shear_exponent"][complete] = np.log1p(time / transient) / time
    return columns


def _subspaces(
    flow: Flow, names: tuple[str, ...]
) -> list[tuple[Literal["whole", "response"], tuple[str, ...]]]:
    """The tangent subspaces to measure, each with its two columns; a founder alone has no response."""
    whole, response = ("whole", names[:2]), ("response", names[2:])
    return [whole] if flow.response is None else [whole, response]
