"""Scores of one forecaster on the windows, and the forecasts kept to be shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.config import Evaluate
from panda.core.progress import Progress
from panda.evaluation import metrics
from panda.evaluation.forecaster import Checked, Forecaster
from panda.evaluation.standardise import context_scale
from panda.evaluation.windows import SYSTEM_COLUMNS, Windows, choose_examples

# Figures show three channels; systems of fewer leave NaN.
SHOWN_CHANNELS = 3


def score(
    forecaster: Forecaster, windows: Windows, settings: Evaluate, *, progress: Progress | None = None
) -> pd.DataFrame:
    """Forecast every window to the longest horizon and score the nested ones.

    One row a (window, horizon): `forecaster`, `SYSTEM_COLUMNS`, `dimension`, `window`, `start`, `horizon`,
    then `smape` (0 to 200), `mse`, `mae`, `spearman`, all in units of the context's standard deviation over
    all channels; `valid_time` in Lyapunov times (steps times `dt` times `largest_exponent`; NaN where that is
    not positive), `valid_time_censored` (the cap, the horizon, came first), and `failed`: the forecast holds
    a value that is no number within the horizon, and scores the worst (smape 200, mse and mae infinite).

    Raises:
        PandaError: the forecaster breaks its interface.
    """
    checked = Checked(forecaster)
    frames = []
    for batch in windows.batches(settings.batch_size):
        forecast = checked.forecast(batch.context, windows.horizon)
        frame = _repeated(batch.rows, settings.horizons)
        frame = frame.assign(**_flat(pointwise(forecast, batch.context, batch.truth, settings)))
        rate = frame["dt"] * frame["largest_exponent"].where(frame["largest_exponent"] > 0)
        frame["valid_time"] = frame.pop("valid_steps") * rate
        frames.append(frame)
        if progress is not None:
            progress.advance(len(batch.rows), failed=checked.n_failed)
    scores = pd.concat(frames, ignore_index=True)
    scores.insert(0, "forecaster", forecaster.name)
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
    return {
        "smape": metrics.smape(predicted, true, horizons, eps=settings.smape_eps),
        "mse": metrics.mse(predicted, true, horizons),
        "mae": metrics.mae(predicted, true, horizons),
        "spearman": metrics.spearman(predicted, true, horizons),
        "valid_steps": steps,
        "valid_time_censored": censored,
        "failed": np.stack([~finite[:, :h].all(axis=1) for h in horizons], axis=1),
    }


def example_forecasts(
    forecaster: Forecaster, windows: Windows, settings: Evaluate, *, seed: int
) -> dict[str, np.ndarray]:
    """Forecasts to show, of windows chosen by the seed alone: the same for every forecaster, good or bad.

    Arrays in the data's units, float32: `context` (n, context, 3), `truth` and `forecast` (n, horizon, 3),
    the first three channels of each; `names` and `systems` (n,).
    """
    rows = choose_examples(windows, settings.n_examples, seed=seed)
    checked, kept = Checked(forecaster), {}
    for batch in windows.select(rows).batches(1):
        system = batch.rows["system"].iloc[0]
        arrays = (batch.context, batch.truth, checked.forecast(batch.context, windows.horizon))
        kept[system] = (batch.rows["name"].iloc[0], *(shown(array[0]) for array in arrays))
    systems = list(windows.plan.loc[rows, "system"])
    names, context, truth, forecast = zip(*(kept[s] for s in systems), strict=True)
    return {
        "context": np.stack(context),
        "truth": np.stack(truth),
        "forecast": np.stack(forecast),
        "names": np.array(names),
        "systems": np.array(systems),
    }


def shown(values: Float[np.ndarray, "time channel"]) -> Float[np.ndarray, "time 3"]:
    """The first three channels as float32, NaN where there are fewer."""
    out = np.full((len(values), SHOWN_CHANNELS), np.nan, dtype=np.float32)
    kept = values[:, :SHOWN_CHANNELS]
    out[:, : kept.shape[1]] = kept
    return out


def _repeated(rows: pd.DataFrame, horizons: tuple[int, ...]) -> pd.DataFrame:
    columns = [*SYSTEM_COLUMNS, "dimension", "window", "start"]
    frame = rows.loc[rows.index.repeat(len(horizons)), columns].reset_index(drop=True)
    frame["horizon"] = np.tile(np.asarray(horizons, dtype=np.int64), len(rows))
    return frame


def _flat(scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values.ravel() for name, values in scores.items()}
