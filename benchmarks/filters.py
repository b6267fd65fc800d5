"""CPU time of the attractor filters, panda.invariants against dysts' AttractorValidator on the same series.

`python -m benchmarks.filters` ends with `ratio=<x>`: dysts' time over ours for all seven tests at the
reference's production settings. dysts stops at a trajectory's first failure and the 0-1 test at the first
dimension that passes; ours computes every statistic of every dimension, as the search stores them.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from dysts import attractor
from scipy.integrate import solve_ivp

from panda.invariants.boundedness import boundedness
from panda.invariants.fixed_point import tail_step
from panda.invariants.linearity import linearity
from panda.invariants.recurrence import recurrence
from panda.invariants.spectrum import spectrum
from panda.invariants.stationarity import stationarity
from panda.invariants.zero_one import zero_one

N_POINTS = 4096
N_FREQUENCIES = 100
GOLDEN = Path(__file__).resolve().parents[2] / "shared" / "golden" / "filter_trajectories.npz"


def their_zero_one_passes(x: np.ndarray) -> bool:
    """dysts' 0-1 test, from a fixed state of numpy's global stream."""
    np.random.seed(0)  # noqa: NPY002
    return attractor.check_zero_one_test(x, threshold=0.2, strategy="score")


THEIRS: dict[str, Callable[[np.ndarray], bool]] = {
    "linearity": partial(attractor.check_not_linear, r2_threshold=0.99, eps=1e-10),
    "boundedness": partial(attractor.check_boundedness, threshold=1e4, max_zscore=15),
    "fixed point": partial(attractor.check_not_fixed_point, atol=1e-3, tail_prop=0.1),
    "0-1": their_zero_one_passes,
    "limit cycle": partial(
        attractor.check_not_limit_cycle,
        tolerance=1e-3,
        min_prop_recurrences=0.1,
        min_counts_per_rtime=200,
        min_block_length=50,
        enforce_endpoint_recurrence=True,
    ),
    "spectrum": partial(
        attractor.check_power_spectrum, rel_peak_height=1e-5, rel_prominence=1e-5, min_peaks=4
    ),
    "stationarity": partial(attractor.check_stationarity, p_value=0.05),
}


def zero_one_passes(x: np.ndarray) -> bool:
    """The 0-1 test with the frequencies that dysts draws, one row per dimension."""
    frequencies = np.random.RandomState(0).uniform(np.pi / 5, 4 * np.pi / 5, (len(x), N_FREQUENCIES))
    result = zero_one(
        x, frequencies=frequencies, k_threshold=0.2, n_delays=50, n_bins=64, n_smoothing=3, shift_share=0.1
    )
    return bool((result.score >= 0.2).any())


def boundedness_passes(x: np.ndarray) -> bool:
    """Both limits of the boundedness test."""
    magnitude, zscore = boundedness(x, std_floor=1e-10)
    return magnitude <= 1e4 and zscore <= 15


def recurrence_passes(x: np.ndarray) -> bool:
    """The limit-cycle test with the endpoint enforced."""
    r = recurrence(x, tolerance=1e-3, min_recurrence_time=1)
    return (
        r.n_recurrences < max(1, int(0.1 * r.n_time_points))
        or r.endpoint == 0
        or r.max_count < 200
        or (r.longest_block <= 100 and r.second_block <= 50)
    )


def stationarity_passes(x: np.ndarray) -> bool:
    """Rejected where KPSS rejects and ADF does not."""
    s = stationarity(x, significance=0.05)
    return bool(((s.kpss_p >= 0.05) | (s.adf_p < 0.05)).all())


OURS: dict[str, Callable[[np.ndarray], bool]] = {
    "linearity": lambda x: linearity(x, std_floor=1e-10) <= 0.99,
    "boundedness": boundedness_passes,
    "fixed point": lambda x: tail_step(x, tail_share=0.1) > 1e-3,
    "0-1": zero_one_passes,
    "limit cycle": recurrence_passes,
    "spectrum": lambda x: bool((spectrum(x, relative_height=1e-5, relative_prominence=1e-5) >= 4).any()),
    "stationarity": stationarity_passes,
}


def lorenz_family() -> list[np.ndarray]:
    """Twelve trajectories (3, N_POINTS) of x' = a(y-x), y' = bx + cy - xz, z' = xy - dz, chaotic or not."""
    parameters = [(10, r, -1, 8 / 3) for r in (8, 20, 28, 32, 40, 60, 100, 160)]
    parameters += [(36, -16, 28, 3), (35, -7, 28, 3), (36, 0, 20, 3), (36, 0, 12, 3)]
    trajectories = []
    for a, b, c, d in parameters:
        flow = partial(_lorenz_family_flow, a=a, b=b, c=c, d=d)
        times = np.linspace(10.0, 40.0, N_POINTS)
        solution = solve_ivp(
            flow, (0.0, 40.0), [1.0, 1.0, 20.0], method="DOP853", t_eval=times, rtol=1e-9, atol=1e-10
        )
        trajectories.append(solution.y)
    return trajectories


