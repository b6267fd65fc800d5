"""Scores of a PDE's fields over runs: grid points are the channels, and every run is one window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from panda.config import Evaluate
from panda.core import seeds
from panda.core.bootstrap import clustered_interval, resample_counts
from panda.core.metrics import metrics_of


def summarise_fields(scores: pd.DataFrame, evaluate: Evaluate, *, seed: int) -> pd.DataFrame:
    """Mean and median over runs, the initial conditions: one row per (forecaster, horizon, metric), with `n_runs`.

    `low`, `high`: bootstrap interval of the mean over runs, `median_low`, `median_high` of the median. (The
    reference divides its error bars by the root of the number of horizons.)
    """
    runs, names = pd.factorize(scores["initial_condition"], sort=True)
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
