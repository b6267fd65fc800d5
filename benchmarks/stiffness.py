"""Would an implicit method save candidates that the search loses? `python -m benchmarks.stiffness`.

Candidates are drawn as the search draws them, at the paper's settings: 300 perturbed founders and 300 perturbed
pairs. Those that end by the step budget, or because the step became too small, are integrated again: by our own
explicit method with ten times the steps, and by scipy's LSODA (which turns to BDF where it finds stiffness) and
Radau at the same tolerances. A candidate counts as saved if it reaches its end within the bounds, and as useful
if it then passes the filters, of which only that of the exponent is left out.
"""

from __future__ import annotations

import argparse
import ctypes
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float64
from scipy.integrate import solve_ivp

from benchmarks.subjects import ROOT, open_library
from panda.config import Config, Search
from panda.config.discover import FOLLOWED
from panda.config.founder_names import without_delay
from panda.config.load import load_config
from panda.core.seeds import generator
from panda.discovery.search.candidates import Group, member_generator, sample_pairs
from panda.discovery.search.draw import draw_members
from panda.discovery.search.filters import READ, rejected_by, verdicts
from panda.discovery.search.measure import measure
from panda.discovery.search.search import duration, integrate_members
from panda.discovery.search.statistics import statistics
from panda.dynamics.integrate import Status
from panda.systems.evaluate import jacobian_vector
from panda.systems.flow import Ensemble, Flow, bounded_coordinates
from panda.systems.lanes import N_LANES
from panda.systems.library import FounderLibrary
from panda.systems.members import flow_of
from panda.systems.postprocess import saved_coordinates

NOT_TRIED = ("BeerRNN", "InteriorSquirmer", "BickleyJet", "BlinkingVortex", "CaTwoPlusQuasiperiodic")
"""Founders that an earlier study had not integrated by an explicit method."""
N_CANDIDATES = 300
N_PERTURBATIONS = 3  # a founder, of which some are drawn
N_PAIR_PERTURBATIONS = 2  # a pair, all drawn
N_EVALUATIONS = {"LSODA": 1_200_000, "Radau": 150_000}
"""Right-hand sides that a method may take: LSODA as many as the explicit one has used in vain, Radau an eighth."""
N_AFTER_UNDERFLOW = 150_000
"""The same where the explicit method found a singularity within a few hundred steps."""
MORE_STEPS = 10


@dataclass(frozen=True, eq=False)
class Candidate:
    """One candidate and how its integration ended."""

    name: str
    flow: Flow
    member: Ensemble
    status: Status
    reached: float
    stiffness: float


class EndedError(Exception):
    """The integration is over before its end: the message is `budget` or `diverged`."""


def point_function(
    flow: Flow, member: Ensemble
) -> Callable[[float, np.ndarray], Float64[np.ndarray, " dimension"]]:
    """The compiled right-hand side of one member for methods that ask for one state at a time."""
    d_a, d_b, index = flow.driver_dimension, flow.response_dimension, member.driver_index[0]
    driver = _lane_call(flow.driver_rhs, d_a, member.driver_parameters[0])
    if flow.response is None:
        return driver
    response = _lane_call(flow.response_rhs, d_b, member.response_parameters[0])
    padded = np.zeros(max(d_a, d_b))

    def right_hand_side(t: float, y: np.ndarray) -> np.ndarray:
        padded[:d_a] = driver(t, y[:d_a])
        coupled = member.driver_scale[0] * padded[index] + member.response_scale[0] * response(t, y[d_a:])
        return np.concatenate([padded[:d_a], coupled])

    return right_hand_side


def _lane_call(address: int, d: int, parameters: np.ndarray) -> Callable[[float, np.ndarray], np.ndarray]:
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(address)
    t, y, dy = np.zeros(N_LANES), np.zeros((d, N_LANES)), np.zeros((d, N_LANES))
    p = np.ascontiguousarray(np.repeat(parameters[:, None], N_LANES, axis=1))
    pointers = [array.ctypes.data for array in (t, y, p, dy)]

    def call(time: float, state: np.ndarray) -> np.ndarray:
        t[:] = time
        y[:] = state[:, None]
        function(*pointers)
        return dy[:, 0].copy()

    call.keep = (t, y, p, dy)
    return call


