"""The interface of every forecaster, and the guard that every forecast goes through."""

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
    """A forecaster whose inputs and outputs are held to the interface.

    `registry.create` and `make_forecaster` return nothing else. A forecast with a NaN or an infinity stays in place as
    NaN: the metrics score it as a failure. `n_windows` and `n_failed` count what went through. The context is handed on
    as a read-only view, so that nobody edits it.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        self.forecaster = forecaster
        self.name = forecaster.name
        self.n_windows = 0
        self.n_failed = 0

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """As `Forecaster.forecast`, checked, and contiguous in memory, channels last.

        Raises:
            PandaError: the context is not a finite (batch, time, channel) array, or is too short for this forecaster;
                the horizon is below 1; or the forecast does not have the shape (batch, horizon, channel).
        """
        given = _context(self.name, context)
        if horizon < 1:
            raise PandaError(f"{self.name}: a horizon of {horizon} steps; give 1 or more")
        # Sums follow the order in memory: whatever a forecaster returns, the last bit of a score is the same.
        forecast = np.array(self.forecaster.forecast(given, horizon), dtype=np.float64, order="C")
        expected = (given.shape[0], horizon, given.shape[2])
        if forecast.shape != expected:
            raise PandaError(
                f"{self.name}: the forecast is {forecast.shape}, not {expected} (batch, horizon, channel)"
            )
        finite = np.isfinite(forecast)
        forecast[~finite] = np.nan
        self.n_windows += len(forecast)
        self.n_failed += int(np.count_nonzero(~finite.all(axis=(1, 2))))
        return forecast


def _context(
    name: str, context: Float[np.ndarray, "batch time channel"]
) -> Float[np.ndarray, "batch time channel"]:
    """The context as read-only float64.

    Raises:
        PandaError: it is not an array (batch, time, channel) of finite real numbers, or has no step or no channel.
    """
    try:
        given = np.asarray(context)
    except (TypeError, ValueError):
        given = np.empty(0, dtype=object)
    if given.dtype.kind not in "fiu":
        raise PandaError(f"{name}: the context must be an array of real numbers, and is one of {given.dtype}")
    given = given.astype(np.float64, copy=False).view()
    if given.ndim != 3 or 0 in given.shape[1:]:
        raise PandaError(
            f"{name}: the context must be (batch, time, channel), a step and a channel at least, and is {given.shape}"
        )
    n_wrong = np.count_nonzero(~np.isfinite(given))
    if n_wrong:
        raise PandaError(
            f"{name}: the context must be finite numbers, and {n_wrong} of its {given.size} are not; fill the gaps, or "
            "cut them off"
        )
    given.flags.writeable = False
    return given
