"""The interface of every forecaster, and a guard that counts forecasts that are no numbers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from panda.core.errors import PandaError


@runtime_checkable
class Forecaster(Protocol):
    """Anything that continues a multivariate series, zero-shot or trained, ours or a baseline."""

    name: str

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """The `horizon` steps after each context, in the context's own units (float64 in, float64 out).

        The windows of a batch are independent: a window's forecast may not depend on its neighbours.
        """
        ...


class Checked:
    """A forecaster whose outputs are held to the interface.

    A forecast with a NaN or an infinity stays in place as NaN: the metrics score it as a failure. `n_windows`
    and `n_failed` count what went through. The context is handed on as a read-only view, so that nobody edits
    it.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        self.forecaster = forecaster
        self.name = forecaster.name
        self.n_windows = 0
        self.n_failed = 0

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """As `Forecaster.forecast`, checked.

        Raises:
            PandaError: the context is no finite (batch, time, channel) array, or the forecast has another
                shape than (batch, horizon, channel).
        """
        if context.ndim != 3 or not np.isfinite(context).all():
            raise PandaError(
                f"{self.name}: the context must be finite numbers (batch, time, channel), and is "
                f"{context.shape} with {np.count_nonzero(~np.isfinite(context))} that are not"
            )
        given = np.asarray(context, dtype=np.float64).view()
        given.flags.writeable = False
        forecast = np.array(self.forecaster.forecast(given, horizon), dtype=np.float64)
        expected = (context.shape[0], horizon, context.shape[2])
        if forecast.shape != expected:
            raise PandaError(
                f"{self.name}: the forecast is {forecast.shape}, not {expected} (batch, horizon, channel)"
            )
        finite = np.isfinite(forecast)
        forecast[~finite] = np.nan
        self.n_windows += len(forecast)
        self.n_failed += int(np.count_nonzero(~finite.all(axis=(1, 2))))
        return forecast
