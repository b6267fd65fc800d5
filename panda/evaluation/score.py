"""Scores of stored forecasts, and the examples that figures show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.config import Evaluate
from panda.core.importing import import_ours
from panda.core.metrics import METRICS
from panda.evaluation import metrics
from panda.evaluation.forecasts import Forecasts
from panda.evaluation.standardise import context_scale
from panda.evaluation.windows import SYSTEM_COLUMNS, Windows, choose_examples

# Figures show three channels; systems of fewer leave NaN.
SHOWN_CHANNELS = 3


def score(forecasts: Forecasts, windows: Windows, settings: Evaluate) -> pd.DataFrame:
    """Score the forecasts of every window over the nested horizons.

    One row per (window, horizon): `forecaster`, `SYSTEM_COLUMNS`, `dimension`, `window`, `start`, `horizon`,
    then the metrics of `panda.core.metrics`: `smape` (0 to 200), `mse`, `mae`, `spearman`, all in units of the
    context's standard deviation over all channels; `valid_time` in Lyapunov times (steps times `dt` times
    `largest_exponent`; NaN where that is not positive), `valid_time_censored` (the cap, the horizon, came first), and
    `failed`: within the horizon the forecast has a value that is not a number, and gets the worst score (smape 200, mse
    and mae infinite).

    Raises:
        PandaError: the forecasts are of other windows.
    """
    forecasts.check(windows)
    frames = []
    for batch in windows.batches(settings.batch_size):
        frame = _repeated(batch.rows, settings.horizons)
        found = pointwise(forecasts.of(batch.rows), batch.context, batch.truth, settings)
        frame = frame.assign(**_flat(found))
        rate = frame["dt"] * frame["largest_exponent"].where(frame["largest_exponent"] > 0)
        frame["valid_time"] = frame.pop("valid_steps") * rate
        frames.append(frame)
    scores = pd.concat(frames, ignore_index=True)
    scores.insert(0, "forecaster", forecasts.forecaster)
    return scores.sort_values(["system", "initial_condition", "window", "horizon"], ignore_index=True)


def pointwise(
    forecast: Float[np.ndarray, "batch horizon channel"],
    context: Float[np.ndarray, "batch context channel"],
    truth: Float[np.ndarray, "batch horizon channel"],
    settings: Evaluate,
) -> dict[str, np.ndarray]:
    """All metrics on context-standardised values, each (batch, n_horizons); times in steps."""
    scale, horizons = context_scale(context, eps=settings.standardise_eps), settings.horizons
    predicted, true = scale.apply(forecast), scale.apply(truth)
    steps, censored = metrics.valid_time(predicted, true, horizons, threshold=settings.valid_time_threshold)
    finite: np.ndarray = np.all(np.isfinite(forecast), axis=2)
    computed = {
        name: _function(metric.function)(
            predicted,
            true,
            horizons,
            **{word: getattr(settings, key) for word, key in metric.settings.items()},
        )
        for name, metric in METRICS.items()
        if metric.function
    }
    return computed | {
        "valid_steps": steps,
        "valid_time_censored": censored,
        "failed": np.stack([~finite[:, :h].all(axis=1) for h in horizons], axis=1),
    }


def _function(path: str) -> Callable[..., np.ndarray]:
    """The function that a metric names: `package.module.function`."""
    module, _, name = path.rpartition(".")
    return getattr(import_ours(module), name)


def example_forecasts(
    forecasts: Sequence[Forecasts], windows: Windows, settings: Evaluate, *, seed: int
) -> dict[str, np.ndarray]:
    """Forecasts to show, of windows chosen by the seed alone: the same for every forecaster, good or bad.

    Arrays in the data's units, float32: `context` (n, context, channel), `truth` (n, horizon, channel) and `forecast`
    (forecaster, n, horizon, channel), NaN where a series has fewer channels; `forecasters`; `names`, `systems`, `dt`
    (n,); `exponent`, the mean of the largest over all windows.
    """
    rows = choose_examples(windows, settings.n_examples, seed=seed)
    chosen = windows.select(rows).plan
    n_channels = int(chosen["dimension"].max())
    context, truth, made = [], [], []
    for row in rows:
        batch = windows.one(row)
        context.append(_padded(batch.context[0], n_channels))
        truth.append(_padded(batch.truth[0], n_channels))
        made.append([_padded(one.of(batch.rows)[0], n_channels) for one in forecasts])
    return {
        "context": np.stack(context),
        "truth": np.stack(truth),
        "forecast": np.stack(made, axis=1),
        "forecasters": np.array([one.forecaster for one in forecasts]),
        "names": chosen["name"].to_numpy().astype(str),
        "systems": chosen["system"].to_numpy().astype(str),
        "dt": chosen["dt"].to_numpy(),
        "exponent": np.asarray(windows.plan["largest_exponent"].to_numpy().mean()),
    }


def _padded(
    values: Float[np.ndarray, "time channel"], n_channels: int
) -> Float[np.ndarray, "time n_channels"]:
    """As float32, with NaN in missing channels; what is beyond its range becomes infinite."""
    out = np.full((len(values), n_channels), np.nan, dtype=np.float32)
    with np.errstate(over="ignore"):
        out[:, : values.shape[1]] = values
    return out


def shown(values: Float[np.ndarray, "time channel"]) -> Float[np.ndarray, "time 3"]:
    """The first three channels as float32, NaN where there are fewer."""
    return _padded(values[:, :SHOWN_CHANNELS], SHOWN_CHANNELS)


def _repeated(rows: pd.DataFrame, horizons: tuple[int, ...]) -> pd.DataFrame:
    columns = [*SYSTEM_COLUMNS, "dimension", "window", "start"]
    frame = rows.loc[rows.index.repeat(len(horizons)), columns].reset_index(drop=True)
    frame["horizon"] = np.tile(np.asarray(horizons, dtype=np.int64), len(rows))
    return frame


def _flat(scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values.ravel() for name, values in scores.items()}
