"""Whether to trust a model on a series: its end, forecast from what is before, beside simple baselines."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from panda.config.own_data import own_data
from panda.core.errors import PandaError
from panda.core.labels import label
from panda.evaluation import metrics
from panda.evaluation.forecaster import Forecaster
from panda.evaluation.standardise import context_scale
from panda.own_data.model import Model
from panda.own_data.regular import Fill, Regular, regular
from panda.own_data.rivals import make_rivals
from panda.own_data.series import OwnSeries
from panda.own_data.units import units_of


@dataclass(frozen=True)
class Backtest:
    """Scores of a model and of baselines on windows of a series.

    `table` has a row per forecaster, best first: `forecaster`, `label`, `smape`, `mae` (means over windows), and
    `n_better`, the windows in which the model's MAE is lower. `origins` are the places of the first points forecast, the
    last window last; `forecast` is the model's of that one, in the units of the data.
    """

    table: pd.DataFrame
    model: str
    horizon: int
    context_length: int
    origins: Int[np.ndarray, " window"]
    forecast: Float[np.ndarray, "horizon channel"]
    trusted: bool
    verdict: str

    def __str__(self) -> str:
        """The table and the verdict, as the command prints them."""
        n = len(self.origins)
        lines = [
            f"{n} window{'s' if n > 1 else ''} of {self.horizon} points, {'each ' if n > 1 else ''}forecast from the "
            f"{self.context_length} before it:",
            *score_lines(self.table),
            self.verdict,
        ]
        return "\n".join(lines)


def backtest(
    model: Model,
    series: OwnSeries,
    horizon: int,
    *,
    fill: Fill | None = None,
    context_length: int | None = None,
) -> tuple[Backtest, Regular]:
    """Forecast the last `horizon` points, and windows before them, from what is before each; and the whole series.

    All forecasters see the same points (`choose_context`). There are up to `max_windows` windows, spread over the series
    so that what is forecast does not overlap. The model is trusted if both its errors are lower than those of every
    baseline.

    Raises:
        PandaError: too few points for one window and a patch before it; else as `Model.predict`.
    """
    model.check(series)
    whole = regular(series, sys.maxsize, fill=fill)
    n = len(whole)
    n_context = choose_context(n, horizon, most=model.most_points(context_length), patch=model.patch_length)
    if horizon < 1 or n_context < 1:
        raise PandaError(
            f"{series.rows.where}: {n} points cannot be tested on their last {horizon}: {model.name} needs "
            f"{model.patch_length} before these at least; give a shorter test, or more points"
        )
    origins = place_windows(n, n_context, horizon, most=own_data().backtest.max_windows)
    rivals = make_rivals(n_context)
    own = model.name if model.name not in rivals else f"{model.name} (model)"
    forecasters: dict[str, Forecaster] = {own: model.forecaster, **rivals}
    errors, last = window_errors(forecasters, whole.values, origins, n_context=n_context, horizon=horizon)
    table, verdict, trusted = judge(errors, own)
    found = Backtest(table, own, horizon, n_context, origins, last[own], trusted, verdict)
    return found, whole


def window_errors(
    forecasters: Mapping[str, Forecaster],
    values: Float[np.ndarray, "time channel"],
    origins: Int[np.ndarray, " window"],
    *,
    n_context: int,
    horizon: int,
) -> tuple[pd.DataFrame, dict[str, Float[np.ndarray, "horizon channel"]]]:
    """Errors of forecasters in windows of a series, and their forecasts of the last window, in its units.

    A row per forecaster: `forecaster`, and the arrays `smape` and `mae`, an entry per window.
    """
    # One exact change of units for all windows: no forecaster sees a difference.
    units = units_of(values)
    tame = units.apply(values)
    contexts = np.stack([tame[origin - n_context : origin] for origin in origins])
    truth = np.stack([tame[origin : origin + horizon] for origin in origins])
    made = {name: one.forecast(contexts, horizon) for name, one in forecasters.items()}
    errors = pd.DataFrame(
        [{"forecaster": name, **_errors(forecast, contexts, truth)} for name, forecast in made.items()]
    )
    return errors, {name: units.undo(forecast[-1]) for name, forecast in made.items()}


def choose_context(n: int, horizon: int, *, most: int, patch: int) -> int:
    """Points of every context, in whole patches: `most`, or as many as there are before the last window.

    Where fewer than `few_windows` windows would be left to judge by, contexts are shorter, by half at most.
    """
    most = min(most, n - horizon)
    fitting = n - own_data().backtest.few_windows * horizon
    points = max(0, min(most, max(fitting, most // 2)))
    points = most if points < patch else points
    return max(0, points - points % patch)


def place_windows(n: int, first: int, horizon: int, *, most: int) -> Int[np.ndarray, " window"]:
    """Where windows begin: the last at `n - horizon`, others spread down to `first` and `horizon` apart at least.

    There are `most` of them, or as many as there is room for.
    """
    room = n - horizon - first
    n_windows = min(most, 1 + room // horizon)
    return n - horizon - np.linspace(room if n_windows > 1 else 0, 0, n_windows).astype(np.int64)


def _errors(
    forecast: Float[np.ndarray, "window horizon channel"],
    contexts: Float[np.ndarray, "window context channel"],
    truth: Float[np.ndarray, "window horizon channel"],
) -> dict[str, Float[np.ndarray, " window"]]:
    """sMAPE and MAE of every window, as the evaluation has them."""
    settings = own_data()
    scale = context_scale(contexts, eps=settings.standardise_eps)
    predicted, true, end = scale.apply(forecast), scale.apply(truth), [truth.shape[1]]
    return {
        "smape": metrics.smape(predicted, true, end, eps=settings.smape_eps)[:, 0],
        "mae": metrics.mae(predicted, true, end)[:, 0],
    }


def score_table(errors: pd.DataFrame, model: str, *others: str) -> pd.DataFrame:
    """The table of `Backtest`, of errors as `window_errors` has them; `others` are models, too."""
    rows = errors.set_index("forecaster")
    ours = rows.loc[model]
    return pd.DataFrame(
        [
            {
                "forecaster": name,
                "label": name if name in (model, *others) else label(str(name)),
                "smape": row["smape"].mean(),
                "mae": row["mae"].mean(),
                "n_better": int(np.count_nonzero(ours["mae"] < row["mae"])),
            }
            for name, row in rows.iterrows()
        ]
    ).sort_values(["mae", "smape"], ignore_index=True)


def score_lines(table: pd.DataFrame) -> list[str]:
    """A table of scores as text, with a line that says what they are."""
    lines = [f"{'':24}{'sMAPE':>8}{'MAE':>9}"]
    lines += [f"{row.label:24}{row.smape:8.2f}{row.mae:9.4f}" for row in table.itertuples()]
    return [*lines, "(sMAPE: 0 to 200; MAE: in standard deviations of the context)"]


def little_said(n_windows: int) -> str:
    """The end of a verdict that rests on few windows; empty where there are enough."""
    if n_windows >= own_data().backtest.few_windows:
        return ""
    says = "One window says" if n_windows == 1 else f"{n_windows} windows say"
    return f". {says} little: test on fewer points, or with a longer series"


def judge(errors: pd.DataFrame, model: str) -> tuple[pd.DataFrame, str, bool]:
    """The table of `Backtest`, one sentence, and whether the model is to be trusted.

    `errors` has a row per forecaster: `forecaster`, and the arrays `smape` and `mae`, an entry per window.
    """
    n_windows = len(errors["mae"].iloc[0])
    table = score_table(errors, model)
    scored = table.set_index("forecaster")
    rivals = scored.drop(index=model)
    best = rivals.loc[rivals["mae"].idxmin()]
    mine = scored.loc[model]
    wins = {metric: bool(mine[metric] < rivals[metric].min()) for metric in ("mae", "smape")}
    trusted = all(wins.values())
    against = f"MAE {mine['mae']:.3g} against {best['mae']:.3g} of {best['label']}, the best of them"
    if trusted:
        verdict = (
            f"trust {model} here: its errors are lower than those of every simple baseline ({against}; lower in "
            f"{best['n_better']} of {n_windows} windows)"
        )
    elif not any(wins.values()):
        verdict = f"do not trust {model} here: a simple baseline has lower errors ({against})"
    else:
        which = "sMAPE" if wins["mae"] else "MAE"
        verdict = f"do not trust {model} here: a simple baseline has a lower {which} ({against})"
    verdict += little_said(n_windows)
    return table, verdict, trusted
