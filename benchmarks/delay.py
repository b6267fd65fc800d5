"""Founders with delay: CPU time and error of our integrator beside dysts' own: `python -m benchmarks.delay <founders>`.

5,120 points over 40 periods, as in the search. Errors are the largest difference within one Lyapunov time (dysts'
estimate) from our solution at 1e-13, in standard deviations of x. dysts takes the past as piecewise linear
between the points of its output, and x itself as constant since the last of them; it has no tolerance. Ours is timed
on an ensemble.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from panda.config.founder_names import delayed_names, founder_names
from panda.core.limits import Limits
from panda.discovery.search.warm import ensure_library
from panda.dynamics.integrate import integrate
from panda.systems.flow import Flow
from panda.systems.skew import founder_ensemble

N_POINTS, N_PERIODS, N_MEMBERS = 5120, 40, 16
OPTIONS: dict[str, Any] = {"max_steps": 1_000_000, "max_abs": 1e6, "max_angle": 1e8, "min_step": 1e-12}


def measure(flow: Flow) -> tuple[float, float, float, float]:
    """Milliseconds a trajectory and error of dysts, then of ours."""
    from dysts import flows

    founder = flow.driver
    system = getattr(flows, founder.name)()
    # Numba would compile its right-hand side in the time that is measured.
    system._rhs(1.0, 1.0, 0.0, *system.param_list)
    arguments = {"pts_per_period": N_POINTS // N_PERIODS}
    theirs_s, theirs = _cpu(lambda: system.make_trajectory(N_POINTS, **arguments))
    ours_s, ours = min(
        (_cpu(lambda: _ours(flow, N_MEMBERS, 1e-9)) for _ in range(3)), key=lambda pair: pair[0]
    )
    truth = _ours(flow, 1, 1e-13)
    exponent = founder.maximum_lyapunov_estimated or 1 / founder.period
    first = 1 + int(N_POINTS / (N_PERIODS * founder.period * exponent))

    def error(states: np.ndarray) -> float:
        return float(np.max(np.abs(states[:first] - truth[:first])) / np.std(truth))

    return 1e3 * theirs_s, error(theirs), 1e3 * ours_s / N_MEMBERS, error(ours)


def _ours(flow: Flow, n_members: int, rtol: float) -> np.ndarray:
    """States of the first of `n_members` equal members."""
    founder = flow.driver
    ensemble = founder_ensemble(
        flow,
        np.tile(founder.parameters, (n_members, 1)),
        np.tile(founder.initial_condition, (n_members, 1)),
    )
    duration = np.full(n_members, N_PERIODS * founder.period)
    run = integrate(
        flow,
        ensemble,
        duration=duration,
        n_points=N_POINTS,
        limits=Limits(rtol=rtol, atol=rtol / 10, **OPTIONS),
    )
    return run.states[0]


def _cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    """Print one row per founder with delay, then the geometric mean of the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("founders", type=Path, help="folder of the compiled founders")
    library = ensure_library(parser.parse_args().founders, founder_names())
    _ours(library.flow("MackeyGlass"), 1, 1e-6)  # compiles the kernel, or loads it from numba's cache
    print(f"{'founder':18}{'dysts ms':>10}{'error':>9}{'ours ms':>9}{'error':>9}{'ratio':>8}")
    ratios = []
    for name in sorted(delayed_names()):
        theirs_ms, theirs_error, ours_ms, error = measure(library.flow(name))
        ratios.append(theirs_ms / ours_ms)
        print(
            f"{name:18}{theirs_ms:10.0f}{theirs_error:9.1e}{ours_ms:9.3f}{error:9.1e}{ratios[-1]:8.0f}",
            flush=True,
        )
    print(f"geomean_ratio={np.exp(np.mean(np.log(ratios))):.0f}")


if __name__ == "__main__":
    main()
