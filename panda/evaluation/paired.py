"""How much better one forecaster is than another: mean differences over pairs, with intervals that know of founders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.config import Evaluate
from panda.core import seeds
from panda.core.bootstrap import percentile_interval, resample_counts

KEYS = ["population", "metric", "horizon", "forecaster"]


def founders_by_name(scores: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The founders of every name of `panda.evaluation.summary.with_units`: driver and response, or none if unknown."""
    names = scores[["name", "driver", "response"]].fillna("").drop_duplicates("name")
    return {
        row.name: tuple(dict.fromkeys(founder for founder in (row.driver, row.response) if founder))
        for row in names.itertuples(index=False)
    }


def with_differences(
    tests: pd.DataFrame,
    systems: pd.DataFrame,
    founders: Mapping[str, Sequence[str]],
    settings: Evaluate,
    *,
    seed: int,
) -> pd.DataFrame:
    """The table of `panda.evaluation.significance.compare` with the mean difference of every pair of forecasters.

    `mean_difference` is the mean over names of reference minus rival, `difference_low` and `difference_high` its interval
    by the pigeonhole bootstrap: founders are drawn, and a name counts as often as all of its founders together (the
    product of their counts). So names that share a founder are not taken for independent; the interval is rather too
    wide than too narrow. A name without known founders is a founder of its own. Names on which one of the two forecasts
    failed are left out: `n_failed`.

    Args:
        systems: the table of `panda.evaluation.summary.by_system`.
        founders: of every name in it.

    Source: Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 386.
    """
    rows = []
    columns = ["mean_difference", "difference_low", "difference_high", "n_failed"]
    for population, part in tests.groupby("population", sort=False):
        own = systems[systems["population"] == population]
        names = sorted(own["name"].unique())
        weights = name_weights([tuple(founders.get(name) or (name,)) for name in names], settings, seed)
        for key in part[KEYS].itertuples(index=False):
            wide = own[own["horizon"] == key.horizon].pivot(
                index="name", columns="forecaster", values=key.metric
            )
            difference = (wide[settings.reference] - wide[key.forecaster]).reindex(names)
            failed = (
                np.isinf(wide[[settings.reference, key.forecaster]])
                .any(axis=1)
                .reindex(names, fill_value=False)
            )
            values = difference.where(~failed).to_numpy(dtype=np.float64)
            found = _interval(values, weights, confidence=settings.confidence)
            rows.append([*key, *found, int(failed.sum())])
    return tests.merge(pd.DataFrame(rows, columns=[*KEYS, *columns]), on=KEYS, how="left")


def name_weights(
    founders: Sequence[Sequence[str]], settings: Evaluate, seed: int
) -> Float[np.ndarray, "n_bootstrap name"]:
    """How often each name counts in each resample of the founders."""
    distinct = sorted({founder for own in founders for founder in own})
    place = {founder: i for i, founder in enumerate(distinct)}
    rng = seeds.generator(seed, "evaluate-paired")
    drawn = resample_counts(len(distinct), n_resamples=settings.n_bootstrap, generator=rng)
    return np.stack(
        [
            np.prod([drawn[:, place[founder]] for founder in own], axis=0, dtype=np.float64)
            for own in founders
        ],
        axis=1,
    )


def _interval(
    values: Float[np.ndarray, " name"], weights: Float[np.ndarray, "n_bootstrap name"], *, confidence: float
) -> tuple[float, float, float]:
    """Mean of what is there, and the interval of the weighted mean over resamples that hold any of it."""
    there = np.isfinite(values)
    if not there.any():
        return np.nan, np.nan, np.nan
    values, weights = values[there], weights[:, there]
    total = weights.sum(axis=1)
    means = (weights @ values)[total > 0] / total[total > 0]
    low, high = percentile_interval(means, confidence=confidence)
    return float(values.mean()), low, high
