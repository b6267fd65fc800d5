"""Completions: masks, polarity of the imputers, and scores on hidden points alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from panda.config import Evaluate
from panda.core import seeds
from panda.core.errors import PandaError
from panda.evaluation.completions import IMPUTERS, draw_mask, hidden_scores, score_completions
from panda.evaluation.forecaster import Checked
from panda.evaluation.panda_forecaster import PandaForecaster
from panda.evaluation.windows import draw_windows
from panda.model.panda import Panda


def shape(smoke, head: str):
    own = smoke.train.model_shape("panda_mlm" if head == "mlm" else "panda_mlm_sft")
    return own.model_copy(update={"n_layers": 1, "context_length": 128, "prediction_length": 32})


@pytest.fixture
def mlm(smoke) -> Panda:
    return Panda(shape(smoke, "mlm"), torch.Generator().manual_seed(0))


def test_exactly_half_of_each_channel_is_hidden() -> None:
    mask = draw_mask(seeds.generator(1, "x"), n_channels=200, n_patches=8, mask_ratio=0.5)
    assert (mask.sum(axis=1) == 4).all()
    assert not (mask == mask[0]).all()
    assert np.allclose(mask.mean(axis=0), 0.5, atol=0.15)


@pytest.mark.parametrize("name", sorted(IMPUTERS))
def test_imputers_see_the_visible_points_only(name: str) -> None:
    rng = np.random.default_rng(0)
    truth = np.cumsum(rng.normal(size=(2, 64, 3)), axis=1)
    hidden = np.repeat(rng.random((2, 8, 3)) < 0.5, 8, axis=1)
    hidden[:, :8], hidden[:, -8:] = True, True
    hidden[:, 24:32] = False
    filled = IMPUTERS[name](truth, hidden)
    assert np.array_equal(filled[~hidden], truth[~hidden])
    other = np.where(hidden, 1e6, truth)
    assert np.array_equal(IMPUTERS[name](other, hidden)[hidden], filled[hidden])
    for b, c in np.ndindex(2, 3):
        seen = truth[b, ~hidden[b, :, c], c]
        assert filled[b, 0, c] == pytest.approx(seen[0]) and filled[b, -1, c] == pytest.approx(seen[-1])


def test_imputers_are_exact_where_they_should_be() -> None:
    t = np.linspace(-1, 1, 64)[None, :, None]
    hidden = np.zeros((1, 64, 1), dtype=bool)
    hidden[:, 24:32] = True
    assert np.allclose(IMPUTERS["linear_interpolation"](3 * t + 1, hidden), 3 * t + 1)
    assert np.allclose(IMPUTERS["cubic_spline"](t**3, hidden), t**3, atol=1e-3)
    assert np.array_equal(IMPUTERS["persistence"](t, hidden)[0, 24:32, 0], np.full(8, t[0, 23, 0]))


def test_scores_look_at_hidden_points_only() -> None:
    rng = np.random.default_rng(0)
    truth, hidden = rng.normal(size=(2, 40, 2)), rng.random((2, 40, 2)) < 0.5
    completion = np.where(hidden, truth + 0.5, 1e9)
    scores = hidden_scores(completion, truth, hidden)
    assert np.allclose(scores["mae"], 0.5) and np.allclose(scores["rmse"], 0.5)
    assert np.allclose(scores["pearson"], 1)
    p, q, m = completion[0, :, 0] ** 2, truth[0, :, 0], hidden[0, :, 0]
    r = hidden_scores(completion[:1, :, :1] ** 2, truth[:1, :, :1], hidden[:1, :, :1])["pearson"]
    assert r[0] == pytest.approx(np.corrcoef(p[m], q[m])[0, 1])


def test_completions_of_a_model(store, reversed_store, settings: Evaluate, mlm: Panda) -> None:
    def run(trajectories, batch_size: int):
        own = settings.model_copy(update={"batch_size": batch_size})
        windows = draw_windows(trajectories, own, seed=1)
        return score_completions(mlm, windows, own, name="panda_mlm", threads=1, device="cpu", seed=1)

    one, other = run(store, 5), run(reversed_store, 64)
    table = one.table
    assert set(table["forecaster"]) == {"panda_mlm", *IMPUTERS} and set(table["metric"]) == {
        "mae",
        "rmse",
        "pearson",
    }
    assert len(table) == 18 * 4 * 3
    assert np.allclose(table["value"], other.table["value"], atol=1e-5)
    arrays = one.arrays
    assert arrays["truth"].shape == arrays["completion"].shape == (2, 128, 3)
    assert arrays["mask"].shape == (2, 3, 8) and (arrays["mask"].sum(axis=2) == 4).all()
    hidden = np.repeat(arrays["mask"], 16, axis=2).transpose(0, 2, 1)
    assert np.array_equal(arrays["completion"][~hidden], arrays["truth"][~hidden])
    assert not np.array_equal(arrays["completion"][hidden], arrays["truth"][hidden])
    assert np.allclose(arrays["truth"].mean(axis=1), 0, atol=1e-4)


def test_panda_forecaster_moves_with_the_units(smoke) -> None:
    model = Panda(shape(smoke, "forecast"), torch.Generator().manual_seed(0))
    forecaster = PandaForecaster(
        model, name="panda", batch_size=2, standardise_eps=1e-10, threads=1, device="cpu"
    )
    context = np.cumsum(np.random.default_rng(0).normal(size=(5, 128, 3)), axis=1)
    forecast = forecaster.forecast(context, 70)
    assert forecast.shape == (5, 70, 3) and np.isfinite(forecast).all()
    moved = forecaster.forecast(1e4 + 1e-3 * context, 70)
    assert np.allclose((moved - 1e4) / 1e-3, forecast, atol=1e-3)
    assert np.allclose(forecaster.forecast(context[3:4], 70), forecast[3:4], atol=1e-5)
    assert np.allclose(forecaster.forecast(context, 32), forecast[:, :32])


def lively(smoke) -> Panda:
    """A random forecast model whose output answers to its context, as one with small weights hardly does."""
    model = Panda(shape(smoke, "forecast"), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0)
    return model


def test_raw_contexts_differ_by_the_models_scale_eps_alone(smoke) -> None:
    """In units u the model adds scale_eps to a variance of u^2: relative to the signal, scale_eps / u^2."""
    model = lively(smoke)
    standardised, raw = (
        PandaForecaster(
            model, name="panda", batch_size=2, standardise_eps=1e-10, threads=1, device="cpu", raw=raw
        )
        for raw in (False, True)
    )
    # One pass of the model, so that its own errors are not fed back.
    context = np.cumsum(np.random.default_rng(0).normal(size=(5, 128, 3)), axis=1)
    context /= context.std(axis=1, keepdims=True)
    right = standardised.forecast(context, 16)
    moves = {}
    for unit in (1e-2, 0.1, 1.0, 1e2):
        np.testing.assert_allclose(
            standardised.forecast(unit * context, 16), unit * right, rtol=1e-9, atol=1e-9 * unit
        )
        moves[unit] = np.abs(raw.forecast(unit * context, 16) / unit - right).max()
    assert moves[1.0] < 1e-3 and moves[1e2] < 1e-3
    assert 30 < moves[1e-2] / moves[0.1] < 300 and moves[1e-2] > 0.1
    # That is all there is between them: with a scale_eps as small as the units, raw ones agree again.
    size = model.shape.scale_eps
    model.shape = model.shape.model_copy(update={"scale_eps": size * 1e-6})
    np.testing.assert_allclose(raw.forecast(1e-3 * context, 16) / 1e-3, right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("raw", [False, True])
def test_points_that_the_model_does_not_see_do_not_move_its_forecast(smoke, raw: bool) -> None:
    forecaster = PandaForecaster(
        lively(smoke), name="panda", batch_size=2, standardise_eps=1e-10, threads=1, device="cpu", raw=raw
    )
    n = forecaster.model.shape.context_length
    context = np.cumsum(np.random.default_rng(0).normal(size=(2, n, 3)), axis=1)
    early = 1e4 * np.random.default_rng(1).normal(size=(2, 100, 3))
    longer = forecaster.forecast(np.concatenate([early, context], axis=1), 40)
    assert np.array_equal(longer, forecaster.forecast(context, 40))


@pytest.mark.parametrize("value", [7.0, 0.0, 1e-6, -1e9])
def test_a_constant_channel_is_forecast_as_it_is(smoke, value: float) -> None:
    forecaster = PandaForecaster(
        lively(smoke), name="panda", batch_size=2, standardise_eps=1e-10, threads=1, device="cpu"
    )
    n = forecaster.model.shape.context_length
    wave = np.sin(np.arange(n + 50) / 9.0)
    late = np.where(np.arange(n + 50) < 50, wave, value)
    context = np.stack([wave, np.full(n + 50, value), late], axis=1)[None]
    forecast = forecaster.forecast(context, 40)[0]
    assert (forecast[:, 1:] == value).all() and np.ptp(forecast[:, 0]) > 0


@pytest.mark.parametrize("n_times", [0, 1, 15])
def test_a_context_shorter_than_a_patch_or_with_gaps_is_one_line(smoke, n_times: int) -> None:
    forecaster = PandaForecaster(
        lively(smoke), name="panda", batch_size=2, standardise_eps=1e-10, threads=1, device="cpu"
    )
    for context in (np.zeros((1, n_times, 2)), np.full((1, 64, 2), np.nan)):
        with pytest.raises(PandaError, match=r"the context must be|shorter than a patch"):
            Checked(forecaster).forecast(context, 4)


@pytest.mark.parametrize("raw", [False, True])
def test_two_channels_are_forecast_as_three_are(smoke, raw: bool) -> None:
    forecaster = PandaForecaster(
        lively(smoke), name="panda", batch_size=2, standardise_eps=1e-10, threads=1, device="cpu", raw=raw
    )
    context = np.cumsum(np.random.default_rng(0).normal(size=(3, 128, 2)), axis=1)
    forecast = forecaster.forecast(context, 40)
    assert forecast.shape == (3, 40, 2) and np.isfinite(forecast).all()


def test_a_completion_model_does_not_forecast(mlm: Panda) -> None:
    with pytest.raises(PandaError, match="does not forecast"):
        PandaForecaster(mlm, name="x", batch_size=2, standardise_eps=1e-10, threads=1, device="cpu")
