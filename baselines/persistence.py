"""Nothing changes: the last value, forever."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from baselines.options import Options

BASELINES = {
    "persistence": {
        "label": "persistence",
        "colour": "#4D4D4D",
        "idea": "the last value",
        "learns_from": "nothing",
        "licence": "MIT, ours",
        "source": "folklore",
    },
}


class Persistence:
    """`x(T + k) = x(T)`."""

    name = "persistence"

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`."""
        return np.repeat(context[:, -1:], horizon, axis=1)


def create(name: str, settings: None, options: Options) -> Persistence:
    """See `baselines.registry`."""
    return Persistence()
