"""Flows small enough to know everything about, compiled by numba to the founders' signatures."""

from __future__ import annotations

import numpy as np
import pytest
from numba import cfunc, types

from panda.systems.flow import Ensemble, Flow, Founder
from panda.systems.lanes import N_LANES

ROW = types.CPointer(types.float64)
RHS = types.void(ROW, ROW, ROW, ROW)
JVP = types.void(ROW, ROW, ROW, ROW, ROW, ROW)


@cfunc(RHS)
def oscillator_rhs(t, y, p, dy):
    for lane in range(N_LANES):
        dy[lane] = p[lane] * y[N_LANES + lane]
        dy[N_LANES + lane] = -p[lane] * y[lane]


@cfunc(JVP)
def oscillator_jvp(t, y, v, p, dy, dv):
    for lane in range(N_LANES):
        dy[lane] = p[lane] * y[N_LANES + lane]
        dy[N_LANES + lane] = -p[lane] * y[lane]
        dv[lane] = p[lane] * v[N_LANES + lane]
        dv[N_LANES + lane] = -p[lane] * v[lane]


@cfunc(RHS)
def decay_rhs(t, y, p, dy):
    for m in range(2 * N_LANES):
        dy[m] = p[m] * y[m]


@cfunc(JVP)
def decay_jvp(t, y, v, p, dy, dv):
    for m in range(2 * N_LANES):
        dy[m] = p[m] * y[m]
        dv[m] = p[m] * v[m]


@cfunc(RHS)
def power_rhs(t, y, p, dy):
    """dx/dt = a |x|^b: a finite time of escape for a > 0, b > 1; a singular slope at 0 for a, b < 0."""
    for lane in range(N_LANES):
        dy[lane] = p[lane] * abs(y[lane]) ** p[N_LANES + lane]


@cfunc(RHS)
def clock_rhs(t, y, p, dy):
    """dx/dt = cos(t): reads the time itself."""
    for lane in range(N_LANES):
        dy[lane] = np.cos(t[lane])


def founder(name: str, parameters: list[float], initial: list[float], period: float) -> Founder:
    """Metadata of a flow that is not from dysts."""
    return Founder(
        name=name,
        dimension=len(initial),
        parameter_names=tuple(f"p{i}" for i in range(len(parameters))),
        parameter_shapes=((),) * len(parameters),
        parameters=np.array(parameters, dtype=np.float64),
        initial_condition=np.array(initial, dtype=np.float64),
        period=period,
        dt=period / 100,
        unbounded_indices=(),
        free_coordinates=(),
        mean=None,
        std=None,
        maximum_lyapunov_estimated=None,
        nonautonomous=False,
        hamiltonian=False,
        smooth=True,
        time_dependent=False,
        citation="",
        postprocessing=None,
    )


DECAY = founder("Decay", [-0.5, -2.0], [1.0, 1.0], 1.0)


@pytest.fixture(scope="session")
def oscillator() -> Flow:
    """(x, y)' = w (y, -x): a rotation."""
    meta = founder("Oscillator", [1.0], [1.0, 0.0], 2 * np.pi)
    return Flow(meta, None, oscillator_rhs.address, oscillator_jvp.address, 0, 0)


@pytest.fixture(scope="session")
def decay() -> Flow:
    """Two coordinates that decay at rates 0.5 and 2."""
    return Flow(DECAY, None, decay_rhs.address, decay_jvp.address, 0, 0)


@pytest.fixture(scope="session")
def power() -> Flow:
    """dx/dt = a |x|^b."""
    return Flow(founder("Power", [1.0, 2.0], [1.0], 1.0), None, power_rhs.address, 0, 0, 0)


@pytest.fixture(scope="session")
def clock() -> Flow:
    """dx/dt = cos(t)."""
    return Flow(founder("Clock", [], [0.0], 2 * np.pi), None, clock_rhs.address, 0, 0, 0)


def ensemble_of(flow: Flow, initial: np.ndarray, parameters: np.ndarray | None = None) -> Ensemble:
    """Members of a founder on its own, with its published parameters unless others are given."""
    n = len(initial)
    if parameters is None:
        parameters = np.tile(flow.driver.parameters, (n, 1))
    none = np.empty((n, 0))
    return Ensemble(parameters, none, none, none, none.astype(np.int64), np.asarray(initial))


def near_published(flow: Flow, n: int, spread: float = 1e-2) -> Ensemble:
    """Members that start near the published state, each a little elsewhere."""
    start = flow.driver.initial_condition
    noise = np.random.default_rng(3).standard_normal((n, flow.dimension))
    return ensemble_of(flow, start * (1 + spread * noise))


def pair_ensemble(flow: Flow, n: int) -> Ensemble:
    """Members of a pair, each with its own coupling, permutation and start."""
    generator = np.random.default_rng(5)
    driver, response = flow.driver, flow.response
    d_a, d_b = driver.dimension, response.dimension
    start = np.concatenate([driver.initial_condition, response.initial_condition])
    return Ensemble(
        driver_parameters=np.tile(driver.parameters, (n, 1)),
        response_parameters=np.tile(response.parameters, (n, 1)),
        driver_scale=0.05 * generator.uniform(0.5, 1.5, (n, d_b)),
        response_scale=generator.uniform(0.8, 1.2, (n, d_b)),
        driver_index=np.stack([generator.permutation(max(d_a, d_b))[:d_b] for _ in range(n)]),
        initial=start * (1 + 0.01 * generator.standard_normal((n, len(start)))),
    )
