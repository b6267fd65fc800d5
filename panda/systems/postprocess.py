"""The coordinates that are saved: unbounded ones made bounded, and of a skew product the response only."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from panda.core.errors import PandaError
from panda.systems.flow import Ensemble, Flow, Founder, check_ensemble


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

    A response coordinate i that gets the velocity of an unbounded driver coordinate may be unbounded as
    well. The paper's reference code maps the response into the driver's space and into its own, and takes

    - both maps' mean where the driver's coordinate and the response's are both unbounded, or neither,
    - the map of the one that is unbounded otherwise.

    That is its documented intent, which is done here; its code halves the second case by mistake, and
    halves response coordinates that no driver coordinate enters.

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
    padded = np.ones(max(flow.driver_dimension, flow.response_dimension), dtype=bool)
    padded[: flow.driver_dimension] = flow.driver.bounded
    driver_unbounded = ~padded[ensemble.driver_index]
    response_unbounded = np.broadcast_to(~flow.response.bounded, driver_unbounded.shape)
    neither = ~(driver_unbounded | response_unbounded)
    use_driver = (driver_unbounded | neither)[:, None, :]
    use_own = (response_unbounded | neither)[:, None, :]
    # A sum with weights would let one map's overflow spoil the other's value.
    mean = 0.5 * (through_driver + own)
    return np.where(use_driver & use_own, mean, np.where(use_driver, through_driver, own))


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
