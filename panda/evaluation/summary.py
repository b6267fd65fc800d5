"""From scores of windows to one row a system name, and to medians with intervals over names."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from jaxtyping import Bool

from panda.config import Evaluate
from panda.core import seeds
from panda.core.bootstrap import clustered_interval, resample_counts
from panda.core.metrics import METRICS, metrics_of

POPULATIONS = ("all", "founder", "skew", "strict", "fast")


def by_system(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over the windows and trajectories of each name: one row a (forecaster, population, name, horizon).

    Perturbations of a founder pair and windows of a trajectory are no independent samples; the name is the
    unit of the paper's figures. NaN (no rank correlation, no exponent) is left out of a
    mean; a failed forecast makes a mean error infinite. `valid_time_censored` and `failed` are shares,
    `n_windows` counts.
    """
    keys = ["forecaster", "population", "name", "horizon"]
    columns = [*metrics_of("forecasts"), "valid_time_censored", "failed"]
    groups = scores.astype({"valid_time_censored": float, "failed": float}).groupby(keys, sort=True)
    table = groups[columns].mean()
    # pandas turns an infinite sum into NaN on the way; the worst case must survive.
    for metric in (name for name in metrics_of("forecasts") if METRICS[name].worst == np.inf):
        table.loc[groups[metric].max() == np.inf, metric] = np.inf
    table["n_windows"] = groups.size()
    return table.reset_index()


def members(scores: pd.DataFrame, population: str, settings: Evaluate) -> Bool[np.ndarray, " rows"]:
    """Which rows of scores a population holds.

    `all`; `founder` and `skew`, which part it; and, across these, `strict` (no relative of an unseen founder
    was seen, `panda.discovery.search.select.select`) and `fast`: fewer than `fast_samples` stored points in a Lyapunov
    time, ``largest_exponent * dt > 1 / fast_samples``. Perturbations of one name may differ in the last.
    """
    if population == "all":
        return np.ones(len(scores), dtype=bool)
    if population == "strict":
        return scores["strict"].to_numpy(dtype=bool)
    if population == "fast":
        return (scores["largest_exponent"] * scores["dt"] * settings.fast_samples > 1).to_numpy()
    return (scores["population"] == population).to_numpy()


def summarise(
    scores: pd.DataFrame, settings: Evaluate, *, held_out: Collection[str], seed: int
) -> pd.DataFrame:
    """Median with its interval, mean and quartiles over names: one row per (forecaster, population, horizon,
    metric), the populations those of `members` that are not empty.

    The resampled unit is the name: a founder, or an ordered founder pair with all its perturbations
    (`n_clusters`). Pairs that share a founder count as independent. All forecasters, metrics and horizons of
    a population see the same resamples, so that differences between rows may be compared. `n_systems` is the
    number of names that have a value, `n_founders` that of the founders of `held_out` among their drivers and
    responses; `censored` the mean share of capped valid times (NaN for other
    metrics); `failed` the mean share of forecasts that are no numbers.
    """
    rows, unseen = [], _unseen(scores, held_out)
    for population in POPULATIONS:
        part = scores[members(scores, population, settings)]
        if part.empty:
            continue
        part = by_system(part)
        clusters, names = pd.factorize(part["name"], sort=True)
        rng = seeds.generator(seed, "evaluate-bootstrap", population)
        counts = resample_counts(len(names), n_resamples=settings.n_bootstrap, generator=rng)
        for (forecaster, horizon), group in part.assign(cluster=clusters).groupby(["forecaster", "horizon"]):
            for metric in metrics_of("forecasts"):
                key = {
                    "forecaster": forecaster,
                    "population": population,
                    "horizon": horizon,
                    "metric": metric,
                }
                row = _summary_row(group, metric, counts, confidence=settings.confidence)
                present = group.loc[group[metric].notna(), "name"]
                rows.append(key | row | {"n_founders": len(set().union(*(unseen[name] for name in present)))})
    return pd.DataFrame(rows).sort_values(
        ["forecaster", "population", "metric", "horizon"], ignore_index=True
    )


def _unseen(scores: pd.DataFrame, held_out: Collection[str]) -> dict[str, set[str]]:
    """The held-out founders of each name."""
    names = scores[["name", "driver", "response"]].drop_duplicates("name")
    return {row.name: {row.driver, row.response} & set(held_out) for row in names.itertuples(index=False)}


def _summary_row(
    group: pd.DataFrame, metric: str, counts: np.ndarray, *, confidence: float
) -> dict[str, float | int]:
    values, clusters = group[metric].to_numpy(), group["cluster"].to_numpy()
    interval = clustered_interval(values, clusters, counts, statistic="median", confidence=confidence)
    present = values[~np.isnan(values)]
    if present.size:
        mean = float(present.mean())
        q25, q75 = (float(q) for q in np.quantile(present, (0.25, 0.75), method="inverted_cdf"))
    else:
        mean = q25 = q75 = np.nan
    return {
        "median": interval.estimate,
        "median_low": interval.low,
        "median_high": interval.high,
        "mean": mean,
        "q25": q25,
        "q75": q75,
        "n_systems": int(present.size),
        "n_clusters": int(np.unique(clusters[~np.isnan(values)]).size),
        "censored": float(group["valid_time_censored"].mean()) if metric == "valid_time" else np.nan,
        "failed": float(group["failed"].mean()),
    }
