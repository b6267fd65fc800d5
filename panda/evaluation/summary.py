"""From scores of windows to one row per system, and to medians and means with intervals over systems."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from jaxtyping import Bool

from panda.config import Evaluate, Founders
from panda.core import seeds
from panda.core.bootstrap import clustered_interval, resample_counts
from panda.core.metrics import METRICS, metrics_of
from panda.core.names import LONG

POPULATIONS = ("all", "founder", "skew", "strict", "fast")


def with_units(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores with the unit of all statistics as their `name`: what may count as independent of the rest.

    Perturbations of a founder or an ordered founder pair share its name, which is the unit of the paper's figures. If
    the founders of a series are not known (no `driver`), nobody can say which others it is related to, and it is a unit
    by itself, `<system>:<initial_condition>`.
    """
    series = scores["system"] + ":" + scores["initial_condition"].astype(str)
    return scores.assign(name=scores["name"].where(_founders_known(scores), series))


def by_system(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over the windows of each unit (`with_units`): one row per (forecaster, population, name, horizon).

    NaN (no rank correlation, no exponent) is left out of a mean; a failed forecast makes a mean error infinite.
    `valid_time_censored` and `failed` are shares, `n_windows` counts.
    """
    scores = with_units(scores)
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

    `all`; `founder` and `skew`, which divide it; and, across these, `strict` (no relative of an unseen founder
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
    """Median and mean with their intervals, and quartiles: one row per (forecaster, population, horizon, metric), the
    populations those of `members` that are not empty.

    Statistics are over the units of `with_units`, and whole units are resampled: `unit` says whether these are names
    (a founder, or an ordered founder pair with all its perturbations) or single series, whose founders are not known.
    Pairs that share a founder count as independent. All forecasters, metrics and horizons of a population see the same
    resamples, so that differences between rows may be compared. `n_systems` is the number of units that have a value,
    `n_founders` that of the founders of `held_out` among their drivers and responses; `censored` the mean share of
    capped valid times (NaN for other metrics); `failed` the mean share of forecasts that are not numbers.
    """
    scores = with_units(scores)
    rows, unseen = [], _unseen(scores, held_out)
    for population in POPULATIONS:
        part = scores[members(scores, population, settings)]
        if part.empty:
            continue
        unit = "name" if _founders_known(part).all() else "series"
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
                row = {"unit": unit} | _summary_row(group, metric, counts, confidence=settings.confidence)
                present = group.loc[group[metric].notna(), "name"]
                rows.append(key | row | {"n_founders": len(set().union(*(unseen[name] for name in present)))})
    return pd.DataFrame(rows).sort_values(
        ["forecaster", "population", "metric", "horizon"], ignore_index=True
    )


def unseen_founders(series: str, founders: Founders) -> tuple[str, ...]:
    """The founders behind a data set's `series` that no model was trained on: those that define its split.

    Test founders define the test systems, also those integrated for longer, and validation founders the validation
    systems. Other series, and those trained on, have none.
    """
    of_split = {"test": founders.test_names, LONG: founders.test_names, "validation": founders.validation}
    return of_split.get(series, ())


def _founders_known(scores: pd.DataFrame) -> pd.Series:
    return scores["driver"].fillna("") != ""


def _unseen(scores: pd.DataFrame, held_out: Collection[str]) -> dict[str, set[str]]:
    """The held-out founders of each name."""
    names = scores[["name", "driver", "response"]].drop_duplicates("name")
    return {row.name: {row.driver, row.response} & set(held_out) for row in names.itertuples(index=False)}


def _summary_row(
    group: pd.DataFrame, metric: str, counts: np.ndarray, *, confidence: float
) -> dict[str, float | int]:
    values, clusters = group[metric].to_numpy(), group["cluster"].to_numpy()
    median, mean = (
        clustered_interval(values, clusters, counts, statistic=statistic, confidence=confidence)
        for statistic in ("median", "mean")
    )
    present = values[~np.isnan(values)]
    q25 = q75 = np.nan
    if present.size:
        q25, q75 = (float(q) for q in np.quantile(present, (0.25, 0.75), method="inverted_cdf"))
    return {
        "median": median.estimate,
        "median_low": median.low,
        "median_high": median.high,
        "mean": mean.estimate,
        "mean_low": mean.low,
        "mean_high": mean.high,
        "q25": q25,
        "q75": q75,
        "n_systems": int(present.size),
        "n_clusters": int(np.unique(clusters[~np.isnan(values)]).size),
        "censored": float(group["valid_time_censored"].mean()) if metric == "valid_time" else np.nan,
        "failed": float(group["failed"].mean()),
    }
