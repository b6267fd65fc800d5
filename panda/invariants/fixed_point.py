"""Whether a trajectory comes to rest."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

from panda.invariants.series import as_series, is_finite


def tail_step(x: Float[np.ndarray, "dimension time"], *, tail_share: float) -> float:
    """Largest step max_t ||x_{t+1} - x_t|| among the last int(tail_share * time) points.

    Args:
        x: the series, any units (the statistic is absolute: it scales with them).
        tail_share: share of the points that form the tail.

    Returns:
        The step in the series' units; NaN if the tail holds fewer than two points or the series is not
        finite. A trajectory passes iff the step > the tolerance: one at rest has every step within it.

    Raises:
        PandaError: `x` is not two-dimensional.

    Source: paper, attractor tests (fixed point).
    """
    x = as_series(x)
    n_tail = int(tail_share * x.shape[1])
    if n_tail < 2 or not is_finite(x):
        return float("nan")
    with np.errstate(over="ignore"):
        step = float(np.linalg.norm(np.diff(x[:, -n_tail:], axis=1), axis=0).max())
    return step if np.isfinite(step) else float("nan")


def relative_tail_step(
    x: Float[np.ndarray, "dimension time"],
    *,
    largest: Float64[np.ndarray, " dimension"],
    tail_share: float,
    rest_share: float,
) -> float:
    """Largest step among the last int(tail_share * time) points, in units of how much each coordinate moves.

    step = max_i max_t |x_i(t + 1) - x_i(t)| / (std(x_i) + rest_share * X_i), with X_i the largest |x_i| from
    the start of the integration on, transient included. At rest an integration still rattles at its tolerance: there
    std(x_i) is as small as the steps, and the second term stands for the size that the coordinate once had; so a fixed
    point at the origin is told like any other. The unit of each coordinate cancels.

    Args:
        x: the series, any units.
        largest: X_i, in the units of x; not below |x_i| of the series itself (which is taken where it is larger).
        tail_share: share of the points that form the tail.
        rest_share: far above the relative tolerance of the integration, far below the share of its size by
            which any chaotic coordinate varies.

    Returns:
        The step; NaN if the tail holds fewer than two points, the series is not finite, or has only zeros. A
        trajectory passes iff the step > the tolerance.

    Raises:
        PandaError: `x` is not two-dimensional.
    """
    x = as_series(x)
    n_tail = int(tail_share * x.shape[1])
    if n_tail < 2 or not is_finite(x):
        return float("nan")
    size = np.maximum(np.abs(x).max(axis=1), largest)
    there = size > 0.0
    if not there.any() or not np.isfinite(size).all():
        return float("nan")
    z = x[there] / size[there, None]
    steps = np.abs(np.diff(z[:, -n_tail:], axis=1)).max(axis=1)
    return float((steps / (z.std(axis=1) + rest_share)).max())
