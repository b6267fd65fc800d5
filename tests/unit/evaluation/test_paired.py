"""Mean differences between forecasters: numbers by hand, and founders that names share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config.load import load_config
from panda.evaluation.paired import founders_by_name, name_weights, with_differences
from panda.evaluation.significance import compare
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def settings():
    config = load_config(ROOT / "config.yaml")
    return config.evaluate.model_copy(
        update={"reference": "panda", "tested_horizons": (128,), "n_bootstrap": 2000}
    )


def systems(values: dict[str, np.ndarray], population: str = "skew") -> pd.DataFrame:
    """As `by_system` makes it; every metric has the same values."""
    rows = []
    for forecaster, column in values.items():
        for i, value in enumerate(column):
            metrics = dict.fromkeys(("mse", "mae", "smape", "spearman", "valid_time"), value)
            rows.append(
                {
                    "forecaster": forecaster,
                    "population": population,
                    "name": f"s{i}",
                    "horizon": 128,
                    **metrics,
                }
            )
    return pd.DataFrame(rows)


def differences(table, founders, settings):
    found = with_differences(compare(table, settings), table, founders, settings, seed=3)
    return found.set_index("metric").loc["smape"]


def test_the_mean_and_an_interval_around_it(settings) -> None:
    rng = np.random.default_rng(0)
    rival = rng.standard_normal(200) * 10
    own = rival - 1 + 0.5 * rng.standard_normal(200)
    row = differences(systems({"panda": own, "parrot": rival}), {}, settings)
    assert row["mean_difference"] == pytest.approx((own - rival).mean())
    error = 0.5 / np.sqrt(200)
    assert row["difference_low"] == pytest.approx(row["mean_difference"] - 1.96 * error, abs=0.3 * error)
    assert row["difference_high"] == pytest.approx(row["mean_difference"] + 1.96 * error, abs=0.3 * error)
    assert row["n_failed"] == 0


def test_names_that_share_a_founder_are_not_independent(settings) -> None:
    """Ten founders, twenty names each, all differences of a founder alike: ten values, not two hundred."""
    rng = np.random.default_rng(1)
    by_founder = rng.standard_normal(10)
    rival = np.zeros(200)
    own = np.repeat(by_founder, 20)
    table = systems({"panda": own, "parrot": rival})
    alone = differences(table, {}, settings)
    shared = differences(table, {f"s{i}": (f"F{i // 20}",) for i in range(200)}, settings)
    wide = shared["difference_high"] - shared["difference_low"]
    assert wide > 3 * (alone["difference_high"] - alone["difference_low"])
    assert wide == pytest.approx(2 * 1.96 * by_founder.std() / np.sqrt(10), rel=0.2)


def test_a_pair_counts_as_often_as_both_its_founders(settings) -> None:
    weights = name_weights([("A",), ("B",), ("A", "B")], settings, 0)
    assert np.array_equal(weights[:, 2], weights[:, 0] * weights[:, 1])
    assert np.array_equal(weights[:, 0] + weights[:, 1], np.full(len(weights), 2.0))


def test_failed_forecasts_are_left_out_and_counted(settings) -> None:
    own = np.array([1.0, np.inf, 3.0, 2.0])
    row = differences(systems({"panda": own, "parrot": np.zeros(4)}), {}, settings)
    assert row["mean_difference"] == 2.0 and row["n_failed"] == 1


def test_founders_of_names() -> None:
    scores = pd.DataFrame(
        {
            "name": ["A", "A_B", "A_B", "laser:0"],
            "driver": ["A", "A", "A", None],
            "response": ["", "B", "B", None],
        }
    )
    assert founders_by_name(scores) == {"A": ("A",), "A_B": ("A", "B"), "laser:0": ()}
