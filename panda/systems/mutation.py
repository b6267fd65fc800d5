"""Mutation of parameters: Gaussian steps in proportion to each parameter, with control of their sign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from panda.core.errors import PandaError


def perturb(
    parameters: Float64[np.ndarray, " n_params"],
    *,
    sizes: Sequence[int] | None,
    scale: float,
    variance_floor: float,
    sign_match_probability: float,
    ignore_probability: float,
    generator: np.random.Generator,
) -> Float64[np.ndarray, " n_params"]:
    """Mutated parameters ``theta + eps``, ``eps ~ N(0, (|theta| scale)^2 + variance_floor)``, entry by entry.

    For every named parameter at once (``sizes`` gives how many entries each has; None: each entry is one):
    with ``sign_match_probability``, ``eps <- sign(theta) |eps|``, which pushes away from zero; with
    probability ``ignore_probability * (1 - exp(-n_names))`` the parameter stays as it is. The number of
    draws does not depend on their outcome, so that one option does not shift another's stream.

    Source: section "mutation" of the paper; the sampler of its reference code.

    Raises:
        PandaError: the sizes do not add up to the parameters.
    """
    theta = np.asarray(parameters, dtype=np.float64)
    lengths = np.ones(theta.size, dtype=np.int64) if sizes is None else np.asarray(sizes, dtype=np.int64)
    n_names = lengths.size
    if theta.ndim != 1 or lengths.sum() != theta.size:
        raise PandaError(
            f"parameters of shape {theta.shape} cannot be {n_names} names of sizes {lengths.tolist()}"
        )
    step = generator.standard_normal(theta.size) * np.sqrt((np.abs(theta) * scale) ** 2 + variance_floor)
    matched = np.repeat(generator.random(n_names) < sign_match_probability, lengths)
    kept = np.repeat(generator.random(n_names) < ignore_probability * (1.0 - np.exp(-n_names)), lengths)
    step = np.where(matched, np.sign(theta) * np.abs(step), step)
    return np.where(kept, theta, theta + step)
