"""Zero-shot forecasts of a PDE's field: grid points are the channels, runs the windows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.config import PDE, Evaluate
from panda.core import seeds
from panda.core.bootstrap import clustered_interval, resample_counts
from panda.core.errors import PandaError
from panda.core.metrics import metrics_of
from panda.core.progress import Progress
from panda.evaluation.forecaster import Checked, Forecaster
from panda.evaluation.score import pointwise


class FieldScores(NamedTuple):
    """Scores of all runs, and the forecast of the first one to be shown."""

    table: pd.DataFrame
    forecast: Float[np.ndarray, "horizon n_grid"]
    truth: Float[np.ndarray, "horizon n_grid"]
    context: Float[np.ndarray, "context n_grid"]


def score_fields(
    forecaster: Forecaster,
    fields: Float[np.ndarray, "n_runs n_points n_grid"],
    settings: PDE,
    evaluate: Evaluate,
    *,
    progress: Progress | None = None,
) -> FieldScores:
    """Forecast each run from the context that begins at point `start`, and score the nested horizons.

    The table has one row per (run, horizon): `forecaster`, `run`, `horizon`, `smape`, `mse`, `mae`, `spearman`
    (units of the context's standard deviation at each grid point) and `failed`. Runs go
    through one by one: a run has as many channels as a batch of ordinary windows.

    Raises:
        PandaError: the fields are shorter than start, context and the longest horizon.
    """
    horizon = max(evaluate.horizons)
    first, middle = settings.start, settings.start + evaluate.context_length
    if fields.ndim != 3 or fields.shape[1] < middle + horizon:
        raise PandaError(
            f"fields {fields.shape} (runs, points, grid) do not reach start {first} + context "
            f"{evaluate.context_length} + horizon {horizon}; simulate longer or shorten pde.start"
        )
    checked = Checked(forecaster)
    frames, forecasts = [], []
    for run, field in enumerate(np.asarray(fields, dtype=np.float64)):
        context, truth = field[None, first:middle], field[None, middle : middle + horizon]
        forecasts.append(checked.forecast(context, horizon))
        scores = pointwise(forecasts[-1], context, truth, evaluate)
        frame = pd.DataFrame({"run": run, "horizon": evaluate.horizons})
        frames.append(frame.assign(**{m: scores[m].ravel() for m in (*metrics_of("fields"), "failed")}))
        if progress is not None:
            progress.advance(1, failed=checked.n_failed)
    table = pd.concat(frames, ignore_index=True)
    table.insert(0, "forecaster", forecaster.name)
    shown = (forecasts[0][0], fields[0, middle : middle + horizon], fields[0, first:middle])
    return FieldScores(table, *(np.asarray(a, dtype=np.float32) for a in shown))


def summarise_fields(scores: pd.DataFrame, evaluate: Evaluate, *, seed: int) -> pd.DataFrame:
    """Mean and median over runs: one row per (forecaster, horizon, metric), with `n_runs`.

    `low`, `high`: bootstrap interval of the mean over runs, `median_low`, `median_high` of the median. (The
    reference divides its error bars by the root of the number of horizons.)
    """
    runs, names = pd.factorize(scores["run"], sort=True)
    rng = seeds.generator(seed, "pde-bootstrap")
    counts = resample_counts(len(names), n_resamples=evaluate.n_bootstrap, generator=rng)
    rows = []
    for (forecaster, horizon), group in scores.assign(cluster=runs).groupby(["forecaster", "horizon"]):
        for metric in metrics_of("fields"):
            values, clusters = group[metric].to_numpy(), group["cluster"].to_numpy()
            mean, median = (
                clustered_interval(values, clusters, counts, statistic=s, confidence=evaluate.confidence)
                for s in ("mean", "median")
            )
            rows.append(
                {
                    "forecaster": forecaster,
                    "horizon": horizon,
                    "metric": metric,
                    "mean": mean.estimate,
                    "low": mean.low,
                    "high": mean.high,
                    "median": median.estimate,
                    "median_low": median.low,
                    "median_high": median.high,
                    "n_runs": int((~np.isnan(values)).sum()),
                }
            )
    return pd.DataFrame(rows).sort_values(["forecaster", "metric", "horizon"], ignore_index=True)
