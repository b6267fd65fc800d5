"""Skew products: how strongly and through which coordinates a driver enters a response, and its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from panda.core.errors import PandaError
from panda.systems.flow import Ensemble, Flow, check_ensemble
from panda.systems.mutation import perturb


@dataclass(frozen=True, eq=False)
class Member:
    """One skew product: ``driver_scale`` has the driver's own coordinates, before padding and permutation.

    ``driver_index[i]`` is the coordinate of the zero-padded driver that enters response coordinate i.
    """

    driver_parameters: Float64[np.ndarray, " n_params_a"]
    response_parameters: Float64[np.ndarray, " n_params_b"]
    driver_scale: Float64[np.ndarray, " d_a"]
    response_scale: Float64[np.ndarray, " d_b"]
    driver_index: Int64[np.ndarray, " d_b"]
    initial: Float64[np.ndarray, " dimension"]


def coupling_scale(flow_rms: Float64[np.ndarray, " d"], *, stiffness: float) -> Float64[np.ndarray, " d"]:
    """``kappa_i = stiffness / sqrt(mean_t f_i(x(t))^2)``: each velocity brought to size ``stiffness``.

    Raises:
        PandaError: a root mean square is zero or not finite.
    """
    rms = np.asarray(flow_rms, dtype=np.float64)
    if not np.all(np.isfinite(rms) & (rms > 0)):
        raise PandaError(
            f"velocities of root mean square {rms.tolist()} give no coupling scale; all must be > 0"
        )
    return stiffness / rms


def draw_driver_index(d_a: int, d_b: int, generator: np.random.Generator) -> Int64[np.ndarray, " d_b"]:
    """The driver coordinates that enter the response: ``d_b`` of the padded driver's ``max(d_a, d_b)``, in
    random order, none twice."""
    return generator.choice(max(d_a, d_b), d_b, replace=False).astype(np.int64)


def default_member(
    flow: Flow,
    *,
    driver_rms: Float64[np.ndarray, " d_a"],
    response_rms: Float64[np.ndarray, " d_b"],
    stiffness: float,
) -> Member:
    """The skew product of the default founders: published parameters, coordinates coupled in order."""
    driver, response = flow.driver, _response(flow)
    return Member(
        driver_parameters=driver.parameters,
        response_parameters=response.parameters,
        driver_scale=coupling_scale(driver_rms, stiffness=stiffness),
        response_scale=coupling_scale(response_rms, stiffness=stiffness),
        driver_index=np.arange(response.dimension, dtype=np.int64),
        initial=np.concatenate([driver.initial_condition, response.initial_condition]),
    )


def mutate_member(
    flow: Flow,
    member: Member,
    *,
    scale: float,
    variance_floor: float,
    sign_match_probability: float,
    ignore_probability: float,
    generator: np.random.Generator,
) -> Member:
    """A mutated skew product: parameters, every entry of both coupling scales, and a fresh permutation.

    The generator should be the candidate's own: the reference draws the permutation from a stream that
    restarts, so that all mutations of a pair share one.
    """
    options: dict[str, Any] = {
        "scale": scale,
        "variance_floor": variance_floor,
        "sign_match_probability": sign_match_probability,
        "ignore_probability": ignore_probability,
        "generator": generator,
    }
    response = _response(flow)
    return Member(
        driver_parameters=perturb(member.driver_parameters, sizes=flow.driver.parameter_sizes, **options),
        response_parameters=perturb(member.response_parameters, sizes=response.parameter_sizes, **options),
        driver_scale=perturb(member.driver_scale, sizes=None, **options),
        response_scale=perturb(member.response_scale, sizes=None, **options),
        driver_index=draw_driver_index(flow.driver_dimension, flow.response_dimension, generator),
        initial=member.initial,
    )


def skew_ensemble(flow: Flow, members: Sequence[Member]) -> Ensemble:
    """Members of one pair side by side, their driver scales padded with zeros and permuted.

    Raises:
        PandaError: a member does not fit the flow.
    """
    response = _response(flow)
    if not members:
        raise PandaError(f"{flow.name}: an ensemble needs at least one member")
    padding = (0, max(response.dimension - flow.driver_dimension, 0))
    try:
        index = np.stack([member.driver_index for member in members])
        scale = np.stack([np.pad(member.driver_scale, padding) for member in members])
        ensemble = Ensemble(
            driver_parameters=np.stack([member.driver_parameters for member in members]),
            response_parameters=np.stack([member.response_parameters for member in members]),
            driver_scale=np.take_along_axis(scale, index, axis=1),
            response_scale=np.stack([member.response_scale for member in members]),
            driver_index=index,
            initial=np.stack([member.initial for member in members]),
        )
    except (ValueError, IndexError) as error:
        raise PandaError(f"{flow.name}: a member's arrays do not fit the pair ({error})") from error
    check_ensemble(flow, ensemble)
    return ensemble


def founder_ensemble(
    flow: Flow,
    parameters: Float64[np.ndarray, "n n_params"],
    initial: Float64[np.ndarray, "n dimension"],
) -> Ensemble:
    """Members of a founder on its own.

    Raises:
        PandaError: the flow is a skew product, or the shapes do not fit the founder.
    """
    if flow.response is not None:
        raise PandaError(f"{flow.name} is a skew product; make its members with skew_ensemble")
    none = np.empty((len(initial), 0))
    ensemble = Ensemble(
        driver_parameters=parameters,
        response_parameters=none,
        driver_scale=none,
        response_scale=none,
        driver_index=none.astype(np.int64),
        initial=initial,
    )
    check_ensemble(flow, ensemble)
    return ensemble


def _response(flow: Flow) -> Any:
    if flow.response is None:
        raise PandaError(f"{flow.name} is a founder on its own, not a skew product")
    return flow.response
