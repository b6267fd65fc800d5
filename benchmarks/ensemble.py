"""The public micro-benchmark of ensembles of the Lorenz system: `python -m benchmarks.ensemble`.

As in the published suite (github.com/utkarsh530/GPUODEBenchmarks, of Utkarsh and others, 2024,
doi:10.1016/j.cma.2023.116591): start (1, 0, 0), sigma = 10, beta = 2.666, rho in equal steps from 0 to 21, t from
0 to 1, the final state only. From its files of times, at the largest size of each: 1.3e6 trajectories a second for
DiffEqGPU's threads on a CPU (Tsit5 in float64; no tolerance is set, so the defaults of DifferentialEquations.jl,
1e-3 relative and 1e-6 absolute), and 1.7e8 for MPGOS on a V100 (Cash-Karp 4(5) in float32, no tolerance set).

Ours is the kernel of the search, in float64, at that tolerance and at the paper's. The rate is per second of CPU
time, so that other work on the machine does not enter; with `--threads` it is also per second on the clock.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.subjects import LIMITS, open_library
from panda.core.limits import Limits
from panda.dynamics.integrate import integrate
from panda.systems.flow import Ensemble, Flow
from panda.systems.skew import founder_ensemble

PARAMETERS = {"beta": 2.666, "sigma": 10.0}
RHO_RANGE = (0.0, 21.0)
INITIAL = (1.0, 0.0, 0.0)
DURATION = 1.0
N_TRAJECTORIES = 2**19
"""The size at which the suite's rate on a CPU was read off: 524,288 in 0.395 s."""
TOLERANCES = ((1e-3, 1e-6), (1e-6, 1e-8), (1e-9, 1e-10))
TRUTH = (1e-13, 1e-14)


def lorenz_ensemble(flow: Flow, n: int) -> Ensemble:
    """`n` Lorenz systems that differ in rho only."""
    values = {
        **{name: np.full(n, value) for name, value in PARAMETERS.items()},
        "rho": np.linspace(*RHO_RANGE, n),
    }
    parameters = np.stack([values[name] for name in flow.driver.parameter_names], axis=1)
    return founder_ensemble(flow, parameters, np.tile(INITIAL, (n, 1)))


def final_states(flow: Flow, ensemble: Ensemble, rtol: float, atol: float) -> np.ndarray:
    """States (n, 3) at the end."""
    times = np.full(len(ensemble), DURATION)
    run = integrate(flow, ensemble, duration=times, n_points=2, limits=Limits(rtol=rtol, atol=atol, **LIMITS))
    return run.states[:, -1]


def main() -> None:
    """Print one line per tolerance: trajectories a second of CPU time and on the clock, and the largest error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trajectories", type=int, default=N_TRAJECTORIES)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    flow = open_library().flow("Lorenz")
    ensemble = lorenz_ensemble(flow, arguments.trajectories)
    few = ensemble[:: max(1, len(ensemble) // 1000)]
    truth = final_states(flow, few, *TRUTH)
    parts = [ensemble[i :: arguments.threads] for i in range(arguments.threads)]
    print(f"{len(ensemble)} trajectories, {arguments.threads} threads")
    for rtol, atol in TOLERANCES:
        error = np.max(np.abs(final_states(flow, few, rtol, atol) - truth))
        best_cpu, best_clock = np.inf, np.inf
        for _ in range(3):
            cpu, clock = time.process_time(), time.perf_counter()
            with ThreadPoolExecutor(arguments.threads) as pool:
                list(pool.map(lambda part: final_states(flow, part, rtol, atol), parts))  # noqa: B023
            best_cpu = min(best_cpu, time.process_time() - cpu)
            best_clock = min(best_clock, time.perf_counter() - clock)
        print(
            f"rtol {rtol:.0e}, atol {atol:.0e}: {len(ensemble) / best_cpu:.2e} a CPU second, "
            f"{len(ensemble) / best_clock:.2e} a second, largest error {error:.0e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
