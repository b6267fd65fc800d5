"""The dominant Fourier period of a series."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from scipy.fft import rfft

from panda.invariants.series import as_series, is_finite, rescale, varies


def period(x: Float[np.ndarray, "dimension time"]) -> Float64[np.ndarray, " dimension"]:
    """Period, in samples, of the largest peak of each dimension's power spectrum.

    The mean is taken out and a Hann window applied; the peak is the largest power at a frequency above 0,
    refined by the parabola through the log power there and at its two neighbours.

    Args:
        x: the series, any units; multiply the result by the sampling interval for a time.

    Returns:
        Periods in samples; NaN for a dimension that is not finite, does not vary, or has fewer than eight
        samples.

    Raises:
        PandaError: `x` is not two-dimensional.
    """
    x = as_series(x)
    n_dimensions, n = x.shape
    periods = np.full(n_dimensions, np.nan)
    if n < 8 or not is_finite(x):
        return periods
    for i in np.flatnonzero(varies(x)):
        deviation = rescale(x[i])
        deviation = deviation - deviation.mean()
        power = np.abs(rfft(deviation * np.hanning(n))) ** 2
        peak = 1 + int(np.argmax(power[1:]))
        periods[i] = n / (peak + _vertex(power, peak))
    return periods


def period_per_octave(
    windows: Float[np.ndarray, "window dimension time"],
) -> Float64[np.ndarray, " dimension"]:
    """Period, in samples, at which each dimension has most power per octave: the largest f S(f).

    S is the power spectrum under a Hann window, averaged over windows of the same signal. A line of S is one of
    f S(f). Where the spectrum is flat down to the lowest frequencies (an attractor whose lobes are visited at
    random), the largest S stands at a frequency that only the window's length decides; f S(f) falls there.

    Args:
        windows: equally long and equally sampled pieces of one signal, any units.

    Returns:
        Periods in samples; NaN for a dimension that does not vary in some window, and for all where a value is
        not finite or a window has fewer than eight samples.
    """
    _, n_dimensions, n = windows.shape
    power = np.zeros((n_dimensions, n // 2 + 1))
    for window in windows:
        x = as_series(window)
        if n < 8 or not is_finite(x):
            return np.full(n_dimensions, np.nan)
        power[~varies(x)] = np.nan
        deviation = x - x.mean(axis=1, keepdims=True)
        power += np.abs(rfft(deviation * np.hanning(n), axis=1)) ** 2
    power *= np.arange(power.shape[1])
    periods = np.full(n_dimensions, np.nan)
    for i in np.flatnonzero(np.isfinite(power).all(axis=1)):
        peak = 1 + int(np.argmax(power[i, 1:]))
        periods[i] = n / (peak + _vertex(power[i], peak))
    return periods


def _vertex(power: Float64[np.ndarray, " frequency"], peak: int) -> float:
    """Where the parabola through three log powers is highest, in bins from the middle one."""
    if peak < 2 or peak + 1 >= len(power) or power[peak - 1 : peak + 2].min() <= 0.0:
        return 0.0
    left, middle, right = np.log(power[peak - 1 : peak + 2])
    curvature = left - 2.0 * middle + right
    return 0.5 * (left - right) / curvature if curvature < 0.0 else 0.0
