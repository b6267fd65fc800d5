"""How many peaks the power spectrum of a trajectory has."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from scipy.fft import rfft
from scipy.signal import find_peaks

from panda.invariants.series import as_series, is_finite, varies


def spectrum(
    x: Float[np.ndarray, "dimension time"], *, relative_height: float, relative_prominence: float
) -> Float64[np.ndarray, " dimension"]:
    """Number of peaks of the power |rfft(x)|^2 in each dimension.

    A peak is a local maximum at least max(relative_height * P, p) high and at least
    max(relative_prominence * P, p) prominent, P and p the largest and smallest power of the dimension
    (P is usually the mean's, at frequency 0: it is part of the spectrum here).

    Args:
        x: the series, any units.
        relative_height: least height of a peak, as a share of the largest power.
        relative_prominence: least prominence of a peak, as a share of the largest power.

    Returns:
        Counts as floats; NaN for a dimension that is not finite, does not vary or has fewer than three
        frequencies. A trajectory passes iff any dimension has at least the threshold's number.

    Raises:
        PandaError: `x` is not two-dimensional.

    Source: paper, attractor tests (power spectrum).
    """
    x = as_series(x)
    counts = np.full(x.shape[0], np.nan)
    n_frequencies = x.shape[1] // 2 + 1
    if not is_finite(x) or n_frequencies < 3:
        return counts
    with np.errstate(over="ignore", invalid="ignore"):
        power = np.abs(rfft(x, axis=1)) ** 2
    for i in np.flatnonzero(varies(x) & np.isfinite(power).all(axis=1)):
        largest, smallest = power[i].max(), power[i].min()
        peaks, _ = find_peaks(
            power[i],
            height=max(relative_height * largest, smallest),
            prominence=max(relative_prominence * largest, smallest),
        )
        counts[i] = len(peaks)
    return counts
