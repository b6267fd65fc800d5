"""Whether a trajectory comes to rest."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

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