def try_method(
    candidate: Candidate, settings: Search, method: str
) -> tuple[str, int, Float64[np.ndarray, "time dimension"] | None]:
    """How one of scipy's methods ends on a candidate, after how many right-hand sides, and the states."""
    limits = settings.integration
    inner = point_function(candidate.flow, candidate.member)
    bounded = bounded_coordinates(candidate.flow, candidate.member)[0]
    bound = np.where(bounded, limits.max_abs, limits.max_angle)
    most = N_EVALUATIONS[method]
    if candidate.status == Status.underflow:
        most = min(most, N_AFTER_UNDERFLOW)
    n_evaluations = 0

    def counted(t: float, y: np.ndarray) -> np.ndarray:
        nonlocal n_evaluations
        n_evaluations += 1
        if n_evaluations > most:
            raise EndedError("budget")
        # Trial states may lie beyond the bound where the trajectory does not; not a hundred times.
        if not np.all(np.abs(y) <= 100 * bound):
            raise EndedError("diverged")
        return inner(t, y)

    end = duration(candidate.flow, limits)
    times = np.linspace(0.0, end, limits.n_points)
    options = {"method": method, "t_eval": times, "rtol": limits.rtol, "atol": limits.atol}
    try:
        solution = solve_ivp(counted, (0.0, end), candidate.member.initial[0], **options)
    except EndedError as error:
        return str(error), n_evaluations, None
    except (ValueError, np.linalg.LinAlgError):
        return "failed", n_evaluations, None
    if not solution.success:
        return "failed", n_evaluations, None
    if not np.all(np.abs(solution.y.T) <= bound):
        return "diverged", n_evaluations, None
    return "complete", n_evaluations, solution.y.T


def first_failure(candidate: Candidate, states: np.ndarray, config: Config) -> str:
    """The first filter of its series alone that a saved trajectory fails; empty if it passes all."""
    settings = config.discover.search
    saved = saved_coordinates(candidate.flow, candidate.member, states[None])[0]
    series = saved[settings.integration.transient_points :]
    stream = member_generator(config.seed, candidate.name, "zero_one")
    row = dict.fromkeys(READ, np.nan) | {"status": "complete"}
    row |= statistics(
        np.ascontiguousarray(series.T), settings.statistics, stream, largest=np.abs(saved).max(axis=0)
    )
    of_more = {"positive_exponent", "driven", *FOLLOWED}
    filters = [name for name in config.discover.select.chosen.filters if name not in of_more]
    return str(rejected_by(verdicts(pd.DataFrame([row]), config.discover.select), filters).iloc[0])


