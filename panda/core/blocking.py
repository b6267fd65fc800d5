"""The standard error of a time average whose terms are correlated, without knowing for how long."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def blocking_error(x: Float64[np.ndarray, " time"], *, min_blocks: int) -> float:
    """Standard error of ``mean(x)`` by blocking: ``max_l std(means of blocks of 2^l terms) / sqrt(n_l)``.

    Blocks shorter than the correlations give too small an error, which grows with their length up to a plateau;
    the largest of all lengths that leave ``min_blocks`` blocks is taken, so that it errs towards caution. Terms
    that fill no whole block are left out at the front.

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
        error = float(x.std(ddof=1) / np.sqrt(x.size))
        largest = error if np.isnan(largest) else max(largest, error)
        x = x[x.size % 2 :].reshape(-1, 2).mean(axis=1)
    return largest
