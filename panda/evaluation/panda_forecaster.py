"""The model behind the forecaster interface: rollout with a sliding context."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from panda.core.errors import PandaError
from panda.evaluation.standardise import context_scale, hold_constant
from panda.model.panda import Panda, rollout


class PandaForecaster:
    """A forecast model, rolled out `prediction_length` steps at a time over the last `context_length` steps.

    What the model sees of the context is standardised in float64 first: float32 would lose a small signal on a
    large offset, and the forecast moves with the units of the data as it should. A channel that is constant in what
    the model sees is forecast as that constant. With `raw` the context is given, and the forecast taken, as it is, as
    the reference code does: then `scale_eps`, which the model adds to the variance of its context, has the units of
    the data, and flattens a signal whose variance is not far above it.
    """

    def __init__(
        self,
        model: Panda,
        *,
        name: str,
        batch_size: int,
        standardise_eps: float,
        threads: int,
        device: str,
        raw: bool = False,
    ) -> None:
        """`batch_size` windows of three channels at a time (fewer of more channels); `threads` for torch.

        Raises:
            PandaError: the model has no forecast head.
        """
        if model.shape.head != "forecast":
            raise PandaError(f"{name}: a model with head {model.shape.head!r} does not forecast")
        self.model = model.to(device).eval()
        self.name = name
        self._batch_series = 3 * batch_size
        self._eps = standardise_eps
        self._device = device
        self._raw = raw
        torch.set_num_threads(threads)

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`."""
        # Points before those that the model sees must not set the units either.
        seen = context[:, -self.model.shape.context_length :]
        scale = context_scale(seen, eps=self._eps)
        given = np.array(seen) if self._raw else scale.apply(seen)
        series = torch.from_numpy(given).to(torch.float32)
        size = max(1, self._batch_series // context.shape[2])
        parts = [
            rollout(self.model, part.to(self._device), horizon, sliding=True).cpu()
            for part in series.split(size)
        ]
        forecast = torch.cat(parts).numpy().astype(np.float64)
        return forecast if self._raw else hold_constant(scale.undo(forecast), seen, eps=self._eps)
