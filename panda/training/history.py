"""The log of a training, kept in its saved state so that a resumed run has all of it."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from panda.core.errors import PandaError

COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "samples_per_s", "tflops_per_s", "mfu")


class History:
    """Losses and gradient norms of every step, averaged into rows.

    Values stay on their device until `settle`, so that a GPU is not waited for at every step.
    """

    def __init__(
        self, *, batch_size: int, window_flops: float = math.nan, peak_tflops: float | None = None
    ) -> None:
        """`window_flops`: operations to learn from one window; `peak_tflops`: what all devices together can do."""
        self._batch_size = batch_size
        self._window_flops, self._peak = window_flops, math.nan if peak_tflops is None else peak_tflops
        self._rows: list[list[float]] = []
        self._settled: list[list[float]] = []
        self._fresh: list[tuple[int, Tensor, Tensor]] = []
        self._n_timed, self._since = 0, 0.0

    def start_clock(self) -> None:
        """Count time from now on, not what went into compiling."""
        self._n_timed, self._since = 0, time.perf_counter()

    def add(self, step: int, loss: Tensor, gradient_norm: Tensor) -> None:
        """Note the loss and the gradient's norm (before clipping) of one step (1 is the first)."""
        self._fresh.append((step, loss.detach(), gradient_norm.detach()))
        self._n_timed += 1

    def settle(self) -> None:
        """Fetch what was noted since the last call.

        Raises:
            PandaError: a loss or a gradient was not finite; names the first such step.
        """
        if not self._fresh:
            return
        values = torch.stack([torch.stack((loss, norm)).float() for _, loss, norm in self._fresh]).tolist()
        for (step, _, _), pair in zip(self._fresh, values, strict=True):
            if not np.isfinite(pair).all():
                what = "loss" if not np.isfinite(pair[0]) else "gradient"
                raise PandaError(
                    f"training: the {what} is not finite at step {step}; the last good state is kept. "
                    "Lower the learning rate of the recipe, or train in float32"
                )
        self._settled += values
        self._fresh = []

    def close_row(self, step: int, *, learning_rate: float) -> float:
        """End a row at `step`: mean loss (returned) and norm over the steps since the row before.

        `samples_per_s` is the rate since `start_clock` or the last row.
        """
        self.settle()
        now = time.perf_counter()
        rate = self._n_timed * self._batch_size / (now - self._since)
        loss, norm = np.mean(self._settled, axis=0).tolist()
        self._rows.append([step, loss, learning_rate, norm, rate])
        self._settled, self._n_timed, self._since = [], 0, now
        return loss

    def latest(self) -> dict[str, float]:
        """The last row that was closed: step, loss, learning rate, gradient norm, samples per second."""
        return dict(zip(COLUMNS, self._rows[-1], strict=False))

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, as JSON."""
        self.settle()
        return {"rows": self._rows, "since_last_row": self._settled}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self._rows, self._settled = list(state["rows"]), list(state["since_last_row"])

    def table(self) -> pd.DataFrame:
        """The log, with `COLUMNS`.

        `tflops_per_s` is the rate in 10^12 operations, `mfu` (model FLOP utilisation) its share of the peak.
        """
        table = pd.DataFrame(self._rows, columns=list(COLUMNS[:5])).astype({"step": np.int64})
        tflops = table["samples_per_s"].astype(float) * self._window_flops / 1e12
        return table.assign(tflops_per_s=tflops, mfu=tflops / self._peak)
