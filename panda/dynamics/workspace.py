"""What the compiled integrator reads, works on and writes: plain arrays with names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from panda.systems.lanes import N_LANES

N_SLOPES = 16  # of a step of DOP853 with its dense output
N_GRID_POINTS = 9  # of a step that may cross a switching surface
RUNNING, COMPLETE, DIVERGED, BUDGET, UNDERFLOW, ACAUSAL, SLIDING, GRAZING = -1, 0, 1, 2, 3, 4, 5, 6


class System(NamedTuple):
    """Addresses and sizes. With tangent vectors they are jvp addresses, and a row of states is x, then every
    vector of the driver's (``d_a`` entries each), then every vector of the response's (``d_b`` each).

    ``coupled``: the one vector of each is a half of one vector (v_a, v_b) of the whole system. Otherwise the
    response's have no driver half: with v_a = 0 the tangent flow of a skew product keeps v in the response.

    With switches (``systems/switching.py``) the addresses are those of the held functions, and the sides, -1 or 1,
    are the last of each founder's parameters.
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
    driver_surfaces: int  # 0: no switches
    response_surfaces: int
    n_driver_switches: int
    n_response_switches: int


class Control(NamedTuple):
    """Error control: local error below ``atol + rtol |y|``, attempted steps, smallest step; and when to stop early.
    DOP853 takes the members' own atol.

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
    """What is integrated, one row per member. A member is stopped exactly at each of its ``stops``."""

    initial: np.ndarray  # (n, n_rows)
    parameters: np.ndarray  # (n, .): driver's | response's | driver scale | response scale
    driver_index: np.ndarray  # (n, d_b) int64
    limit: np.ndarray  # (n, n_rows): largest |coordinate|, inf where it may grow
    atol: np.ndarray  # (n, n_rows): absolute tolerance
    max_step: np.ndarray  # (n,): longest step, inf where the error control alone decides
    stops: np.ndarray  # (n, n_stops): rising times > 0


class Results(NamedTuple):
    """What comes out, one row per member; ``states`` at times ``k stops[-1] / (n_points - 1)``."""

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
    event: np.ndarray  # int64: the switch on whose surface the step is to end, -1 when none
    event_h: np.ndarray  # that step
    cut: np.ndarray  # bool: a good step that is taken again, up to a surface
    max_step: np.ndarray
    y: np.ndarray
    y_new: np.ndarray
    k: np.ndarray  # (16, n_rows * 8) slopes
    dense: np.ndarray  # (7, n_rows * 8) coefficients of the interpolant
    work: np.ndarray  # (3, n_rows * 8) the state of an extra stage; error estimates 5 and 3
    limit: np.ndarray
    atol: np.ndarray
    surface: np.ndarray  # (n_switches * 8,) switching functions where they were last looked at,
    normal_v: np.ndarray  #   their derivatives along a vector,
    partial_t: np.ndarray  #   by time at a fixed state,
    rate: np.ndarray  #   and along the flow, at the step's end
    rate_before: np.ndarray  #   and start
    vector_rate: np.ndarray  # (n_vectors, 8) derivative along each tangent vector
    jump: np.ndarray  # (n_rows * 8,) slopes on the other side
    theta: np.ndarray  # share of the step that is looked at, brackets of it
    theta_low: np.ndarray
    theta_high: np.ndarray
    theta_left: np.ndarray
    theta_right: np.ndarray
    inside: np.ndarray  # how far a lane is there from leaving its sides,
    nearest: np.ndarray  #   int64: by which switch
    dips: np.ndarray  # bool
    grid: np.ndarray  # (9, 8) `inside` along the step
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
    n_switches = system.n_driver_switches + system.n_response_switches

    def row(n: int = 1) -> np.ndarray:
        return np.zeros(n * N_LANES)

    return Lanes(
        member=np.full(N_LANES, -1, dtype=np.int64),
        **{name: row() for name in ("t", "t_new", "t_stage", "h", "planned", "error", "violation")},
        fresh=np.zeros(N_LANES, dtype=bool),
        was_rejected=np.zeros(N_LANES, dtype=bool),
        accepted=np.zeros(N_LANES, dtype=bool),
        due=np.zeros(N_LANES, dtype=np.int64),
        event=np.full(N_LANES, -1, dtype=np.int64),
        cut=np.zeros(N_LANES, dtype=bool),
        dips=np.zeros(N_LANES, dtype=bool),
        nearest=np.zeros(N_LANES, dtype=np.int64),
        **{name: row() for name in ("event_h", "max_step", "inside")},
        **{name: row() for name in ("theta", "theta_low", "theta_high", "theta_left", "theta_right")},
        **{name: row(n_rows) for name in ("y", "y_new", "limit", "atol", "jump")},
        **{name: row(n_switches) for name in ("surface", "normal_v", "partial_t", "rate", "rate_before")},
        vector_rate=np.zeros((system.n_driver_vectors + system.n_response_vectors, N_LANES)),
        grid=np.zeros((N_GRID_POINTS, N_LANES)),
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
