"""How much of a response's motion its driver makes: whether a skew product is one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from panda.systems.evaluate import response_parts
from panda.systems.flow import Ensemble, Flow


def drive_share(
    flow: Flow,
    ensemble: Ensemble,
    states: Float64[np.ndarray, "n time dimension"],
    times: Float64[np.ndarray, " time"],
    *,
    n_points: int,
) -> Float64[np.ndarray, " n"]:
    """``D / (D + O)`` along each member's trajectory, of the parts ``kappa_a Pad(f_a)[pi]`` (the driver's) and
    ``kappa_b f_b`` (the response's own) of the response's velocity; NaN where nothing varies, or no response is.

    D and O are standard deviations over time, of vectors: ``D^2 = mean_t |u(t) - mean u|^2``, u one part. A part that
    does not vary drives nothing: a phase of constant speed adds a number to the response's velocity, as a parameter
    would. Where the response is bounded the two means cancel, so that the parts without them make the whole velocity.

    One norm over all coordinates, though their units differ: ``kappa = 1 / rms`` brings every coordinate's velocity
    to the size of 1, that of the driver and that of the response. One coordinate that is hardly driven says nothing
    against the others, which carry what the driver does to it; and of zeros from padding D has no part, so that a
    permutation that chooses nothing else gives exactly 0.

    Args:
        states: of all members at the same times, of which ``n_points``, equally spaced, are looked at.
        times: in the flow's units.
    """
    n = len(states)
    if flow.response is None or not n:
        return np.full(n, np.nan)
    chosen = np.linspace(0, len(times) - 1, min(n_points, len(times))).round().astype(np.int64)
    many = ensemble[np.repeat(np.arange(n), len(chosen))]
    rows = states[:, chosen].reshape(-1, flow.dimension)
    drive, own = (
        _deviation(part.reshape(n, len(chosen), -1))
        for part in response_parts(flow, many, rows, np.tile(times[chosen], n))
    )
    total = drive + own
    return np.divide(drive, total, out=np.full(n, np.nan), where=total > 0)


def _deviation(part: Float64[np.ndarray, "n time d_b"]) -> Float64[np.ndarray, " n"]:
    return np.sqrt(part.var(axis=1).sum(axis=1))
