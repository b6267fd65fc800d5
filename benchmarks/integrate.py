"""CPU time and error of our integrator beside dysts' own: `python -m benchmarks.integrate <founders>`.

Every system is integrated over the same times at the same tolerance by dysts' default (Radau, the method of
the paper's reference code), by scipy's DOP853 through dysts, and by ours, in one process on one thread.
The founders' folder is built if it is not there.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from panda.core.errors import PandaError
from panda.dynamics.integrate import integrate
from panda.systems.evaluate import flow_rms
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary, build_library
from panda.systems.skew import default_member, founder_ensemble, skew_ensemble

FOUNDERS = (
    "Lorenz", "Rossler", "Thomas", "HenonHeiles", "HindmarshRose", "Lorenz96", "MacArthur", "CellCycle",
    "ForcedVanDerPol", "DoublePendulum", "Chua", "IsothermalChemical",
)  # fmt: skip
PAIRS = (
    ("Rossler", "Thomas"),
    ("Thomas", "HindmarshRose"),
    ("Lorenz", "HyperRossler"),
    ("Lorenz", "Rossler"),
)
OPTIONS: dict[str, Any] = {
    "rtol": 1e-9,
    "atol": 1e-10,
    "max_steps": 1_000_000,
    "max_abs": 1e6,
    "min_step": 1e-12,
}
POINTS_PER_PERIOD = 128
N_MEMBERS = 64
"""Members of our ensemble: the system's own start and copies of it a ten-thousandth away."""


@dataclass(frozen=True)
class Row:
    """One system: milliseconds of CPU a trajectory, and scaled errors over the first Lyapunov time."""

    name: str
    radau_ms: float
    dop853_ms: float
    ours_ms: float
    radau_error: float
    dop853_error: float
    error: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is than dysts' default method."""
        return self.radau_ms / self.ours_ms


def measure(library: FounderLibrary, names: tuple[str, ...], n_points: int) -> Row:
    """Time one founder or pair by all three, and compare ours with a reference at tolerance 1e-13."""
    flow = library.flow(*names)
    member, theirs = _pair(library, flow, names) if len(names) == 2 else _founder(flow)
    duration = flow.period * n_points / POINTS_PER_PERIOD
    ours = _ensemble(member, N_MEMBERS)
    options = {"duration": np.full(N_MEMBERS, duration), "n_points": n_points, **OPTIONS}
    # The first run pays for page faults of fresh memory; the best of three is what a long job sees.
    ours_s, trajectories = min((_cpu(lambda: integrate(flow, ours, **options)) for _ in range(3)), key=_first)
    if not trajectories.complete.all():
        raise PandaError(f"{flow.name}: {np.sum(~trajectories.complete)} members did not complete")
    times = np.linspace(0, duration, n_points)
    theirs.rhs(theirs.ic, 0.0)
    truth = _reference(flow, theirs, times)
    seconds, errors = {}, {}
    for method in ("Radau", "DOP853"):
        seconds[method], states = _cpu(
            lambda method=method: theirs.make_trajectory(
                n_points,
                pts_per_period=POINTS_PER_PERIOD,
                method=method,
                postprocess=False,
                rtol=OPTIONS["rtol"],
                atol=OPTIONS["atol"],
            )
        )
        if states is None:
            raise PandaError(f"{flow.name}: {method} did not complete")
        errors[method] = _error(states, truth)
    return Row(
        name=flow.name,
        radau_ms=1e3 * seconds["Radau"],
        dop853_ms=1e3 * seconds["DOP853"],
        ours_ms=1e3 * ours_s / N_MEMBERS,
        radau_error=errors["Radau"],
        dop853_error=errors["DOP853"],
        error=_error(trajectories.states[0], truth),
    )


def _reference(flow: Flow, theirs: Any, times: np.ndarray) -> np.ndarray:
    """States over the first Lyapunov time (of the faster founder of a pair) at tolerance 1e-13."""
    founders = [founder for founder in (flow.driver, flow.response) if founder is not None]
    exponent = max(founder.maximum_lyapunov_estimated or 1 / founder.period for founder in founders)
    times = times[: max(2, np.searchsorted(times, 1 / exponent))]
    solution = solve_ivp(
        lambda t, x: theirs.rhs(x, t), (0, times[-1]), theirs.ic, "DOP853", times, rtol=1e-13, atol=1e-14
    )
    return solution.y.T


