"""What the compiled integrator reads, works on and writes: plain arrays with names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from panda.systems.lanes import N_LANES

N_SLOPES = 16  # of a step of DOP853 with its dense output
RUNNING, COMPLETE, DIVERGED, BUDGET, UNDERFLOW, ACAUSAL = -1, 0, 1, 2, 3, 4


class System(NamedTuple):
    """Addresses and sizes. With tangent vectors they are jvp addresses, and a row of states is x, then every
    vector of the driver's (``d_a`` entries each), then every vector of the response's (``d_b`` each).

    ``coupled``: the one vector of each is a half of one vector (v_a, v_b) of the whole system. Otherwise the
    response's have no driver half: with v_a = 0 the tangent flow of a skew product keeps v in the response.
    """

    driver: int
    response: int  # 0: no response
    driver_dimension: int
    response_dimension: int
    n_driver_parameters: int
    n_response_parameters: int
    n_driver_vectors: int  # 0: no tangent vectors at all
    n_response_vectors: int
    coupled: bool


class Control(NamedTuple):
    """Error control: local error below ``atol + rtol |y|``, attempted steps, smallest step; and when to stop early.

    A member is complete at a stop, before its last one, when its first vector has grown over at least
    ``early_blocks`` intervals between stops, and the mean of their rates is below ``early_rate`` by
    ``early_sigmas`` standard errors of it.
    """

    rtol: float
    atol: float
    max_steps: int
    min_step: float
    early_rate: float = -np.inf
    early_sigmas: float = 0.0
    early_blocks: int = 2


class Members(NamedTuple):
    """What is integrated, one row a member. A member is stopped exactly at each of its ``stops``."""

    initial: np.ndarray  # (n, n_rows)
    parameters: np.ndarray  # (n, .): driver's | response's | driver scale | response scale
    driver_index: np.ndarray  # (n, d_b) int64
    limit: np.ndarray  # (n, n_rows): largest |coordinate|, inf where it may grow
    stops: np.ndarray  # (n, n_stops): rising times > 0


class Results(NamedTuple):
    """What comes out, one row a member; ``states`` at times ``k stops[-1] / (n_points - 1)``."""

    states: np.ndarray  # (n, n_points, dimension); n_points = 0: no dense output
    log_growth: np.ndarray  # (n, n_stops, n_vectors): growth of log |v| before each stop
    status: np.ndarray  # (n,) int8
    n_stops: np.ndarray  # (n,) stops reached
    n_points: np.ndarray  # (n,) points written
    n_steps: np.ndarray  # (n,) accepted
    n_rejected: np.ndarray  # (n,)
    n_evaluations: np.ndarray  # (n,) right-hand sides


class Lanes(NamedTuple):
    """The working state, ``[component][lane]`` flattened: entry ``i * N_LANES + lane`` of a row."""

    member: np.ndarray  # (8,) member in the lane, -1 when idle
    t: np.ndarray
    t_new: np.ndarray
    t_stage: np.ndarray
    h: np.ndarray  # the step attempted
    planned: np.ndarray  # the step the controller wants next
    error: np.ndarray  # scaled error of the attempt; < 1 is accepted
    violation: np.ndarray  # 0; > 0 beyond a limit; NaN if the end of the step or its slope is not finite
    fresh: np.ndarray  # bool: a member just loaded
    was_rejected: np.ndarray  # bool
    accepted: np.ndarray  # bool
    due: np.ndarray  # output points covered after an accepted step
    y: np.ndarray
    y_new: np.ndarray
    k: np.ndarray  # (16, n_rows * 8) slopes
    dense: np.ndarray  # (7, n_rows * 8) coefficients of the interpolant
    work: np.ndarray  # (3, n_rows * 8) the state of an extra stage; error estimates 5 and 3
    limit: np.ndarray
    parameters: np.ndarray
    offset: np.ndarray  # (d_b * 8,) where a response row finds its driver slope in `padded`
    padded: np.ndarray  # driver slopes, zeros beyond them
    response_slope: np.ndarray
    response_slope_v: np.ndarray
    no_drive: np.ndarray  # zeros: what a driver that has no tangent half contributes


def make_lanes(system: System, members: Members) -> Lanes:
    """Working arrays for one run."""
    d_a, d_b = system.driver_dimension, system.response_dimension
    n_rows, n_parameters = members.initial.shape[1], members.parameters.shape[1]

    def row(n: int = 1) -> np.ndarray:
        return np.zeros(n * N_LANES)

    return Lanes(
        member=np.full(N_LANES, -1, dtype=np.int64),
        **{name: row() for name in ("t", "t_new", "t_stage", "h", "planned", "error", "violation")},
        fresh=np.zeros(N_LANES, dtype=bool),
        was_rejected=np.zeros(N_LANES, dtype=bool),
        accepted=np.zeros(N_LANES, dtype=bool),
        due=np.zeros(N_LANES, dtype=np.int64),
        **{name: row(n_rows) for name in ("y", "y_new", "limit")},
        k=np.zeros((N_SLOPES, n_rows * N_LANES)),
        dense=np.zeros((7, n_rows * N_LANES)),
        work=np.zeros((3, n_rows * N_LANES)),
        parameters=row(n_parameters),
        offset=np.zeros(d_b * N_LANES, dtype=np.int64),
        padded=row(max(d_a, d_b)),
        response_slope=row(d_b),
        response_slope_v=row(d_b),
        no_drive=row(d_a),
    )


def make_results(n: int, *, n_stops: int, n_points: int, dimension: int, n_vectors: int) -> Results:
    """Results of ``n`` members that have not begun; ``states`` is left as it comes."""
    return Results(
        states=np.empty((n, n_points, dimension)),
        log_growth=np.zeros((n, n_stops, n_vectors)),
        status=np.full(n, RUNNING, dtype=np.int8),
        **{name: np.zeros(n, dtype=np.int64) for name in Results._fields[3:]},
    )
