"""What a backtest says of a model on a series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.core.errors import PandaError
from panda.own_data.backtest import backtest, choose_context, judge, place_windows
from panda.own_data.model import Model
from panda.own_data.rivals import make_rivals
from panda.own_data.rows import rows_of
from panda.own_data.series import series_of


def series(values: np.ndarray, rows: str = "data.csv"):
    frame = pd.DataFrame(np.atleast_2d(values.T).T)
    return series_of(frame, rows_of(rows, len(frame)), columns=list(frame.columns))


class Oracle:
    """Knows the series by heart, in whatever units it is shown: what a model is that is to be trusted."""

    name = "oracle"

    def __init__(self, known: np.ndarray) -> None:
        self.known = known

    def forecast(self, context: np.ndarray, horizon: int) -> np.ndarray:
        n = context.shape[1]
        pieces = np.lib.stride_tricks.sliding_window_view(self.known, n)[: len(self.known) - n - horizon + 1]
        made = []
        for one in context[:, :, 0]:
            scale = one.std() / pieces.std(axis=1)
            shifted = (pieces - pieces.mean(axis=1, keepdims=True)) * scale[:, None] + one.mean()
            place = int(np.abs(shifted - one).max(axis=1).argmin())
            after = self.known[place + n : place + n + horizon]
            made.append((after - pieces[place].mean()) * scale[place] + one.mean())
        return np.stack(made)[:, :, None]


def test_a_model_that_is_right_is_trusted():
    known = np.random.default_rng(0).normal(size=400).cumsum()
    oracle = Model(Oracle(known), context_length=64, patch_length=8)
    found, whole = backtest(oracle, series(known), 16)
    assert len(whole) == 400 and len(found.origins) == 8 and found.context_length == 64
    assert found.trusted and found.verdict.startswith(
        "trust oracle here: its errors are lower than those of every"
    )
    assert found.verdict.endswith("lower in 8 of 8 windows)")
    assert found.table["forecaster"].iloc[0] == "oracle"
    assert set(found.table["forecaster"]) == {"oracle", "persistence", "context_mean", "parrot", "linear_ar"}
    np.testing.assert_allclose(found.forecast[:, 0], known[-16:], atol=1e-9)


def test_a_model_of_chance_is_not(model: Model):
    t = np.arange(400)[:, None]
    found, _ = backtest(model, series(np.sin(2 * np.pi * t / 32)), 16)
    assert not found.trusted and found.verdict.startswith(
        "do not trust tiny here: a simple baseline has lower errors"
    )
    text = str(found)
    assert text.startswith("8 windows of 16 points, each forecast from the 64 before it:\n")
    assert text.splitlines()[2].startswith(("context parroting", "linear AR"))
    assert text.endswith(found.verdict)


def test_units_of_the_data_change_no_score(model: Model):
    values = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0)
    one, _ = backtest(model, series(values), 16)
    other, _ = backtest(model, series(values * [2.0**-600, 2.0**40]), 16)
    pd.testing.assert_frame_equal(one.table, other.table)
    third, _ = backtest(model, series(1e6 + values * 1e-3), 16)
    np.testing.assert_allclose(one.table["mae"], third.table["mae"], rtol=1e-3)


@pytest.mark.parametrize(
    ("n", "n_context", "horizon", "origins"),
    [
        (100, 64, 36, [64]),
        (100, 64, 16, [64, 84]),
        (112, 64, 16, [64, 80, 96]),
        (1000, 64, 10, [64, 196, 329, 461, 593, 725, 858, 990]),
    ],
)
def test_windows_are_spread_over_the_series(n: int, n_context: int, horizon: int, origins: list[int]):
    found = place_windows(n, n_context, horizon, most=8)
    np.testing.assert_allclose(found, origins, atol=1)
    assert found[-1] == n - horizon and found[0] >= n_context and (np.diff(found) >= horizon).all()


def test_a_short_series_has_a_short_context(model: Model):
    found, _ = backtest(model, series(np.random.default_rng(0).normal(size=40)), 10)
    assert found.context_length == 8 and len(found.origins) == 3
    assert found.verdict.endswith(". 3 windows say little: test on fewer points, or with a longer series")
    found, _ = backtest(model, series(np.random.default_rng(0).normal(size=40)), 30)
    assert found.context_length == 8 and str(found).startswith(
        "1 window of 30 points, forecast from the 8 before it:"
    )
    assert found.verdict.endswith(". One window says little: test on fewer points, or with a longer series")
    with pytest.raises(
        PandaError, match=r"data\.csv: 40 points cannot be tested on their last 33: tiny needs 8"
    ):
        backtest(model, series(np.arange(40.0)), 33)
    with pytest.raises(PandaError, match="cannot be tested on their last 50"):
        backtest(model, series(np.arange(40.0)), 50)


@pytest.mark.parametrize(
    ("n", "horizon", "context"),
    [
        (1000, 64, 512),
        (832, 64, 512),
        (831, 64, 496),
        (600, 64, 272),
        (420, 24, 288),
        (70, 40, 16),
        (16, 1, 0),
    ],
)
def test_contexts_are_shorter_where_windows_would_be_few(n: int, horizon: int, context: int):
    assert choose_context(n, horizon, most=512, patch=16) == context


def test_rivals_fit_into_a_short_context():
    context = np.random.default_rng(0).normal(size=(2, 8, 3))
    for name, rival in make_rivals(8).items():
        assert rival.forecast(context, 5).shape == (2, 5, 3), name


def scores(**errors: tuple[list[float], list[float]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"forecaster": name, "smape": np.array(smape), "mae": np.array(mae)}
            for name, (smape, mae) in errors.items()
        ]
    )


def test_the_verdict_needs_both_errors_and_says_in_how_many_windows():
    six = [1.0] * 6
    rival = ([50.0] * 6, [2.0] * 6)
    table, verdict, trusted = judge(scores(m=(six, [*six[:5], 2.5]), persistence=rival), "m")
    assert trusted and verdict == (
        "trust m here: its errors are lower than those of every simple baseline (MAE 1.25 against 2 of persistence, the "
        "best of them; lower in 5 of 6 windows)"
    )
    assert table["n_better"].tolist() == [0, 5]
    _, verdict, trusted = judge(scores(m=([60.0] * 6, six), persistence=rival), "m")
    assert not trusted and "a simple baseline has a lower sMAPE" in verdict
    _, verdict, trusted = judge(scores(m=(six, [3.0] * 6), persistence=rival), "m")
    assert not trusted and "a simple baseline has a lower MAE" in verdict
    _, verdict, trusted = judge(scores(m=([60.0] * 6, [np.inf] * 6), persistence=rival), "m")
    assert not trusted and "a simple baseline has lower errors (MAE inf against 2" in verdict


def test_few_windows_are_said():
    _, verdict, _ = judge(scores(m=([1.0] * 4, [1.0] * 4), persistence=([2.0] * 4, [2.0] * 4)), "m")
    assert verdict.endswith(". 4 windows say little: test on fewer points, or with a longer series")