def _error(states: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference in units of each coordinate's standard deviation over the whole trajectory."""
    return float(np.max(np.abs(states[: len(truth)] - truth) / np.std(states, axis=0)))


def _founder(flow: Flow) -> tuple[Ensemble, Any]:
    from dysts import flows

    founder = flow.driver
    return founder_ensemble(flow, founder.parameters[None], founder.initial_condition[None]), getattr(
        flows, founder.name
    )()


def _pair(library: FounderLibrary, flow: Flow, names: tuple[str, ...]) -> tuple[Ensemble, Any]:
    """The pair's default skew product (paper, 1.3: velocities brought to size 1), ours and dysts'."""
    from dysts import flows
    from dysts.base import SkewProduct
    from dysts.coupling import RandomAdditiveCouplingMap

    driver_rms, response_rms = (_velocity(library.flow(name)) for name in names)
    member = default_member(flow, driver_rms=driver_rms, response_rms=response_rms, stiffness=1.0)
    coupling = RandomAdditiveCouplingMap(
        flow.driver_dimension,
        flow.response_dimension,
        driver_scale=member.driver_scale,
        response_scale=member.response_scale,
    )
    driver, response = (getattr(flows, name)() for name in names)
    return skew_ensemble(flow, [member]), SkewProduct(driver, response, coupling_map=coupling)


def _velocity(flow: Flow) -> np.ndarray:
    ensemble, _ = _founder(flow)
    duration = 40 * flow.period
    states = integrate(flow, ensemble, duration=np.array([duration]), n_points=4096, **OPTIONS).states[0]
    return flow_rms(flow, states[2048:], np.linspace(0, duration, 4096)[2048:])


def _ensemble(member: Ensemble, n: int) -> Ensemble:
    many = member[np.zeros(n, dtype=int)]
    shift = 1e-4 * np.random.default_rng(0).standard_normal(many.initial.shape)
    shift[0] = 0.0
    many.initial[:] *= 1 + shift
    return many


def _cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]


def main() -> None:
    """Print a table, then one line with the geometric mean of the ratios and the system of largest error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("founders", type=Path, help="folder of the compiled founders")
    parser.add_argument("--periods", type=int, default=8, help="periods integrated (the paper: 40)")
    arguments = parser.parse_args()
    # scipy warns that DOP853 has no use for the Jacobian that dysts hands to every method.
    warnings.filterwarnings("ignore", message="The following arguments have no effect")
    try:
        library = FounderLibrary.open(arguments.founders)
    except PandaError:
        build_library(arguments.founders)
        library = FounderLibrary.open(arguments.founders)
    n_points = arguments.periods * POINTS_PER_PERIOD
    _velocity(library.flow("Lorenz"))  # compiles the kernel, or loads it from numba's cache
    print(f"{arguments.periods} periods, {n_points} points, rtol {OPTIONS['rtol']}, atol {OPTIONS['atol']}")
    print(
        f"{'system':22}{'Radau ms':>9}{'error':>9}{'DOP853 ms':>11}{'error':>9}"
        f"{'ours ms':>9}{'error':>9}{'ratio':>8}"
    )
    rows = []
    for names in [*((name,) for name in FOUNDERS), *PAIRS]:
        row = measure(library, names, n_points)
        rows.append(row)
        print(
            f"{row.name:22}{row.radau_ms:9.0f}{row.radau_error:9.1e}{row.dop853_ms:11.0f}{row.dop853_error:9.1e}"
            f"{row.ours_ms:9.3f}{row.error:9.1e}{row.ratio:8.0f}",
            flush=True,
        )
    mean = np.exp(np.mean([np.log(row.ratio) for row in rows]))
    worst = max(rows, key=lambda row: row.error)
    print(f"geomean_ratio={mean:.0f} worst_founder={worst.name} worst_error={worst.error:.1e}")


if __name__ == "__main__":
    main()
