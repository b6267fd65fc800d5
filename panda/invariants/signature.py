"""A short description of a trajectory that no change of units, sign or order of its coordinates alters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from scipy.fft import rfft, rfftfreq

from panda.invariants.series import as_series, is_finite

# A coordinate that varies by less than this share of its size is constant.
_CONSTANT = 1e-9


class Signature(NamedTuple):
    """`features` without dimension; `time_scale` tau in samples; all NaN for a series that is not finite or rests."""

    features: Float64[np.ndarray, " feature"]
    time_scale: float


def signature(
    x: Float[np.ndarray, "dimension time"],
    *,
    n_bins: int,
    max_size: float,
    n_bands: int,
    band_range: tuple[float, float],
    n_axes: int,
) -> Signature:
    """Distribution, spectrum and correlations of a series, each free of scale.

    With z the coordinates standardised, v their velocities divided by their standard deviations, and
    tau = 2 pi / rms(dz/dt) the time scale, the features are, one after the other:

    - the square roots of the histograms of |z| and of |v| over `n_bins` bins of [0, `max_size`], larger values
      in the last bin, the mean over the coordinates;
    - the square roots of the shares of power in `n_bands` bands of equal width in log frequency over
      `band_range` / tau, and below and above it, the mean over the coordinates;
    - the `n_axes` largest eigenvalues of the correlation matrix of (z, v), divided by their number.

    A square root of shares makes Euclidean distance that of Hellinger. Coordinates that do not vary are left out.
    Scaling, shift, sign and order of the coordinates change nothing; a change of the unit of time changes
    nothing but for what sampling leaves.

    Raises:
        PandaError: `x` is not two-dimensional.
    """
    x = as_series(x)
    n_features = 2 * n_bins + n_bands + 2 + n_axes
    nothing = Signature(np.full(n_features, np.nan), float("nan"))
    if not is_finite(x) or x.shape[1] < 8:
        return nothing
    x = x[x.std(axis=1) > _CONSTANT * np.abs(x).max(axis=1)]
    if not len(x):
        return nothing
    z = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    v = np.gradient(z, axis=1)
    speed = v.std(axis=1, keepdims=True)
    if not speed.all():
        return nothing
    time_scale = float(2 * np.pi / np.sqrt(np.mean(speed**2)))
    v = v / speed
    edges = np.geomspace(*band_range, n_bands + 1)
    parts = [
        np.sqrt(_histogram(np.abs(z) * n_bins / max_size, n_bins)),
        np.sqrt(_histogram(np.abs(v) * n_bins / max_size, n_bins)),
        np.sqrt(_bands(z, edges / time_scale)),
        _axes(np.concatenate([z, v]), n_axes),
    ]
    return Signature(np.concatenate(parts), time_scale)


def _histogram(bins: Float64[np.ndarray, "dimension time"], n_bins: int) -> Float64[np.ndarray, " n_bins"]:
    """Shares of the values in [0, 1), [1, 2), ...; every coordinate has as many values, so their mean is that of all."""
    index = np.minimum(bins, n_bins - 1).astype(np.int64)
    return np.bincount(index.ravel(), minlength=n_bins) / index.size


def _bands(
    z: Float64[np.ndarray, "dimension time"], edges: Float64[np.ndarray, " edge"]
) -> Float64[np.ndarray, " band"]:
    """Shares of the power under a Hann window below, between and above the edges, in cycles a sample."""
    n = z.shape[1]
    power = np.abs(rfft(z * np.hanning(n), axis=1)) ** 2
    share = np.mean(power / power.sum(axis=1, keepdims=True), axis=0)
    return np.bincount(np.searchsorted(edges, rfftfreq(n)), weights=share, minlength=len(edges) + 1)


def _axes(rows: Float64[np.ndarray, "row time"], n_axes: int) -> Float64[np.ndarray, " n_axes"]:
    """The largest eigenvalues of the rows' correlation matrix as shares of their sum, zeros where there are fewer."""
    values = np.linalg.eigvalsh(rows @ rows.T / rows.shape[1])[::-1][:n_axes]
    return np.pad(values / len(rows), (0, n_axes - len(values)))
