"""The standard error of a time average whose terms are correlated, without knowing for how long."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def blocking_error(x: Float64[np.ndarray, " time"], *, min_blocks: int) -> float:
    """Standard error of ``mean(x)`` by blocking: ``std(means of n blocks) / sqrt(n)``, for few and long blocks.

    Neighbouring terms are joined in pairs, and these again, until ``min_blocks`` to ``4 min_blocks`` are left: of all
    such lengths the largest error is taken, so that it errs towards caution. Blocks shorter than positive correlations
    would give too small an error; blocks shorter than a cycle, whose sum stays bounded, one that is far too large.
    Terms that fill no whole block are left out at the front.

    Args:
        x: terms at equally spaced times.
        min_blocks: two or more; few make the error itself uncertain, by ``1 / sqrt(2 min_blocks)``.

    Returns:
        The error in the units of x; NaN with fewer than ``min_blocks`` terms.

    Source: Flyvbjerg and Petersen, Journal of Chemical Physics 91, 461 (1989).
    """
    x = np.asarray(x, dtype=np.float64)
    largest = float("nan")
    while x.size >= min_blocks:
        if x.size < 4 * min_blocks:
            largest = float(np.fmax(largest, x.std(ddof=1) / np.sqrt(x.size)))
        x = x[x.size % 2 :].reshape(-1, 2).mean(axis=1)
    return largest
