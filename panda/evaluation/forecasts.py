"""Forecasts of a data set's windows: made once, stored, and scored as often as there are questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.config import Evaluate
from panda.core.errors import PandaError
from panda.core.progress import Progress
from panda.evaluation.forecaster import Checked, Forecaster
from panda.evaluation.windows import Windows

# What tells the windows of a plan apart.
_KEY = ("system", "initial_condition", "window", "start", "dimension")


class Forecasts(NamedTuple):
    """What one forecaster predicts for every window of a plan, in the plan's order.

    `plan` says which windows (`system`, `initial_condition`, `window`, `start`, `dimension`). `values` are the forecasts
    of all windows one after the other, each (horizon, channel), in the units of the data; NaN where one failed.
    """

    forecaster: str
    plan: pd.DataFrame
    horizon: int
    values: Float[np.ndarray, " n"]

    def of(self, rows: pd.DataFrame) -> Float[np.ndarray, "batch horizon channel"]:
        """The forecasts of some windows, by their rows in the plan, all of one dimension, as float64."""
        sizes = self.horizon * self.plan["dimension"].to_numpy()
        starts = (np.cumsum(sizes) - sizes)[rows.index]
        size = sizes[rows.index[0]]
        values = self.values[starts[:, None] + np.arange(size)]
        return values.reshape(len(rows), self.horizon, -1).astype(np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored; `from_arrays` takes it back."""
        plan = {name: self.plan[name].to_numpy() for name in _KEY}
        plan["system"] = plan["system"].astype(str)
        return plan | {
            "forecaster": np.array(self.forecaster),
            "horizon": np.int64(self.horizon),
            "values": self.values,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], where: str) -> Self:
        """Stored forecasts; `where` names their file in a message.

        Raises:
            PandaError: an array is missing, or there are not as many numbers as the windows need.
        """
        missing = sorted({*_KEY, "forecaster", "horizon", "values"} - set(arrays))
        if missing:
            raise PandaError(f"{where}: no array {missing[0]!r}; these are no stored forecasts")
        plan = pd.DataFrame({name: arrays[name] for name in _KEY})
        found = cls(str(arrays["forecaster"]), plan, int(arrays["horizon"]), arrays["values"])
        if found.values.shape != (found.horizon * int(plan["dimension"].sum()),):
            raise PandaError(f"{where}: not as many numbers as its windows need; forecast again")
        return found

    def check(self, windows: Windows) -> None:
        """Refuse windows other than those that were forecast.

        Raises:
            PandaError: the windows or their order differ, or the horizon does.
        """
        same = len(self.plan) == len(windows) and all(
            np.array_equal(self.plan[name].to_numpy(), windows.plan[name].to_numpy()) for name in _KEY
        )
        if not same or self.horizon != windows.horizon:
            raise PandaError(
                f"{self.forecaster}: the stored forecasts are of other windows than the configuration asks for; "
                "forecast again"
            )


def forecast_windows(
    forecaster: Forecaster, windows: Windows, settings: Evaluate, *, progress: Progress | None = None
) -> Forecasts:
    """Forecast every window to the longest horizon, `settings.batch_size` at a time.

    A value beyond the range of float32 is stored as its largest number, so that it still counts as a number.

    Raises:
        PandaError: the forecaster breaks its interface.
    """
    checked, horizon = Checked(forecaster), windows.horizon
    sizes = horizon * windows.plan["dimension"].to_numpy()
    ends = np.cumsum(sizes)
    values = np.empty(int(ends[-1]), dtype=settings.precision)
    limit = np.finfo(settings.precision).max
    for batch in windows.batches(settings.batch_size):
        made = np.clip(checked.forecast(batch.context, horizon), -limit, limit)
        for row, forecast in zip(batch.rows.index, made, strict=True):
            values[ends[row] - sizes[row] : ends[row]] = forecast.ravel()
        if progress is not None:
            progress.advance(len(batch.rows), failed=checked.n_failed)
    return Forecasts(forecaster.name, windows.plan[list(_KEY)], horizon, values)
