"""Scores: columns, units, failures, and what they may not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from panda.config import Evaluate
from panda.core.errors import PandaError
from panda.evaluation.forecaster import Checked, Forecaster
from panda.evaluation.forecasts import forecast_windows
from panda.evaluation.score import example_forecasts, pointwise
from panda.evaluation.score import score as score_forecasts
from panda.evaluation.summary import by_system, summarise, unseen_founders
from panda.evaluation.windows import draw_windows


def score(forecaster, windows, settings):
    return score_forecasts(forecast_windows(forecaster, windows, settings), windows, settings)


def examples(forecaster, windows, settings):
    made = forecast_windows(forecaster, windows, settings)
    return example_forecasts([made], windows, settings, seed=1)


class Last:
    name = "last"

    def forecast(self, context, horizon):
        return np.repeat(context[:, -1:], horizon, axis=1)


class Broken:
    """Half a forecast, then nothing, in every window that starts low."""

    name = "broken"

    def forecast(self, context, horizon):
        forecast = np.repeat(context[:, -1:], horizon, axis=1)
        forecast[context[:, 0, 0] < 0, horizon // 2 :] = np.inf
        return forecast


class Short:
    name = "short"

    def forecast(self, context, horizon):
        return context[:, :1]


class Vandal:
    name = "vandal"

    def forecast(self, context, horizon):
        context[:] = 0


def test_scores_do_not_depend_on_batch_or_order(store, reversed_store, settings: Evaluate) -> None:
    one = score(Last(), draw_windows(store, settings, seed=1), settings)
    for size in (1, 64):
        other = score(
            Last(),
            draw_windows(reversed_store, settings, seed=1),
            settings.model_copy(update={"batch_size": size}),
        )
        assert one.equals(other)
    assert len(one) == 18 * 2 * 3
    assert list(one.columns[:4]) == ["forecaster", "system", "name", "driver"]


def test_valid_time_is_in_lyapunov_times(store, settings: Evaluate) -> None:
    scores = score(Last(), draw_windows(store, settings, seed=1), settings)
    steps = scores["valid_time"] / (0.1 * 0.5)
    assert np.allclose(steps, steps.round()) and (steps >= 1).all()
    assert (steps[scores["valid_time_censored"]] == scores["horizon"][scores["valid_time_censored"]]).all()
    store.table["largest_exponent"] = -1.0
    assert score(Last(), draw_windows(store, settings, seed=1), settings)["valid_time"].isna().all()


def test_scores_keep_no_unit(settings: Evaluate) -> None:
    rng = np.random.default_rng(0)
    forecast, context, truth = (rng.normal(size=(4, n, 3)) for n in (96, 128, 96))
    scale, shift = np.array([2.0, 1e3, 1e-4]), np.array([5.0, -1e3, 0.1])
    plain = pointwise(forecast, context, truth, settings)
    moved = pointwise(*(shift + scale * a for a in (forecast, context, truth)), settings)
    for metric, values in plain.items():
        assert np.allclose(values, moved[metric], rtol=1e-6, atol=1e-9), metric


def test_a_constant_context_channel_does_not_blow_up(settings: Evaluate) -> None:
    rng = np.random.default_rng(0)
    forecast, context, truth = (rng.normal(size=(1, n, 2)) for n in (96, 128, 96))
    for constant in (0.0, 0.1, 1e6):
        context[:, :, 1] = constant
        truth[:, :, 1] = constant + 1.0
        forecast[:, :, 1] = constant
        scores = pointwise(forecast, context, truth, settings)
        assert scores["mse"].max() < 10, constant


def test_failed_forecasts_are_counted_and_score_the_worst(store, settings: Evaluate) -> None:
    windows = draw_windows(store, settings, seed=1)
    scores = score(Broken(), windows, settings)
    failed = scores[scores["failed"]]
    assert 0 < len(failed) < len(scores)
    assert (failed["horizon"] > 48).all()
    assert (failed["smape"] == 200).all() and np.isinf(failed["mse"]).all()
    names = by_system(scores)
    with_failure = names[names["failed"] > 0]
    assert np.isinf(with_failure["mse"]).all()
    summary = summarise(scores, settings, held_out=(), seed=1)
    row = summary[
        (summary["metric"] == "mse") & (summary["horizon"] == 96) & (summary["population"] == "all")
    ]
    assert np.isinf(row["mean"]).all() and row["failed"].iloc[0] > 0
    assert not np.isnan(row["median_high"]).any()


def test_the_guard_refuses_what_breaks_the_interface() -> None:
    context = np.zeros((2, 8, 3))
    with pytest.raises(PandaError, match=r"short: the forecast is \(2, 1, 3\)"):
        Checked(Short()).forecast(context, 4)
    with pytest.raises(ValueError, match="read-only"):
        Checked(Vandal()).forecast(context, 4)
    with pytest.raises(PandaError, match="finite"):
        Checked(Last()).forecast(np.full((2, 8, 3), np.nan), 4)
    assert isinstance(Checked(Last()), Forecaster)


def test_examples_are_the_same_windows_for_all(store, reversed_store, settings: Evaluate) -> None:
    last = examples(Last(), draw_windows(store, settings, seed=1), settings)
    broken = examples(Broken(), draw_windows(reversed_store, settings, seed=1), settings)
    for key in ("context", "truth", "names", "systems"):
        np.testing.assert_array_equal(last[key], broken[key])  # NaN where a system has fewer channels
    assert last["context"].shape[:2] == (4, 128) and last["forecast"].shape[:3] == (1, 4, 96)
    assert last["forecasters"].tolist() == ["last"] and last["dt"].tolist() == [0.1] * 4
    assert last["truth"].dtype == np.float32
    assert np.array_equal(last["forecast"][0, :, 0], last["context"][:, -1], equal_nan=True)


def test_summary_has_a_row_for_every_population_horizon_and_metric(store, settings: Evaluate) -> None:
    scores = score(Last(), draw_windows(store, settings, seed=1), settings)
    names = by_system(scores)
    assert len(names) == 6 * 3
    expected = scores[(scores["name"] == "A_B") & (scores["horizon"] == 64)]["smape"].mean()
    got = names[(names["name"] == "A_B") & (names["horizon"] == 64)]["smape"].iloc[0]
    assert got == pytest.approx(expected)
    summary = summarise(scores, settings, held_out=(), seed=1)
    assert len(summary) == 3 * 3 * 5
    row = (
        summary[(summary["population"] == "skew") & (summary["horizon"] == 64)].set_index("metric").loc["mae"]
    )
    values = names[(names["population"] == "skew") & (names["horizon"] == 64)]["mae"]
    assert row["median"] == pytest.approx(values.median())
    assert row["median_low"] <= row["median"] <= row["median_high"]
    assert row["n_systems"] == row["n_clusters"] == 4
    spearman = summary[summary["metric"] == "spearman"]
    assert (spearman["n_systems"] == 0).all() and spearman["median"].isna().all()


def test_what_is_resampled_is_a_name_or_where_founders_are_unknown_a_series(
    store, settings: Evaluate
) -> None:
    scores = score(Last(), draw_windows(store, settings, seed=1), settings)
    known = summarise(scores, settings, held_out=(), seed=1)
    assert set(known["unit"]) == {"name"} and known["n_clusters"].max() == 6
    unknown = summarise(scores.assign(driver="", population="series"), settings, held_out=(), seed=1)
    assert set(unknown["unit"]) == {"series"} and unknown["n_clusters"].max() == 18
    assert set(unknown["population"]) == {"all"}


def test_founders_are_unseen_by_the_split_of_the_series(smoke) -> None:
    founders = smoke.discover.founders
    assert unseen_founders("test", founders) == unseen_founders("long", founders) == founders.test_names
    assert unseen_founders("validation", founders) == founders.validation
    assert unseen_founders("train", founders) == unseen_founders("my/lasers.npz", founders) == ()


def test_strict_and_fast_test_systems_are_summarised_apart(store, settings: Evaluate) -> None:
    """Strict is a matter of the name, fast of the system: of A_B only one parameter set is."""
    scores = score(Last(), draw_windows(store, settings, seed=1), settings)
    scores["strict"] = scores["name"].isin(["A_B", "Rossler"])
    scores.loc[scores["system"] == "A_B-pp1", "largest_exponent"] = 1.01  # dt is 0.1: 9.9 points
    scores.loc[scores["system"] == "B_A-pp1", "largest_exponent"] = 0.99
    scores.loc[scores["system"] == "B_A-pp2", "largest_exponent"] = np.nan
    summary = summarise(scores, settings, held_out=("A", "Rossler", "Lorenz"), seed=1)
    at = summary[(summary["metric"] == "mae") & (summary["horizon"] == 64)].set_index("population")
    assert at["n_systems"].to_dict() == {"all": 6, "founder": 2, "skew": 4, "strict": 2, "fast": 1}
    assert at["n_founders"].to_dict() == {"all": 3, "founder": 2, "skew": 1, "strict": 2, "fast": 1}
    of_fast = scores[(scores["system"] == "A_B-pp1") & (scores["horizon"] == 64)]
    assert at.loc["fast", "median"] == pytest.approx(of_fast["mae"].mean())
    # The others are what they are without the two.
    plain = summarise(scores.assign(strict=False), settings, held_out=(), seed=1)
    kept = summary[summary["population"].isin(["all", "founder", "skew"])].drop(columns="n_founders")
    other = plain[plain["population"] != "fast"].drop(columns="n_founders")
    assert kept.reset_index(drop=True).equals(other.reset_index(drop=True))
