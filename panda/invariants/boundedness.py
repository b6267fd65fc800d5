"""How far a trajectory goes, in its own units and in standard deviations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from panda.invariants.series import as_series, is_finite, moving, standardise


class Boundedness(NamedTuple):
    """Largest |x| (the series' units) and largest |z| (standard deviations); NaN where undefined."""

    max_magnitude: float
    max_zscore: float


def boundedness(x: Float[np.ndarray, "dimension time"], *, std_floor: float) -> Boundedness:
    """max |x| and max |z|, z = (x - mean) / max(std, std_floor) in each dimension.

    A trajectory passes iff each is <= its threshold.

    Args:
        x: the series, any units.
        std_floor: no dimension is divided by a standard deviation below this.

    Returns:
        Both maxima; both NaN if the series is empty or not finite, the second also if its variance is
        not.

    Raises:
        PandaError: `x` is not two-dimensional.

    Source: paper, attractor tests (boundedness).
    """
    x = as_series(x)
    if not is_finite(x):
        return Boundedness(float("nan"), float("nan"))
    zscore = np.abs(standardise(x, std_floor=std_floor)).max()
    return Boundedness(float(np.abs(x).max()), float(zscore))


def largest_deviation(x: Float[np.ndarray, "dimension time"]) -> float:
    """max |z|, z = (x - mean) / std in each dimension that varies: the same in any units.

    Returns:
        The largest deviation; NaN if the series is empty or not finite, or no dimension varies. A trajectory
        passes iff it is <= its threshold.

    Raises:
        PandaError: `x` is not two-dimensional.
    """
    x = as_series(x)
    z = moving(x) if is_finite(x) else x[:0]
    return float(np.abs(z).max()) if len(z) else float("nan")
