"""Values of a flow and of its derivative at given states, and the size of its velocities."""

from __future__ import annotations

import ctypes

import numpy as np
from jaxtyping import Float64

from panda.core.errors import PandaError
from panda.systems.flow import Ensemble, Flow, Founder, check_ensemble
from panda.systems.lanes import JVP_ARGUMENTS, N_LANES, RHS_ARGUMENTS

Rows = Float64[np.ndarray, "n width"]


def right_hand_side(
    flow: Flow, ensemble: Ensemble, states: Rows, times: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, "n n_rates"]:
    """``dx/dt = f(t, x)`` for member i at ``states[i]`` and ``times[i]``; with delay of the first coordinate only.

    Raises:
        PandaError: shapes that do not fit.
    """
    states, times = _checked(flow, ensemble, states), np.asarray(times, dtype=np.float64)
    driver, response = _velocities(flow, ensemble, states, times)
    if response is None:
        return driver
    drive, own = _parts(flow, ensemble, driver, response)
    return np.concatenate([driver, drive + own], axis=1)


def response_parts(
    flow: Flow, ensemble: Ensemble, states: Rows, times: Float64[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, "n d_b"], Float64[np.ndarray, "n d_b"]]:
    """What the driver and the response itself give to the response's velocity: ``kappa_a Pad(f_a)[pi]`` and
    ``kappa_b f_b``, for member i at ``states[i]`` and ``times[i]``.

    Raises:
        PandaError: the flow has no response, or the shapes do not fit.
    """
    if flow.response is None:
        raise PandaError(f"{flow.name} is a founder on its own: nothing drives it")
    states, times = _checked(flow, ensemble, states), np.asarray(times, dtype=np.float64)
    driver, response = _velocities(flow, ensemble, states, times)
    assert response is not None
    return _parts(flow, ensemble, driver, response)


def jacobian_vector(
    flow: Flow, ensemble: Ensemble, states: Rows, tangents: Rows, times: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, "n n_rates"]:
    """``(df/dx)(t, x) v`` for member i at ``states[i]``, along ``tangents[i]``, at ``times[i]``; n_rates as above.

    Raises:
        PandaError: shapes that do not fit.
    """
    states, tangents = _checked(flow, ensemble, states), _checked(flow, ensemble, tangents)
    times = np.asarray(times, dtype=np.float64)
    d_a = flow.driver_dimension
    parts = [states[:, :d_a], tangents[:, :d_a]]
    _, driver = _call(flow.driver, flow.driver_jvp, times, parts, ensemble.driver_parameters)
    if flow.response is None:
        return driver
    parts = [states[:, d_a:], tangents[:, d_a:]]
    _, response = _call(flow.response, flow.response_jvp, times, parts, ensemble.response_parameters)
    drive, own = _parts(flow, ensemble, driver, response)
    return np.concatenate([driver, drive + own], axis=1)


def divergence(
    flow: Flow, ensemble: Ensemble, states: Rows, times: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """``sum_i df_i/dx_i`` for member i at ``states[i]`` and ``times[i]``.

    Raises:
        PandaError: shapes that do not fit.
    """
    total = np.zeros(len(ensemble))
    for i, direction in enumerate(np.eye(flow.dimension)):
        along = np.broadcast_to(direction, (len(ensemble), flow.dimension))
        total += jacobian_vector(flow, ensemble, states, along, times)[:, i]
    return total


def flow_rms(
    flow: Flow, states: Float64[np.ndarray, "time dimension"], times: Float64[np.ndarray, " time"]
) -> Float64[np.ndarray, " n_rates"]:
    """``sqrt(mean_t f(t, x(t))^2)`` per coordinate of a default founder along a trajectory of its attractor.

    With delay one number: its coordinates are one x at several times.

    Raises:
        PandaError: the flow is a skew product, or the shapes do not fit.
    """
    if flow.response is not None:
        raise PandaError(f"{flow.name}: velocities are measured on founders, not on skew products")
    n = len(states)
    none = np.empty((n, 0))
    parameters = np.broadcast_to(flow.driver.parameters, (n, flow.driver.n_parameters))
    ensemble = Ensemble(parameters, none, none, none, none.astype(np.int64), states)
    return np.sqrt(np.mean(right_hand_side(flow, ensemble, states, times) ** 2, axis=0))


def _checked(flow: Flow, ensemble: Ensemble, states: Rows) -> Rows:
    check_ensemble(flow, ensemble)
    states = np.asarray(states, dtype=np.float64)
    if states.shape != (len(ensemble), flow.dimension):
        wanted = (len(ensemble), flow.dimension)
        raise PandaError(
            f"{flow.name}: states have shape {states.shape}, expected {wanted}, one row per member"
        )
    return states


def _velocities(flow: Flow, ensemble: Ensemble, states: Rows, times: np.ndarray) -> tuple[Rows, Rows | None]:
    """Each founder's own ``f(t, x)``; no second one where there is no response."""
    d_a = flow.driver_dimension
    (driver,) = _call(flow.driver, flow.driver_rhs, times, [states[:, :d_a]], ensemble.driver_parameters)
    if flow.response is None:
        return driver, None
    parameters = ensemble.response_parameters
    (response,) = _call(flow.response, flow.response_rhs, times, [states[:, d_a:]], parameters)
    return driver, response


def _parts(flow: Flow, ensemble: Ensemble, driver: Rows, response: Rows) -> tuple[Rows, Rows]:
    padded = np.pad(driver, ((0, 0), (0, max(flow.response_dimension - flow.driver_dimension, 0))))
    drive = np.take_along_axis(padded, ensemble.driver_index, axis=1)
    return ensemble.driver_scale * drive, ensemble.response_scale * response


def _call(
    founder: Founder, address: int, times: np.ndarray, inputs: list[Rows], parameters: Rows
) -> list[Rows]:
    """Call a lane function (rhs for one input, jvp for two) on blocks of eight rows; the last is padded."""
    arguments = RHS_ARGUMENTS if len(inputs) == 1 else JVP_ARGUMENTS
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arguments))(address)
    n, width = len(times), 1 if founder.delay_index is not None else founder.dimension
    read = [x[:, founder.inputs] for x in inputs]
    given = [_lanes(x) for x in (times[:, None], *read, parameters)]
    results = [np.empty((given[0].shape[0], width, N_LANES)) for _ in inputs]
    arrays = [*given, *results]
    # Addresses are asked for once: numpy takes longer to tell one than the function to run.
    starts, strides = [x.ctypes.data for x in arrays], [x.strides[0] for x in arrays]
    for block in range(given[0].shape[0]):
        function(*[start + block * stride for start, stride in zip(starts, strides, strict=True)])
    return [x.transpose(0, 2, 1).reshape(-1, width)[:n] for x in results]


def _lanes(rows: Rows) -> Float64[np.ndarray, "block width lane"]:
    n, width = rows.shape
    n_blocks = -(-n // N_LANES)
    padded = rows[np.minimum(np.arange(n_blocks * N_LANES), n - 1)] if n else rows
    return np.ascontiguousarray(padded.reshape(n_blocks, N_LANES, width).transpose(0, 2, 1))
