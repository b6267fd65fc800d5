"""The windows every forecaster is scored on: fixed by the seed and the system alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from panda.config import Evaluate
from panda.core import seeds
from panda.core.errors import PandaError
from panda.data.series import SeriesStore

# What a row of scores says about the system it comes from.
SYSTEM_COLUMNS = (
    "system", "name", "driver", "response", "population", "strict", "perturbation", "initial_condition", "period", "dt",
    "largest_exponent",
)  # fmt: skip


class Batch(NamedTuple):
    """Windows of one dimension: their rows in the plan, what a forecaster sees, and what came after."""

    rows: pd.DataFrame
    context: Float[np.ndarray, "batch context channel"]
    truth: Float[np.ndarray, "batch horizon channel"]


class Windows:
    """Windows of trajectories.

    `plan` has one row per window: `SYSTEM_COLUMNS`, `dimension`, `trajectory` (its row in the store), `window`,
    `start`.
    """

    def __init__(
        self, trajectories: SeriesStore, plan: pd.DataFrame, *, context_length: int, horizon: int
    ) -> None:
        self.trajectories = trajectories
        self.plan = plan.reset_index(drop=True)
        self.context_length = context_length
        self.horizon = horizon

    def __len__(self) -> int:
        return len(self.plan)

    def select(self, rows: np.ndarray | list[int]) -> Windows:
        """Some windows of the plan, by row."""
        plan = self.plan.iloc[np.asarray(rows, dtype=np.int64)]
        return Windows(self.trajectories, plan, context_length=self.context_length, horizon=self.horizon)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """All windows once, at most `batch_size` at a time, all of one dimension, the lowest first."""
        for _, group in self.plan.groupby("dimension", sort=True):
            for first in range(0, len(group), batch_size):
                rows = group.iloc[first : first + batch_size]
                series = np.stack([self._cut(row) for row in rows.itertuples()])
                yield Batch(rows, series[:, : self.context_length], series[:, self.context_length :])

    def one(self, row: int) -> Batch:
        """One window of the plan, by row."""
        rows = self.plan.iloc[[row]]
        series = self._cut(next(rows.itertuples()))[None]
        return Batch(rows, series[:, : self.context_length], series[:, self.context_length :])

    def _cut(self, row: Any) -> Float[np.ndarray, "time channel"]:
        start, end = row.start, row.start + self.context_length + self.horizon
        return np.asarray(self.trajectories.series(row.trajectory)[:, start:end], dtype=np.float64).T


def draw_windows(trajectories: SeriesStore, settings: Evaluate, *, seed: int) -> Windows:
    """Choose series (`max_trajectories`) and `n_windows` starts in each, as the reference samples them.

    Where `start` is given, each series has one window, whose context begins at that point.

    The starts are uniform, with replacement, and come from a stream of (seed, system, initial condition):
    they are the same for every forecaster, batch size, order of the store and choice of trajectories. (In the
    reference they depend on the number of loader workers.)

    Raises:
        PandaError: there is no trajectory, or one is shorter than a context and the longest horizon.
    """
    table = trajectories.table
    if table.empty:
        raise PandaError("no series to evaluate on; make those of this data set first")
    context_length, horizon = settings.context_length, max(settings.horizons)
    first = settings.start or 0
    short = table[table["n_points"] < first + context_length + horizon]
    if not short.empty:
        row = short.iloc[0]
        raise PandaError(
            f"{row['system']}: {row['n_points']} points are fewer than start {first} + context {context_length} + "
            f"horizon {horizon}; shorten evaluate.horizons or make longer series"
        )
    rows = choose_trajectories(table, settings.max_trajectories, seed=seed)
    n_windows = settings.n_windows if settings.start is None else 1
    starts = [_starts(row, settings, seed=seed) for row in table.iloc[rows].itertuples()]
    plan = table.iloc[np.repeat(rows, n_windows)][[*SYSTEM_COLUMNS, "dimension"]].reset_index(drop=True)
    plan["trajectory"] = np.repeat(rows, n_windows)
    plan["window"] = np.tile(np.arange(n_windows), len(rows))
    plan["start"] = np.concatenate(starts)
    return Windows(trajectories, plan, context_length=context_length, horizon=horizon)


def _starts(row: Any, settings: Evaluate, *, seed: int) -> Int[np.ndarray, " n_windows"]:
    """First points of the windows of a series."""
    if settings.start is not None:
        return np.array([settings.start])
    last = row.n_points - settings.context_length - max(settings.horizons)
    rng = seeds.generator(seed, "evaluate", row.system, int(row.initial_condition))
    return rng.integers(0, last + 1, size=settings.n_windows)


def choose_trajectories(table: pd.DataFrame, max_trajectories: int | None, *, seed: int) -> np.ndarray:
    """Row numbers of at most `max_trajectories` trajectories, spread over names; None takes all.

    They come sorted by system, so that the order of the store does not matter.

    Names are dealt one trajectory each in turn, founders before skew products, each in an order drawn from
    the seed; a name gives its unperturbed founder first, then its perturbations in an order drawn from the
    seed.
    """
    order = table[["system", "name", "population", "perturbation", "initial_condition"]].copy()
    order["row"] = np.arange(len(table))
    order = order.sort_values(["system", "initial_condition"], kind="stable")
    if max_trajectories is None or len(order) <= max_trajectories:
        return order["row"].to_numpy()
    order["skew"] = order["population"] != "founder"
    order["name_key"] = order["name"].map({n: _key(seed, "name", n) for n in order["name"].unique()})
    order["perturbed"] = order["skew"] | (order["perturbation"] != 0)
    order["key"] = [
        _key(seed, "trajectory", s, int(i))
        for s, i in zip(order["system"], order["initial_condition"], strict=True)
    ]
    order = order.sort_values(["name", "perturbed", "key"], kind="stable")
    order["turn"] = order.groupby("name").cumcount()
    dealt = order.sort_values(["turn", "skew", "name_key"], kind="stable").head(max_trajectories)
    return dealt.sort_values(["system", "initial_condition"], kind="stable")["row"].to_numpy()


def choose_examples(windows: Windows, n_examples: int, *, seed: int) -> np.ndarray:
    """Rows of the plan to show: the first window of one trajectory of `n_examples` names, by the seed alone.

    Skew products and founders alternate, so that both are seen whatever their numbers.
    """
    first = windows.plan[windows.plan["window"] == 0].copy()
    first["key"] = [_key(seed, "example", s) for s in first["system"]]
    first = first.sort_values("key", kind="stable").drop_duplicates("name")
    first["turn"] = first.groupby("population").cumcount()
    chosen = first.sort_values(["turn", "population"], ascending=[True, False], kind="stable")
    return chosen.head(n_examples).index.to_numpy()


def _key(seed: int, *ids: int | str) -> float:
    return float(seeds.generator(seed, "evaluate-order", *ids).random())
