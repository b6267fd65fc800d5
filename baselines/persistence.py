"""Nothing changes: the last value, for ever."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from baselines.options import Options
from panda.config import Baselines


class Persistence:
    """`x(T + k) = x(T)`."""

    name = "persistence"

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`."""
        return np.repeat(context[:, -1:], horizon, axis=1)


def create(name: str, settings: Baselines, options: Options) -> Persistence:
    """See `baselines.registry`."""
    return Persistence()
