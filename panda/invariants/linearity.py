"""Whether a trajectory is a straight line."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from panda.invariants.series import as_series, is_finite, moving, standardise, varies


def linearity(x: Float[np.ndarray, "dimension time"], *, std_floor: float) -> float:
    """Share of the variance in the first principal direction of the standardised series.

    share = s_0^2 / (sum_i s_i^2 + std_floor), s_i the singular values of z (dimension, time), taken from
    the eigenvalues of z z^T. Between 1/dimension (round) and 1 (a line).

    Args:
        x: the series, any units.
        std_floor: no dimension is divided by a standard deviation below this.

    Returns:
        The share; NaN if the series or its variance is not finite, or no dimension varies. A trajectory
        passes iff share <= the threshold.

    Raises:
        PandaError: `x` is not two-dimensional.

    Source: paper, attractor tests (linearity).
    """
    x = as_series(x)
    if not is_finite(x) or not varies(x).any():
        return float("nan")
    z = standardise(x, std_floor=std_floor)
    covariance = z @ z.T
    if not np.isfinite(covariance).all():
        return float("nan")
    return float(np.linalg.eigvalsh(covariance)[-1] / (np.trace(covariance) + std_floor))


def straightness(x: Float[np.ndarray, "dimension time"]) -> float:
    """Share of the variance in the first principal direction, the same in any units.

    share = s_0^2 / sum_i s_i^2 as in `linearity`, of the dimensions that vary, without its floors.

    Returns:
        The share, 1 for a single dimension; NaN if the series is not finite, or no dimension varies. A trajectory
        passes iff share <= the threshold.

    Raises:
        PandaError: `x` is not two-dimensional.
    """
    x = as_series(x)
    z = moving(x) if is_finite(x) else x[:0]
    if not len(z):
        return float("nan")
    covariance = z @ z.T
    return float(np.linalg.eigvalsh(covariance)[-1] / np.trace(covariance))
