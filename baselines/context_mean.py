"""The climate: the mean of the context, forever."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from baselines.options import Options

BASELINES = {
    "context_mean": {
        "label": "context mean",
        "colour": "#A0A0A0",
        "idea": "the mean of the context",
        "learns_from": "nothing",
        "licence": "MIT, ours",
        "source": 'the paper\'s "mean"',
    },
}


class ContextMean:
    """`x(T + k) = mean_t x(t)`, per channel (the "mean" baseline of the paper's reference)."""

    name = "context_mean"

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`."""
        return np.repeat(context.mean(axis=1, keepdims=True), horizon, axis=1)


def create(name: str, settings: None, options: Options) -> ContextMean:
    """See `baselines.registry`."""
    return ContextMean()
