"""The form every statistic takes a series in, and its standardisation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

from panda.core.errors import PandaError

# A dimension that varies by less than this share of its largest value is constant: an integration near a fixed
# point rattles at some tens of its relative tolerance.
CONSTANT = 1e-9


def as_series(x: Float[np.ndarray, "dimension time"]) -> Float64[np.ndarray, "dimension time"]:
    """`x` as a C-contiguous float64 array.

    Raises:
        PandaError: `x` is not (dimension, time), or holds no real numbers.
    """
    series = np.asarray(x)
    if series.ndim != 2 or series.dtype.kind not in "fiu":
        raise PandaError(
            f"a series is a real array (dimension, time), not {series.dtype} {series.shape}; reshape it"
        )
    return np.ascontiguousarray(series, dtype=np.float64)


def is_finite(x: Float64[np.ndarray, "dimension time"]) -> bool:
    """Whether there is at least one number, and none is infinite or NaN."""
    return x.size > 0 and bool(np.isfinite(x).all())


def varies(x: Float64[np.ndarray, "dimension time"]) -> np.ndarray:
    """(dimension,) bool: whether a dimension takes more than one value."""
    return x.max(axis=1) > x.min(axis=1)


def standardise(
    x: Float64[np.ndarray, "dimension time"], *, std_floor: float
) -> Float64[np.ndarray, "dimension time"]:
    """z = (x - mean) / max(std, std_floor), dimension by dimension, std with divisor n; NaN on overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        std = np.maximum(x.std(axis=1, keepdims=True), std_floor)
        return (x - x.mean(axis=1, keepdims=True)) / np.where(np.isfinite(std), std, np.nan)


def rescale(x: Float64[np.ndarray, " time"]) -> Float64[np.ndarray, " time"]:
    """`x` times the power of two that brings max |x| into [0.5, 1): no digit changes, no square overflows."""
    return np.ldexp(x, -int(np.frexp(np.abs(x).max())[1]))


def moving(x: Float64[np.ndarray, "dimension time"]) -> Float64[np.ndarray, "moving time"]:
    """z = (x - mean) / std of the dimensions that vary by more than rounding leaves of their size, in any units."""
    if not x.size:
        return x[:0]
    # By powers of two: nothing overflows or underflows, whatever the unit.
    x = np.ldexp(x, -np.frexp(np.abs(x).max(axis=1, keepdims=True))[1])
    deviation = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt(np.mean(deviation**2, axis=1, keepdims=True))
    varies_at_all = std[:, 0] > CONSTANT
    return np.ascontiguousarray(deviation[varies_at_all] / std[varies_at_all])
