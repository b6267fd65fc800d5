"""Series cut in two: a part to learn from, and the end, which says whether learning helped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.core.errors import PandaError
from panda.data.series import ArrayStore
from panda.evaluation.forecaster import Forecaster
from panda.own_data.backtest import little_said, place_windows, score_lines, score_table, window_errors
from panda.own_data.model import Model
from panda.own_data.regular import Regular
from panda.own_data.rivals import make_rivals
from panda.own_data.units import units_of


@dataclass(frozen=True)
class Cut:
    """A series, complete and evenly spaced, of which the points before `first` are learned from."""

    where: str
    values: Float[np.ndarray, "time channel"]
    first: int

    @property
    def n_held_out(self) -> int:
        """Points from `first` on."""
        return len(self.values) - self.first

    def learned_from(self) -> Float[np.ndarray, "time channel"]:
        """The first part, float32, with the mean 0 and the variance 1 of every channel; constant ones are 0."""
        part = self.values[: self.first]
        tame = units_of(part).apply(part)
        centred = tame - tame.mean(axis=0)
        spread = centred.std(axis=0)
        constant = (part == part[0]).all(axis=0)
        return np.where(constant, 0.0, centred / np.where(constant, 1.0, spread)).astype(np.float32)


def cut(series: Regular, share: float, *, window: int, horizon: int, name: str) -> Cut:
    """A series with its last `share` held out.

    Raises:
        PandaError: the part before it is shorter than a training window, or itself shorter than a test forecast.
    """
    where, n = series.series.rows.where, len(series)
    first = n - round(share * n)
    if first < window:
        raise PandaError(
            f"{where}: {n} points, {first} without the held-out part, and a training window of {name} has {window} "
            "(context and forecast); give a longer series, or hold out less (--set held_out=0.1)"
        )
    if n - first < horizon:
        raise PandaError(
            f"{where}: the held-out part has {n - first} points, fewer than the {horizon} of a test forecast; "
            "hold out more (--set held_out=0.3), or forecast less (--horizon)"
        )
    return Cut(where, series.values, first)


def learning_store(cuts: Sequence[Cut]) -> ArrayStore:
    """What is learned from, as the training's windows are drawn from it."""
    table = pd.DataFrame(
        {
            "system": [one.where for one in cuts],
            "name": [one.where for one in cuts],
            "population": "series",
            "initial_condition": 0,
            "dimension": [one.values.shape[1] for one in cuts],
            "n_points": [one.first for one in cuts],
        }
    )
    return ArrayStore(table, [one.learned_from() for one in cuts])


@dataclass(frozen=True)
class HeldOut:
    """Scores on the held-out parts, best first (see `backtest.Backtest`), and one line: did it help?"""

    table: pd.DataFrame
    n_windows: int
    horizon: int
    helped: bool
    verdict: str

    def __str__(self) -> str:
        """The table and the verdict, as the command prints them."""
        n = self.n_windows
        head = f"held out: {n} forecast{'s' if n > 1 else ''} of {self.horizon} points"
        return "\n".join([head, *score_lines(self.table), self.verdict])


def score_held_out(tuned: Model, base: Model, cuts: Sequence[Cut], *, horizon: int, most: int) -> HeldOut:
    """Forecast the held-out parts by both models and by the simple baselines, from whole contexts.

    Contexts may reach back into what was learned from; what is forecast never does. There are `most` windows of a series,
    or as many as do not overlap.
    """
    n_context = base.context_length
    rivals = make_rivals(n_context)
    own = tuned.name if tuned.name not in (base.name, *rivals) else f"{tuned.name} (fine-tuned)"
    forecasters: dict[str, Forecaster] = {own: tuned.forecaster, base.name: base.forecaster, **rivals}
    found = [
        window_errors(
            forecasters,
            one.values,
            place_windows(len(one.values), one.first, horizon, most=most),
            n_context=n_context,
            horizon=horizon,
        )[0]
        for one in cuts
    ]
    errors = _joined(found)
    table = score_table(errors, own, base.name)
    n_windows = len(errors["mae"].iloc[0])
    verdict, helped = judge_tuning(table, own, base.name, n_windows=n_windows)
    return HeldOut(table, n_windows, horizon, helped, verdict)


def _joined(found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The errors of several series as those of one."""
    rows = [one.set_index("forecaster") for one in found]
    return pd.DataFrame(
        [
            {
                "forecaster": name,
                **{key: np.concatenate([row.loc[name, key] for row in rows]) for key in ("smape", "mae")},
            }
            for name in rows[0].index
        ]
    )


def judge_tuning(table: pd.DataFrame, own: str, base: str, *, n_windows: int) -> tuple[str, bool]:
    """One sentence on the model `own`, fine-tuned from `base`, and whether both its errors are lower."""
    scored = {row.pop("forecaster"): row for row in table.to_dict("records")}
    mine, before = scored[own], scored[base]
    lower = [metric for metric in ("mae", "smape") if mine[metric] < before[metric]]
    numbers = (
        f"MAE {mine['mae']:.3g} against {before['mae']:.3g}, sMAPE {mine['smape']:.3g} against {before['smape']:.3g}; "
        f"lower MAE in {before['n_better']} of {n_windows} windows"
    )
    if len(lower) == 2:
        verdict = f"fine-tuning helped: {own} has lower errors than {base} ({numbers})"
    elif lower:
        which = "MAE, not its sMAPE" if lower == ["mae"] else "sMAPE, not its MAE"
        verdict = f"fine-tuning did not clearly help: it lowered the {which} ({numbers})"
    else:
        verdict = f"fine-tuning did not help: {base} has lower errors as it is ({numbers})"
    simple = {name: scores for name, scores in scored.items() if name not in (own, base)}
    better = [one for one in simple.values() if any(one[key] <= mine[key] for key in ("mae", "smape"))]
    if better:
        best = min(better, key=lambda scores: scores["mae"])
        verdict += (
            f". Do not trust it yet: {best['label']} has MAE {best['mae']:.3g}, sMAPE {best['smape']:.3g}"
        )
    else:
        verdict += ". Every simple baseline has higher ones"
    return verdict + little_said(n_windows), len(lower) == 2
