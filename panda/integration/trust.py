"""Until when a stored trajectory is the solution through its first point: two tolerances compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Integration, Trust
from panda.dynamics.integrate import integrate
from panda.integration.trajectories import BATCH, Regenerated
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import flow_of, from_rows
from panda.systems.postprocess import saved_coordinates

COLUMNS = (
    "system", "name", "initial_condition", "n_points", "dt", "largest_exponent", "trust_points",
    "trust_time", "trust_lyapunov_times", "trusted_to_the_end",
)  # fmt: skip


def trust_horizons(
    library: FounderLibrary, trajectories: Iterable[Regenerated], integration: Integration, trust: Trust
) -> Iterator[tuple[Regenerated, dict[str, Any]]]:
    """Each trajectory with its trust horizon, a row of `COLUMNS`.

    The trajectory `a` is compared with `b`, integrated from its first stored state with the tolerances of
    `trust`. `trust_points` is the number of leading stored points k with, in every saved coordinate i,

        |a_i(t_k) - b_i(t_k)| <= agreement * std_i,        std_i over the whole of a,

    `trust_time` the time of the last of them, from the first stored point on, `trust_lyapunov_times` that
    time times the largest exponent (NaN unless it is positive). After the horizon the stored numbers
    are still a trajectory of the system to the run's tolerance, but not the one through that first point.
    `trusted_to_the_end` says that the two never parted.
    """
    for (driver, response), group in groupby(
        trajectories, lambda one: (one.row["driver"], one.row["response"])
    ):
        flow = flow_of(library, str(driver), str(response))
        while part := list(islice(group, BATCH)):
            for one, n_points in zip(part, _agreement(flow, part, integration, trust), strict=True):
                yield one, _horizon(one, int(n_points))


def trust_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The horizons as a table of fixed columns and types, also where there is none."""
    types = dict.fromkeys(COLUMNS, "float64") | {"system": "object", "name": "object"}
    types |= dict.fromkeys(("initial_condition", "n_points", "trust_points"), "int64")
    types |= {"trusted_to_the_end": "bool"}
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(types)


def summary_line(table: pd.DataFrame) -> str:
    """The horizons in one line: how many, the median in Lyapunov times, how many never ended."""
    if table.empty:
        return "trust horizon: no test trajectory"
    known, points = table["trust_lyapunov_times"].dropna(), table["trust_points"].median()
    in_times = f"{known.median():.1f} Lyapunov times" if len(known) else "unknown in Lyapunov times"
    n_whole = int(table["trusted_to_the_end"].sum())
    return (
        f"trust horizon: median {in_times} ({points:.0f} points) over {len(table)} test trajectories; "
        f"{n_whole} trusted to their end"
    )


def _agreement(flow: Flow, part: list[Regenerated], integration: Integration, trust: Trust) -> np.ndarray:
    """Leading points on which the trajectories of one flow and their counterparts agree."""
    ensemble = from_rows(pd.DataFrame([one.row for one in part]))
    ensemble = Ensemble(**{**vars(ensemble), "initial": np.stack([one.start for one in part])})
    n_points = part[0].series.shape[1]
    duration = np.array([one.dt * (n_points - 1) for one in part])

    def saved(rtol: float, atol: float) -> Float64[np.ndarray, "n time dimension"]:
        limits = replace(integration.limits, rtol=rtol, atol=atol, max_steps=trust.max_steps)
        run = integrate(flow, ensemble, duration=duration, n_points=n_points, limits=limits)
        return saved_coordinates(flow, ensemble, run.states)

    exact = saved(trust.rtol, trust.atol)
    founders = [flow.driver, flow.response]
    if any(f is not None and (f.time_dependent or f.delay_index is not None) for f in founders):
        # Both start at time zero, and with delay from the history that ten numbers stand for: the stored one is
        # at another phase of the forcing, and has a history of its own.
        stored = saved(integration.rtol, integration.atol)
    else:
        stored = np.stack([one.series.T for one in part])
    size = stored.std(axis=1, keepdims=True)
    agrees = (np.abs(stored - exact) <= trust.agreement * size).all(axis=2)
    return np.where(agrees.all(axis=1), n_points, np.argmin(agrees, axis=1))


def _horizon(one: Regenerated, trust_points: int) -> dict[str, Any]:
    exponent, n_points = float(one.row["largest_exponent"]), one.series.shape[1]
    time = max(trust_points - 1, 0) * one.dt
    return {
        "system": one.row["system"],
        "name": one.row["name"],
        "initial_condition": one.initial_condition,
        "n_points": n_points,
        "dt": one.dt,
        "largest_exponent": exponent,
        "trust_points": trust_points,
        "trust_time": time,
        "trust_lyapunov_times": time * exponent if exponent > 0 else float("nan"),
        "trusted_to_the_end": trust_points == n_points,
    }
