"""The context as a sum of sines, continued as the paper's reference does it, and periodically."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Complex, Float

from baselines.options import Options

BASELINES = {
    "fourier": {
        "label": "Fourier",
        "colour": "#7B3294",
        "idea": "the context's spectrum, zero-extended: stretches the context, see the docstring",
        "licence": "MIT, ours",
        "source": "the paper's reference code",
    },
    "fourier_periodic": {
        "label": "fourier periodic",
        "idea": "the context's strongest sines, continued",
        "licence": "MIT, ours",
        "source": "the same, without the stretch",
    },
}
SETTINGS = {"n_harmonics": "Natural"}


class FourierResampled:
    """The paper's reference baseline: zero-extended spectrum, tail of the inverse transform.

    `irfft(rfft(x), n = T + H) (T + H) / T`, last H values, per channel. This stretches the T points of the
    context over T + H: frequencies come out a factor T / (T + H) too low, and the forecast depends on the
    horizon asked for. It is kept because the paper's numbers are of this version; `fourier_periodic` is the
    fair one.
    """

    name = "fourier"

    def __init__(self, settings: Any) -> None:
        self._n_harmonics = settings.n_harmonics

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`."""
        n_times = context.shape[1]
        spectrum = _spectrum(context, n_harmonics=self._n_harmonics)
        whole = np.fft.irfft(spectrum, n=n_times + horizon, axis=1)
        return whole[:, n_times:] * ((n_times + horizon) / n_times)


class FourierPeriodic:
    """The sum of the context's sines after its end: `x(T + k) = sum_f X_f exp(2 pi i f (T + k) / T) / T`.

    With all harmonics it repeats the context; with the `n_harmonics` of largest amplitude it is exact on
    tones that fit the context a whole number of times.
    """

    name = "fourier_periodic"

    def __init__(self, settings: Any) -> None:
        self._n_harmonics = settings.n_harmonics

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`."""
        n_times = context.shape[1]
        period = np.fft.irfft(_spectrum(context, n_harmonics=self._n_harmonics), n=n_times, axis=1)
        return period[:, np.arange(horizon) % n_times]


def _spectrum(
    context: Float[np.ndarray, "batch time channel"], *, n_harmonics: int
) -> Complex[np.ndarray, "batch frequency channel"]:
    """Real transform over time: the mean and the `n_harmonics` strongest sines of each channel (0: all)."""
    spectrum = np.fft.rfft(context, axis=1)
    if 0 < n_harmonics < spectrum.shape[1] - 1:
        weakest = np.argsort(np.abs(spectrum[:, 1:]), axis=1)[:, :-n_harmonics] + 1
        np.put_along_axis(spectrum, weakest, 0.0, axis=1)
    return spectrum


def create(name: str, settings: Any, options: Options) -> FourierResampled | FourierPeriodic:
    """See `baselines.registry`."""
    kind = FourierPeriodic if name == FourierPeriodic.name else FourierResampled
    return kind(settings)