def _lorenz_family_flow(t: float, s: np.ndarray, a: float, b: float, c: float, d: float) -> list[float]:
    x, y, z = s
    return [a * (y - x), b * x + c * y - x * z, x * y - d * z]


def load_trajectories() -> tuple[list[np.ndarray], str]:
    """The golden trajectories where they are, else the Lorenz family; and their name."""
    if GOLDEN.is_file():
        with np.load(GOLDEN) as archive:
            return [archive[name].astype(np.float64) for name in archive.files], "golden"
    return lorenz_family(), "Lorenz family"


def timed(function: Callable[[np.ndarray], bool], x: np.ndarray) -> tuple[bool, float]:
    """A verdict and the CPU seconds it took."""
    start = time.process_time()
    verdict = function(x)
    return bool(verdict), time.process_time() - start


def validator_seconds(tests: list[Callable], trajectories: list[np.ndarray]) -> tuple[float, list[bool]]:
    """CPU seconds of dysts' validator, and which trajectories it keeps."""
    validator = attractor.AttractorValidator(transient_time_frac=0.0, tests=tests)
    start = time.process_time()
    kept = [bool(validator.filter_ensemble({"x": x[None]})[0]) for x in trajectories]
    return time.process_time() - start, kept


def ours_seconds(tests: list[Callable], trajectories: list[np.ndarray]) -> tuple[float, list[bool]]:
    """CPU seconds of every statistic of ours, and which trajectories their verdicts keep."""
    start = time.process_time()
    verdicts = [[test(x) for test in tests] for x in trajectories]
    return time.process_time() - start, [all(row) for row in verdicts]


def main() -> None:
    """Print one line per test (each run on every trajectory), then the two whole runs and their ratio."""
    warnings.simplefilter("ignore")
    trajectories, name = load_trajectories()
    for test in OURS.values():
        test(trajectories[0][:, :512])  # compile, or load what was compiled before
    print(f"{len(trajectories)} trajectories ({name}), CPU ms each")
    print(f"{'test':14}{'dysts':>9}{'ours':>9}{'x':>7}  same verdicts")
    for key, theirs in THEIRS.items():
        a = [timed(theirs, x) for x in trajectories]
        b = [timed(OURS[key], x) for x in trajectories]
        ms_theirs, ms_ours = (1e3 * np.mean([seconds for _, seconds in runs]) for runs in (a, b))
        same = sum(v == w for (v, _), (w, _) in zip(a, b, strict=True))
        print(f"{key:14}{ms_theirs:9.2f}{ms_ours:9.2f}{ms_theirs / ms_ours:7.1f}  {same}/{len(a)}")
    for label, left_out in (("without limit cycle", {"limit cycle"}), ("all seven", set())):
        keys = [key for key in THEIRS if key not in left_out]
        theirs_s, theirs_kept = validator_seconds([THEIRS[key] for key in keys], trajectories)
        ours_s, ours_kept = ours_seconds([OURS[key] for key in keys], trajectories)
        n = len(trajectories)
        print(
            f"{label}: validator {1e3 * theirs_s / n:.1f} ms, ours {1e3 * ours_s / n:.2f} ms a trajectory, "
            f"kept {sum(theirs_kept)} and {sum(ours_kept)} of {n}, ratio {theirs_s / ours_s:.1f}"
        )
    print(f"ratio={theirs_s / ours_s:.1f}")


if __name__ == "__main__":
    main()
