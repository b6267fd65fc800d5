"""CPU time of one whole trajectory, alone and among many, at rising accuracy: `python -m benchmarks.trajectory`.

The task of an earlier study (Lorenz: 2.5 ms by a scalar DOP853, 0.5 in eight lanes; Rossler → Thomas: 11 and 5.4): 4,096
points over 40 periods. Alone means that one lane of eight is used. Errors are from the independent solution of
oracle.py, in standard deviations of each coordinate: the largest up to one Lyapunov time, and that at its end.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.condition import attractor_size, scaled_error
from benchmarks.integrate import nearby
from benchmarks.oracle import true_states
from benchmarks.subjects import Subject, open_library, subject

SUBJECTS = (("Lorenz",), ("Rossler", "Thomas"))
TOLERANCES = (1e-9, 1e-10, 1e-11, 1e-12)
N_POINTS, N_PERIODS, N_MEMBERS, N_REPEATS = 4096, 40, 64, 5


def milliseconds(subject: Subject, n_members: int, rtol: float) -> float:
    """CPU milliseconds a trajectory of `n_members` side by side: the best of some repeats."""
    many, duration, spent = nearby(subject.member, n_members), N_PERIODS * subject.flow.period, []
    for _ in range(N_REPEATS):
        start = time.process_time()
        subject.run(many, duration, N_POINTS, rtol=rtol)
        spent.append(time.process_time() - start)
    return 1e3 * min(spent) / n_members


def errors(subject: Subject, rtol: float) -> tuple[float, float]:
    """Largest error up to one Lyapunov time on a grid of 128 points a period, and the error at its end."""
    end = subject.lyapunov_time
    n = int(np.ceil(128 * end / min(founder.period for founder in subject.founders))) + 1
    truth, _ = true_states(subject, np.linspace(0.0, end, n))
    states = subject.run(subject.member, end, n, rtol=rtol).states[0]
    size = attractor_size(subject)
    return scaled_error(states, truth, size), scaled_error(states[-1:], truth[-1:], size)


def main() -> None:
    """Print one row per system and tolerance."""
    library = open_library()
    print(f"{'system':20}{'rtol':>8}{'alone, ms':>12}{'in lanes, ms':>14}{'error':>10}{'at the end':>12}")
    for names in SUBJECTS:
        one = subject(library, names)
        milliseconds(one, 8, TOLERANCES[0])  # compiles
        for rtol in TOLERANCES:
            alone, lanes = (milliseconds(one, n, rtol) for n in (1, N_MEMBERS))
            largest, last = errors(one, rtol)
            print(
                f"{one.name:20}{rtol:8.0e}{alone:12.2f}{lanes:14.2f}{largest:10.1e}{last:12.1e}", flush=True
            )


if __name__ == "__main__":
    main()
