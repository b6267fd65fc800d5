"""Is one forecaster better than another beyond chance: paired Wilcoxon tests with Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import rankdata, wilcoxon
from statsmodels.stats.multitest import multipletests

from panda.config import Evaluate
from panda.core.errors import PandaError
from panda.core.metrics import METRICS, metrics_of

_COLUMNS = ("n_pairs", "n_unpaired", "median_difference", "rank_biserial", "p_value", "p_holm")


def compare(systems: pd.DataFrame, settings: Evaluate) -> pd.DataFrame:
    """The reference forecaster against every other, with one family of tests per population and metric.

    Args:
        systems: the table of `panda.evaluation.summary.by_system`: one row per (forecaster, population, name,
            horizon), so that the pair is the unit of that table and not one of its perturbations or windows.
        settings: `reference` (if None, or not in the table, there are no tests) and `tested_horizons` (if the table has
            none of these, its longest horizon is tested).

    Returns:
        See `wilcoxon_table`; and `verdict`: `better`, `worse` (of the reference, at level 1 - confidence
        after Holm's correction) or `not told apart`.
    """
    chosen = systems[systems["horizon"].isin(settings.tested_horizons)]
    if chosen.empty and settings.tested_horizons:
        chosen = systems[systems["horizon"] == systems["horizon"].max()]
    if settings.reference not in set(systems["forecaster"]):
        chosen = chosen.iloc[:0]
    scores = chosen.melt(
        id_vars=["forecaster", "population", "name", "horizon"],
        value_vars=metrics_of("forecasts"),
        var_name="metric",
    )
    table = wilcoxon_table(
        scores,
        reference=settings.reference or "",
        value="value",
        unit="name",
        family=("population", "metric"),
        within=("horizon",),
    )
    table.insert(0, "reference", settings.reference or "")
    return table.assign(verdict=_verdicts(table, level=1 - settings.confidence))


def _verdicts(table: pd.DataFrame, *, level: float) -> np.ndarray:
    higher_is_better = table["metric"].map(lambda name: METRICS[name].higher_is_better).to_numpy(dtype=bool)
    effect = table["rank_biserial"].to_numpy(dtype=np.float64)
    better = (effect > 0) == higher_is_better
    certain = (table["p_holm"].to_numpy(dtype=np.float64) < level) & (effect != 0)
    return np.select([certain & better, certain], ["better", "worse"], default="not told apart")


def wilcoxon_table(
    frame: pd.DataFrame,
    *,
    reference: str,
    value: str,
    unit: str,
    family: Sequence[str],
    within: Sequence[str],
) -> pd.DataFrame:
    """Two-sided Wilcoxon signed-rank tests of `reference` against every other forecaster.

    The pair is the unit: all rows of a forecaster with the same `unit` (a named system, or a founder pair
    with all its perturbations) are averaged first, because they are not independent. Every forecaster must
    have been scored on the same windows; units that only one of the two has are left out and counted.

    Holm's step-down correction keeps the probability of any false difference in a family below the level that
    `p_holm` is compared with. A family is all tests that share the columns of `family`, over all of `within` and rivals.
    (The reference code tests on windows that differ between models, without averaging; facts, section 0.7.)

    Args:
        frame: long table with columns forecaster, `value`, `unit` and those of `family` and `within`.
        reference: the forecaster that is compared with each other one.
        value: the column of scores; NaN means none.
        unit: the column that names the pair.
        family: e.g. population and metric.
        within: the columns that, with the rival, name a test inside its family, e.g. horizon.

    Returns:
        One row per test: the columns of `family` and `within`, forecaster (the rival), n_pairs, n_unpaired,
        median_difference (reference less rival), rank_biserial (see `rank_biserial`), p_value, p_holm.

    Raises:
        PandaError: a column or the reference is missing.
    """
    keys = [*family, *within]
    _check(frame, reference, ("forecaster", value, unit, *keys))
    groups = frame.groupby([*keys, "forecaster", unit], sort=True, observed=True)[value]
    # pandas makes NaN of a mean with an infinite value in it; a forecast that blew up must stay the worst.
    means = groups.mean().mask(groups.max() == np.inf, np.inf)
    rows = []
    for key, group in means.groupby(level=keys, sort=True):
        wide = group.droplevel(keys).unstack("forecaster")
        if reference not in wide:
            continue
        for rival in wide.columns.drop(reference):
            pair = wide[[reference, rival]].to_numpy(dtype=np.float64)
            present = ~np.isnan(pair)
            both = present.all(axis=1)
            test = dict(zip(keys, key, strict=True)) | {"forecaster": rival}
            counts = {"n_pairs": int(both.sum()), "n_unpaired": int((present.any(axis=1) & ~both).sum())}
            rows.append(test | counts | _test(pair[both, 0], pair[both, 1]))
    table = pd.DataFrame(rows, columns=[*keys, "forecaster", *_COLUMNS])
    if table.empty:
        return table
    if family:
        corrected = table.groupby(list(family), sort=False)["p_value"].transform(holm)
    else:
        corrected = holm(table["p_value"].to_numpy())
    return table.assign(p_holm=corrected)


def holm(p_values: Float[np.ndarray, " n"] | pd.Series) -> Float[np.ndarray, " n"]:
    """Holm's adjusted p-values: sorted p_(i) times (n - i + 1), made monotone and capped at 1.

    Tests without a p-value (NaN: no pairs) stay NaN and do not count in n.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(p_values, np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        adjusted[known] = multipletests(p_values[known], method="holm")[1]
    return adjusted


def rank_biserial(differences: Float[np.ndarray, " n"]) -> float:
    """Effect size (W+ - W-) / (W+ + W-) of signed ranks: -1 if all differences are negative, 1 if none is."""
    differences = differences[differences != 0]
    if differences.size == 0:
        return 0.0
    ranks = rankdata(np.abs(differences))
    return float((ranks * np.sign(differences)).sum() / ranks.sum())


def _test(reference: Float[np.ndarray, " n"], rival: Float[np.ndarray, " n"]) -> dict[str, float]:
    if reference.size == 0:
        return {"median_difference": np.nan, "rank_biserial": np.nan, "p_value": np.nan}
    # Two forecasts that both blew up differ by nothing; one that did is the worst there is.
    with np.errstate(invalid="ignore"):
        differences = np.where(reference == rival, 0.0, reference - rival)
    # The mean of +inf and -inf has no value; the lower of the two middle ones always has.
    middle = np.median if np.isfinite(differences).all() else _lower_median
    p_value = 1.0
    if (differences != 0).any():
        # The test ranks: any finite numbers in the same order of size may stand for infinite ones.
        finite = np.abs(differences[np.isfinite(differences)])
        largest = finite.max() if finite.size else 0.0
        ranked = np.clip(differences, -2 * largest - 1, 2 * largest + 1)
        p_value = float(wilcoxon(ranked, zero_method="wilcox").pvalue)
    return {
        "median_difference": float(middle(differences)),
        "rank_biserial": rank_biserial(differences),
        "p_value": p_value,
    }


def _lower_median(values: Float[np.ndarray, " n"]) -> float:
    return float(np.quantile(values, 0.5, method="inverted_cdf"))


def _check(frame: pd.DataFrame, reference: str, needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns))
        raise PandaError(f"significance: the table has no column {missing[0]!r}; it has {there}")
    if not frame.empty and reference not in set(frame["forecaster"]):
        known = ", ".join(sorted(map(str, set(frame["forecaster"]))))
        raise PandaError(f"significance: no forecaster {reference!r} in the table; it has {known}")
