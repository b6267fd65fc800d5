"""The end of a series, which is not learned from, says whether learning helped."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.core.errors import PandaError
from panda.own_data.backtest import score_table
from panda.own_data.held_out import Cut, cut, judge_tuning, learning_store, score_held_out
from panda.own_data.model import Model
from panda.own_data.regular import regular
from tests.unit.own_data.test_backtest import Oracle, series


def test_the_last_share_is_cut_off():
    whole = regular(series(np.arange(101.0)), 1000)
    found = cut(whole, 0.2, window=80, horizon=20, name="tiny")
    assert found.first == 81 and found.n_held_out == 20 and found.where == "data.csv"
    with pytest.raises(
        PandaError, match="101 points, 81 without the held-out part, and a training window of tiny"
    ):
        cut(whole, 0.2, window=82, horizon=20, name="tiny")
    with pytest.raises(
        PandaError, match="the held-out part has 20 points, fewer than the 21 of a test forecast"
    ):
        cut(whole, 0.2, window=80, horizon=21, name="tiny")


def test_what_is_learned_from_knows_nothing_of_the_rest():
    values = np.random.default_rng(0).normal(size=(100, 3)) * [1e-200, 1, 0] + [0, 1e9, 5]
    one = Cut("a", values, 80)
    other = Cut("a", np.concatenate([values[:80], np.full((20, 3), 1e12)]), 80)
    part = one.learned_from()
    np.testing.assert_array_equal(part, other.learned_from())
    assert part.dtype == np.float32 and part.shape == (80, 3) and (part[:, 2] == 0).all()
    np.testing.assert_allclose(part[:, :2].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(part[:, :2].std(axis=0), 1, rtol=1e-6)


def test_series_of_any_length_are_learned_from_together():
    store = learning_store(
        [Cut("a", np.random.default_rng(0).normal(size=(50, 2)), 40), Cut("b", np.eye(30), 20)]
    )
    assert len(store) == 2 and store.series(0).shape == (2, 40) and store.series(1).shape == (30, 20)
    assert store.table["n_points"].tolist() == [40, 20]


def test_windows_lie_within_the_held_out_part():
    seen: list[np.ndarray] = []

    class Spy:
        name = "spy"

        def forecast(self, context: np.ndarray, horizon: int) -> np.ndarray:
            seen.append(context[:, -1, 0])
            return np.repeat(context[:, -1:], horizon, axis=1)

    known = np.random.default_rng(0).normal(size=400).cumsum()
    oracle = Model(Oracle(known), context_length=64, patch_length=8)
    spy = Model(Spy(), context_length=64, patch_length=8)
    found = score_held_out(oracle, spy, [Cut("a", known[:, None], 300)], horizon=16, most=5)
    assert found.n_windows == 5 and found.helped and found.table["forecaster"].iloc[0] == "oracle"
    assert "fine-tuning helped: oracle has lower errors than spy" in found.verdict
    assert found.verdict.endswith(". Every simple baseline has higher ones")
    # The context of the first window ends right before what is held out, or later.
    from panda.own_data.units import units_of

    ends = units_of(known[:, None]).apply(known[299:, None])[:, 0]
    assert all(np.isclose(end, ends).any() for end in seen[0])
    both = [Cut("a", known[:, None], 300), Cut("b", np.stack([known, -known], axis=1), 350)]
    twice = score_held_out(spy, spy, both, horizon=16, most=5)
    assert (
        twice.n_windows == 5 + 3 and not twice.helped and "spy (fine-tuned)" in set(twice.table["forecaster"])
    )


def scores(**errors: tuple[float, float]) -> pd.DataFrame:
    rows = [
        {"forecaster": name, "smape": np.full(6, smape), "mae": np.full(6, mae)}
        for name, (smape, mae) in errors.items()
    ]
    return score_table(pd.DataFrame(rows), "new", "old")


@pytest.mark.parametrize(
    ("new", "simple", "start", "end"),
    [
        (
            (1, 1),
            (3, 3),
            "fine-tuning helped: new has lower errors than old (MAE 1 against 2, sMAPE 1",
            "higher ones",
        ),
        ((1, 1), (3, 0.5), "fine-tuning helped", "Do not trust it yet: persistence has MAE 0.5, sMAPE 3"),
        (
            (3, 1),
            (9, 9),
            "fine-tuning did not clearly help: it lowered the MAE, not its sMAPE",
            "higher ones",
        ),
        (
            (1, 3),
            (9, 9),
            "fine-tuning did not clearly help: it lowered the sMAPE, not its MAE",
            "higher ones",
        ),
        ((3, 3), (9, 9), "fine-tuning did not help: old has lower errors as it is", "higher ones"),
        ((2, 2), (9, 9), "fine-tuning did not help", "higher ones"),
    ],
)
def test_the_verdict(new: tuple, simple: tuple, start: str, end: str):
    verdict, helped = judge_tuning(scores(new=new, old=(2, 2), persistence=simple), "new", "old", n_windows=6)
    assert verdict.startswith(start) and verdict.endswith(end) and "\n" not in verdict
    assert helped == verdict.startswith("fine-tuning helped")
