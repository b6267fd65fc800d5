"""The coordinates that are saved: unbounded ones made bounded, and of a skew product the response only."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from panda.core.errors import PandaError
from panda.systems.flow import Ensemble, Flow, Founder, check_ensemble, drifts_with_driver


def postprocess(
    founder: Founder,
    states: Float64[np.ndarray, "*batch dimension"],
    parameters: Float64[np.ndarray, "*batch n_params"],
) -> Float64[np.ndarray, "*batch dimension"]:
    """A founder's states in bounded coordinates, as dysts has them (a phase as its sine, polar as plane).

    The parameters' batch axes broadcast against the states'.
    """
    if founder.postprocessing is None:
        return np.array(states, dtype=np.float64)
    columns = founder.postprocessing.evaluate(y=np.moveaxis(states, -1, 0), p=np.moveaxis(parameters, -1, 0))
    return np.stack([np.broadcast_to(column, states.shape[:-1]) for column in columns], axis=-1)


def saved_coordinates(
    flow: Flow, ensemble: Ensemble, states: Float64[np.ndarray, "n time dimension"]
) -> Float64[np.ndarray, "n time d"]:
    """The saved coordinates of every member: all of a founder's own, the response's of a skew product.

    A response coordinate is mapped as the response's own founder maps it. One that drifts with the driver
    (``drifts_with_driver``) is mapped as the driver coordinate is whose velocity it receives, its phase say; if it is
    unbounded in the response too, the mean of both maps is taken.

    The paper's reference code lets every response coordinate drift that an unbounded driver coordinate enters, and
    shows an escape as the sine of large numbers. It halves what is unbounded on one side only, by mistake, and takes
    the mean of both maps where neither is unbounded, though nothing has to be made bounded there.

    Raises:
        PandaError: shapes that do not fit.
    """
    check_ensemble(flow, ensemble)
    if states.ndim != 3 or states.shape[::2] != (len(ensemble), flow.dimension):
        raise PandaError(
            f"{flow.name}: states have shape {states.shape}, "
            f"expected ({len(ensemble)}, time, {flow.dimension})"
        )
    if flow.response is None:
        return postprocess(flow.driver, states, ensemble.driver_parameters[:, None, :])
    response = np.array(states[:, :, flow.driver_dimension :], dtype=np.float64)
    own = postprocess(flow.response, response, ensemble.response_parameters[:, None, :])
    if flow.driver.postprocessing is None:
        through_driver = response
    else:
        through_driver = _through_driver(
            flow.driver, response, ensemble.driver_parameters, ensemble.driver_index
        )
    drifts = drifts_with_driver(flow, ensemble)[:, None, :]
    # A sum with weights would let one map's overflow spoil the other's value.
    mapped = np.where(flow.response.bounded, through_driver, 0.5 * (through_driver + own))
    return np.where(drifts, mapped, own)


def _through_driver(
    driver: Founder,
    response: Float64[np.ndarray, "n time d_b"],
    parameters: Float64[np.ndarray, "n n_params"],
    index: Int64[np.ndarray, "n d_b"],
) -> Float64[np.ndarray, "n time d_b"]:
    """Response coordinates put in the places of the driver coordinates that enter them, mapped there as the
    driver's own would be, and put back; those that no driver coordinate enters stay."""
    n, n_times, d_b = response.shape
    places = np.zeros((n, n_times, max(driver.dimension, d_b)))
    wide = np.broadcast_to(index[:, None, :], response.shape)
    np.put_along_axis(places, wide, response, axis=2)
    mapped = places.copy()
    mapped[:, :, : driver.dimension] = postprocess(
        driver, places[:, :, : driver.dimension], parameters[:, None, :]
    )
    return np.take_along_axis(mapped, wide, axis=2)
