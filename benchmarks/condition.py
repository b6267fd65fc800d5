"""Errors in units of the attractor's size, and how much of them is the problem's own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from benchmarks.subjects import Subject

SIZE_PERIODS, SIZE_POINTS = 10, 2000
N_STARTS = 16
SHIFT, SHIFT_RTOL = 1e-6, 1e-13  # of the attractor's size; integrated far more exactly than what is shifted

Row = Float64[np.ndarray, " dimension"]


def attractor_size(subject: Subject) -> Row:
    """Standard deviation of every coordinate over ten periods, or over a Lyapunov time if that is longer."""
    duration = max(SIZE_PERIODS * subject.flow.period, subject.lyapunov_time)
    return np.std(subject.run(subject.member, duration, SIZE_POINTS, rtol=1e-9).states[0], axis=0)


def scaled_error(states: np.ndarray, truth: np.ndarray, size: Row) -> float:
    """Largest difference over times and coordinates, each in units of its coordinate's size."""
    return float(np.max(np.abs(states - truth) / size))


def condition(subject: Subject, duration: float, size: Row) -> float:
    """How many times an error made on the way can have grown at the end: ``max_s |D Phi(T, s) D^-1|``.

    ``Phi(T, s)`` is the derivative of the state at time T with respect to that at time s, D scales each
    coordinate by its size, and the norm is the largest entry. It is taken at 16 times s along the trajectory
    by shifting every coordinate by a millionth of its size. A method of local error ``e`` cannot be expected
    to end much closer to the truth than ``e`` times this. Where time itself is read, only s = 0 counts,
    because our integrator starts its clock at 0.
    """
    d = subject.flow.dimension
    path = subject.run(subject.member, duration, N_STARTS + 1, rtol=SHIFT_RTOL).states[0]
    n_starts = 1 if any(founder.time_dependent for founder in subject.founders) else N_STARTS
    left = duration * (1 - np.arange(n_starts) / N_STARTS)
    shifted = path[:n_starts, None] + SHIFT * np.diag(size)
    members = subject.member[np.zeros(n_starts * d, dtype=int)]
    members.initial[:] = shifted.reshape(-1, d)
    ends = subject.run(members, np.repeat(left, d), 2, rtol=SHIFT_RTOL).states[:, -1]
    return float(np.nanmax(np.abs(ends - path[-1]) / size) / SHIFT)