def draw(library: FounderLibrary, config: Config) -> Iterator[tuple[Group, np.ndarray]]:
    """Groups and which of their members are tried: perturbed ones only, all drawn from the seed."""
    names, stream = without_delay(library.names), generator(config.seed, "benchmarks", "stiffness")
    # Founders without parameters have no perturbations.
    perturbed = [name for name in names if len(library[name].parameters)]
    chosen = stream.choice(len(perturbed) * N_PERTURBATIONS, N_CANDIDATES, replace=False)
    for i, name in enumerate(perturbed):
        yield Group(name, "", 1 + N_PERTURBATIONS), 1 + np.sort(chosen[chosen // N_PERTURBATIONS == i] % 3)
    members = np.arange(1, 1 + N_PAIR_PERTURBATIONS)
    for driver, response in sample_pairs(names, N_CANDIDATES // N_PAIR_PERTURBATIONS, config.seed):
        yield Group(driver, response, 1 + N_PAIR_PERTURBATIONS), members


def integrate_group(
    library: FounderLibrary, group: Group, members: np.ndarray, settings: Search, rms: dict, seed: int
) -> list[Candidate]:
    """The chosen members of a group, integrated as in the search."""
    flow = flow_of(library, group.driver, group.response)
    ensemble = draw_members(flow, group, settings, rms, seed)[members]
    run = integrate_members(flow, ensemble, settings.integration)
    candidates = []
    for i, member in enumerate(members):
        done = np.isfinite(run.states[i]).all(axis=1)
        reached = done.mean()
        step = reached * duration(flow, settings.integration) / max(1, run.n_steps[i])
        states = run.states[i, done][:: max(1, done.sum() // 50)]
        candidates.append(
            Candidate(
                group.system(int(member)),
                flow,
                ensemble[[i]],
                Status(int(run.status[i])),
                float(reached),
                step * _fastest_rate(flow, ensemble[[i]], states),
            )
        )
    return candidates


def _fastest_rate(flow: Flow, member: Ensemble, states: np.ndarray) -> float:
    """Median over states of the largest decay rate ``-Re(lambda)`` of the Jacobian (0 if none decays)."""
    n, d = states.shape
    if not n:
        return np.nan
    many = member[np.zeros(n * d, dtype=int)]
    directions = np.tile(np.eye(d), (n, 1))
    columns = jacobian_vector(flow, many, np.repeat(states, d, axis=0), directions, np.zeros(n * d))
    jacobians = columns.reshape(n, d, d).transpose(0, 2, 1)
    jacobians = jacobians[np.isfinite(jacobians).all(axis=(1, 2))]
    return float(np.median(np.maximum(0.0, -np.linalg.eigvals(jacobians).real.min(axis=1))))


def try_all(candidate: Candidate, config: Config) -> tuple[str, dict[str, str]]:
    """A line of the table, and for each method that saves the candidate the filter it then fails, or `passes`."""
    settings = config.discover.search
    more = settings.integration.model_copy(update={"max_steps": MORE_STEPS * settings.integration.max_steps})
    run = integrate_members(candidate.flow, candidate.member, more)
    cells = [f"{Status(int(run.status[0])).name} after {run.n_steps[0] + run.n_rejected[0]} steps"]
    trajectories = {"explicit": run.states[0] if run.complete[0] else None}
    for method in N_EVALUATIONS:
        start = time.process_time()
        outcome, n_evaluations, trajectories[method] = try_method(candidate, settings, method)
        cells.append(f"{outcome}, {n_evaluations} evaluations, {time.process_time() - start:.1f} s")
    verdicts = {
        name: first_failure(candidate, states, config) or "passes"
        for name, states in trajectories.items()
        if states is not None
    }
    cells.append(", ".join(f"{name}: {verdict}" for name, verdict in verdicts.items()) or "-")
    found = f"{candidate.status.name} | {candidate.reached:.3f} | {candidate.stiffness:.2g}"
    return " | ".join([candidate.name, found, *cells]), verdicts


def main() -> None:
    """Print how the sample ended, one line per lost candidate, and the founders not tried before."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    warnings.filterwarnings("ignore")
    config, library = load_config(ROOT / "config.yaml", preset="paper"), open_library()
    settings = config.discover.search
    for name in NOT_TRIED:
        flow = library.flow(name)
        group = Group(name, "", 1)
        start = time.process_time()
        run = integrate_members(
            flow, draw_members(flow, group, settings, {}, config.seed), settings.integration
        )
        spent = 1e3 * (time.process_time() - start)
        print(
            f"{name}: {Status(int(run.status[0])).name}, {run.n_steps[0]} steps, {spent:.0f} ms", flush=True
        )
    table = measure(library, config.discover.founders, settings.integration.limits)
    rms = {row.founder: np.asarray(row.flow_rms) for row in table.itertuples()}
    start = time.process_time()
    candidates = [
        candidate
        for group, members in draw(library, config)
        if len(members)
        for candidate in integrate_group(library, group, members, settings, rms, config.seed)
    ]
    spent = time.process_time() - start
    counts = {status.name: sum(c.status == status for c in candidates) for status in Status}
    print(f"{len(candidates)} candidates in {spent:.0f} CPU seconds: {counts}", flush=True)
    rates = [c.stiffness for c in candidates if c.status == Status.complete]
    print(f"complete: step times decay rate, median {np.median(rates):.2g}, largest {np.max(rates):.2g}")
    print(
        "candidate | ended by | reached | h rate | explicit, ten times the steps | "
        + " | ".join(N_EVALUATIONS)
        + " | filters"
    )
    verdicts = []
    for candidate in candidates:
        if candidate.status in (Status.budget, Status.underflow):
            line, verdict = try_all(candidate, config)
            verdicts.append(verdict)
            print(line, flush=True)
    more, implicit = (
        [[v.get("explicit")] for v in verdicts],
        [[v.get(m) for m in N_EVALUATIONS] for v in verdicts],
    )
    print(
        f"lost={len(verdicts)} saved_by_implicit={_count(implicit, any)} "
        f"useful={_count(implicit, _passes)} saved_by_more_steps={_count(more, any)} useful={_count(more, _passes)}"
    )


def _count(outcomes: list[list[str | None]], test: Callable[[list[str | None]], bool]) -> int:
    return sum(bool(test(outcome)) for outcome in outcomes)


def _passes(outcome: list[str | None]) -> bool:
    return "passes" in outcome


if __name__ == "__main__":
    main()
