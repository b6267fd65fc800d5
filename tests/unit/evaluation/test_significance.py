"""Wilcoxon and Holm against numbers worked out by hand, and what pairs, units and families mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config.load import load_config
from panda.core.errors import PandaError
from panda.evaluation.significance import compare, holm, rank_biserial, wilcoxon_table
from tests.conftest import ROOT

ARGUMENTS = {
    "reference": "panda",
    "value": "value",
    "unit": "name",
    "family": ("metric",),
    "within": ("horizon",),
}


def long_table(scores: dict[str, np.ndarray], metric: str = "smape", horizon: int = 128) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"forecaster": name, "name": f"s{i}", "metric": metric, "horizon": horizon, "value": value}
            for name, values in scores.items()
            for i, value in enumerate(values)
        ]
    )


def test_exact_p_of_a_forecaster_that_always_wins() -> None:
    """Ten pairs, ten differences of one sign: 2 of 2^10 sign patterns are as extreme."""
    base = np.arange(10.0)
    table = wilcoxon_table(long_table({"panda": base, "mean": base + np.arange(1, 11)}), **ARGUMENTS)
    row = table.iloc[0]
    assert row["forecaster"] == "mean" and row["n_pairs"] == 10 and row["n_unpaired"] == 0
    assert row["p_value"] == pytest.approx(2 / 2**10)
    assert row["p_holm"] == row["p_value"]
    assert row["median_difference"] == -5.5 and row["rank_biserial"] == -1.0


def test_pairs_not_populations_are_compared() -> None:
    """Systems differ far more than forecasters: unpaired nothing would show."""
    generator = np.random.default_rng(0)
    hard = 100 * generator.standard_normal(40)
    table = wilcoxon_table(
        long_table({"panda": hard, "mean": hard + 1 + 0.1 * generator.standard_normal(40)}), **ARGUMENTS
    )
    assert table["p_value"].iloc[0] < 1e-6


def test_false_positives_are_at_the_level() -> None:
    generator, n = np.random.default_rng(1), 150
    draws = [
        long_table({name: generator.standard_normal(12) for name in ("panda", "mean")}, horizon=i)
        for i in range(n)
    ]
    table = wilcoxon_table(pd.concat(draws), **ARGUMENTS)
    assert 0.03 < (table["p_value"] < 0.1).mean() < 0.18
    assert (table["p_holm"] < 0.1).sum() <= 1


def test_rows_of_one_unit_are_one_pair() -> None:
    frame = long_table({"panda": np.zeros(3), "mean": np.array([1.0, 2.0, -1.0])})
    repeated = pd.concat([frame] * 50)
    pd.testing.assert_frame_equal(wilcoxon_table(frame, **ARGUMENTS), wilcoxon_table(repeated, **ARGUMENTS))


def test_holm_by_hand_and_without_what_was_not_tested() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.6])), [0.02, np.nan, 0.6])
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_a_family_is_corrected_alone_over_rivals_and_horizons() -> None:
    base = np.arange(8.0)
    scores = {"panda": base, "a": base + np.arange(1, 9), "b": base + np.arange(1, 9)}
    parts = [
        long_table(scores, metric, horizon)
        for metric, horizon in (("smape", 64), ("smape", 128), ("mae", 64))
    ]
    table = wilcoxon_table(pd.concat(parts), **ARGUMENTS).set_index(["metric", "horizon", "forecaster"])
    p = 2 / 2**8
    np.testing.assert_allclose(table["p_value"], p)
    np.testing.assert_allclose(table.loc["smape", "p_holm"], 4 * p)
    np.testing.assert_allclose(table.loc["mae", "p_holm"], 2 * p)
    whole = wilcoxon_table(pd.concat(parts), **(ARGUMENTS | {"family": (), "within": ("metric", "horizon")}))
    np.testing.assert_allclose(whole["p_holm"], 6 * p)


def test_units_that_one_forecaster_lacks_are_counted() -> None:
    frame = long_table(
        {"panda": np.array([1.0, 2.0, np.nan, 4.0]), "mean": np.array([2.0, np.nan, np.nan, 6.0])}
    )
    row = wilcoxon_table(frame, **ARGUMENTS).iloc[0]
    assert (row["n_pairs"], row["n_unpaired"]) == (2, 1)
    nothing = wilcoxon_table(
        long_table({"panda": np.array([1.0, np.nan]), "mean": np.array([np.nan, 1.0])}), **ARGUMENTS
    ).iloc[0]
    assert nothing["n_pairs"] == 0 and np.isnan(nothing["p_value"]) and np.isnan(nothing["p_holm"])


def test_equal_and_diverged_forecasts() -> None:
    values = np.array([1.0, 2.0, np.inf])
    same = wilcoxon_table(long_table({"panda": values, "mean": values}), **ARGUMENTS).iloc[0]
    assert same["p_value"] == 1.0 and same["rank_biserial"] == 0.0 and same["median_difference"] == 0.0
    base = np.arange(6.0)
    diverged = np.array([1.0, 2.0, 4.0, 7.0, 11.0, np.inf])
    row = wilcoxon_table(long_table({"panda": base, "mean": diverged}), **ARGUMENTS).iloc[0]
    assert row["p_value"] == pytest.approx(2 / 2**6) and np.isfinite(row["median_difference"])
    # One window of a unit that blew up makes the unit the worst, whatever its other windows.
    other = long_table({"panda": base, "mean": np.array([1.0, 2.0, 4.0, 7.0, 11.0, 5.5])})
    blown = long_table({"mean": diverged})
    again = wilcoxon_table(pd.concat([other, blown]), **ARGUMENTS).iloc[0]
    assert again["n_pairs"] == 6 and again["p_value"] == row["p_value"]


def test_rank_biserial_by_hand() -> None:
    assert rank_biserial(np.array([-1.0, 2.0, 3.0])) == pytest.approx((5 - 1) / 6)
    assert rank_biserial(np.zeros(3)) == 0.0


def test_what_a_user_can_get_wrong_is_said() -> None:
    frame = long_table({"panda": np.ones(3), "mean": np.zeros(3)})
    with pytest.raises(PandaError, match=r"no forecaster 'pandas'.*mean, panda"):
        wilcoxon_table(frame, **(ARGUMENTS | {"reference": "pandas"}))
    with pytest.raises(PandaError, match="no column 'horizon'"):
        wilcoxon_table(frame.drop(columns="horizon"), **ARGUMENTS)
    assert wilcoxon_table(frame.iloc[:0], **ARGUMENTS).empty
    assert wilcoxon_table(frame[frame["forecaster"] == "panda"], **ARGUMENTS).empty


def by_system(better: str, n_names: int = 12) -> pd.DataFrame:
    """The forecaster `better` beats the other by a little on every name, in every metric and horizon."""
    rows = []
    for forecaster in ("panda", "rival"):
        for horizon in (64, 128, 256):
            for i in range(n_names):
                gain = (1 + i / 100) * (forecaster == better)
                rows.append(
                    {"forecaster": forecaster, "population": "founder", "name": f"s{i}", "horizon": horizon}
                    | {"smape": 50 + i - gain, "mse": 5 - gain, "mae": 3 - gain}
                    | {"spearman": 0.5 + gain / 10, "valid_time": 2 + gain}
                )
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("better", "verdict"), [("panda", "better"), ("rival", "worse"), ("", "not told apart")]
)
def test_verdicts_know_which_metrics_should_be_high(better: str, verdict: str) -> None:
    table = compare(by_system(better), load_config(ROOT / "config.yaml").evaluate)
    assert set(table["verdict"]) == {verdict}
    assert set(table["metric"]) == {"smape", "mse", "mae", "spearman", "valid_time"}
    assert set(table["horizon"]) == {128, 256}  # tested_horizons that were scored
    assert set(table["reference"]) == {"panda"} and set(table["forecaster"]) == {"rival"}


def test_too_few_names_give_no_verdict() -> None:
    table = compare(by_system("panda", n_names=4), load_config(ROOT / "config.yaml").evaluate)
    assert set(table["rank_biserial"]) == {-1.0, 1.0}
    assert set(table["verdict"]) == {"not told apart"}


def test_a_table_without_a_tested_horizon_is_tested_at_its_longest() -> None:
    table = compare(
        by_system("panda").replace({"horizon": {64: 4, 128: 8, 256: 16}}),
        load_config(ROOT / "config.yaml").evaluate,
    )
    assert set(table["horizon"]) == {16}


def test_a_table_without_the_reference_has_no_tests() -> None:
    systems = by_system("panda").replace({"forecaster": {"panda": "seasonal"}})
    table = compare(systems, load_config(ROOT / "config.yaml").evaluate)
    assert table.empty and "verdict" in table.columns


def test_no_reference_gives_an_empty_table() -> None:
    settings = load_config(ROOT / "config.yaml").evaluate.model_copy(update={"reference": None})
    table = compare(by_system("panda"), settings)
    assert table.empty and "verdict" in table.columns
