"""When tangent vectors are measured: after a transient, in blocks of equal length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from panda.core.errors import PandaError
from panda.dynamics.integrate import check_times
from panda.systems.flow import Ensemble, Flow


@dataclass(frozen=True, eq=False)
class Schedule:
    """Times in the flow's units, one for each member.

    Raises:
        PandaError: no whole number of blocks, at least one.
    """

    duration: Float64[np.ndarray, " n"]
    """Averaged over, after the transient."""
    transient: Float64[np.ndarray, " n"]
    """Before it, in which the vectors turn to their directions."""
    n_blocks: int
    """Equal parts of the duration, from which standard errors are taken."""

    def __post_init__(self) -> None:
        if int(self.n_blocks) != self.n_blocks or self.n_blocks < 1:
            raise PandaError(f"n_blocks is {self.n_blocks}; it must be a whole number, at least 1")

    def stops(
        self, flow: Flow, ensemble: Ensemble
    ) -> tuple[Float64[np.ndarray, "n n_stops"], Float64[np.ndarray, " n"]]:
        """Where each member's transient and blocks end, ``n_blocks + 1`` times, and the blocks' length.

        Raises:
            PandaError: times of another number than the ensemble's, or not above zero.
        """
        duration = check_times(flow, ensemble, self.duration, "duration")
        transient = check_times(flow, ensemble, self.transient, "transient")
        block = duration / self.n_blocks
        return transient[:, None] + block[:, None] * np.arange(self.n_blocks + 1), block
