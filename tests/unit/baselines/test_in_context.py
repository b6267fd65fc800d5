"""Baselines that learn nothing: exact on toys, blind to the future, and moving with units and channels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import registry
from baselines.fourier import FourierPeriodic, FourierResampled
from baselines.linear_ar import InContextAR
from baselines.parrot import ContextParrot, nearest_piece
from panda.config import Baselines
from panda.config.baselines import settings_of
from panda.core.baseline_files import FOLDER, read_baselines
from panda.core.errors import PandaError
from panda.evaluation.forecaster import Checked, Forecaster

Fourier, LinearAR, Parrot = (
    settings_of(stem, read_baselines(FOLDER / f"{stem}.py")) for stem in ("fourier", "linear_ar", "parrot")
)
EPS = 1e-10
# Those with an `extra` are tested where it is installed.
UNTRAINED = [
    name for name in registry.names() if not (registry.info(name).trained or registry.info(name).extra)
]


def make(name: str, smoke) -> Forecaster:
    own: Baselines = smoke.baselines
    return registry.create(name, own, state=None, seed=1, standardise_eps=EPS, threads=1)


def chaotic(batch: int, n_times: int, n_channels: int, seed: int) -> np.ndarray:
    """A logistic map seen through smooth observables: bounded, never the same twice."""
    rng = np.random.default_rng(seed)
    x, out = rng.random((batch, n_channels)), np.empty((batch, n_times, n_channels))
    level = np.zeros_like(x)
    for t in range(n_times):
        x = 3.9 * x * (1 - x)
        level = 0.8 * level + x
        out[:, t] = level
    return out


@pytest.mark.parametrize("name", UNTRAINED)
def test_units_channels_and_neighbours(name: str, smoke) -> None:
    forecaster = Checked(make(name, smoke))
    context = chaotic(4, 256, 3, seed=0)
    forecast = forecaster.forecast(context, 100)
    assert np.isfinite(forecast).all() and forecaster.n_failed == 0
    scale, shift = np.array([3.0, 1e-3, 1e3]), np.array([1.0, -2.0, 500.0])
    moved = forecaster.forecast(shift + scale * context, 100)
    assert np.allclose((moved - shift) / scale, forecast, atol=1e-4)
    permuted = forecaster.forecast(context[:, :, [2, 0, 1]], 100)
    assert np.allclose(permuted, forecast[:, :, [2, 0, 1]], atol=1e-4)
    alone = forecaster.forecast(context[2:3], 100)
    assert np.allclose(alone, forecast[2:3], atol=1e-9)
    assert np.array_equal(forecaster.forecast(context, 100), forecast)


@pytest.mark.parametrize("name", [n for n in UNTRAINED if n != "fourier"])
def test_a_shorter_horizon_is_the_start_of_a_longer_one(name: str, smoke) -> None:
    context = chaotic(2, 256, 3, seed=1)
    forecaster = make(name, smoke)
    assert np.allclose(forecaster.forecast(context, 30), forecaster.forecast(context, 90)[:, :30])


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_constant_channel_stays_finite(name: str, smoke) -> None:
    context = chaotic(2, 256, 3, seed=2)
    context[:, :, 1] = 0.1
    forecast = make(name, smoke).forecast(context, 50)
    assert np.allclose(forecast[:, :, 1], 0.1, atol=1e-6)


def test_persistence_and_context_mean(smoke) -> None:
    context = chaotic(2, 64, 3, seed=3)
    assert np.array_equal(make("persistence", smoke).forecast(context, 5)[:, 4], context[:, -1])
    assert np.allclose(make("context_mean", smoke).forecast(context, 5)[:, 4], context.mean(axis=1))


@settings(max_examples=20, deadline=None)
@given(st.integers(7, 60), st.integers(1, 20), st.booleans())
def test_parrot_is_exact_on_periodic_signals(period: int, window: int, anchored: bool) -> None:
    t = np.arange(700)
    phase = 2 * np.pi * t / period
    series = np.stack([np.sin(phase), 5 + np.cos(phase)], axis=1)[None]
    parrot = ContextParrot(Parrot(window=window), standardise_eps=EPS, anchored=anchored)
    assert np.allclose(parrot.forecast(series[:, :300], 400), series[:, 300:], atol=1e-6)


def test_nearest_piece_equals_a_plain_search() -> None:
    series = chaotic(5, 90, 2, seed=4)
    found = nearest_piece(series, window=6)
    for b in range(5):
        distances = [np.sum((series[b, s : s + 6] - series[b, 84:]) ** 2) for s in range(90 - 12 + 1)]
        assert found[b] == int(np.argmin(distances))


def test_the_anchored_copy_starts_from_the_last_value() -> None:
    t = np.arange(400)
    drifting = (np.sin(2 * np.pi * t / 25) + 0.001 * t)[None, :, None]
    anchored = ContextParrot(Parrot(window=10), standardise_eps=EPS, anchored=True)
    plain = ContextParrot(Parrot(window=10), standardise_eps=EPS, anchored=False)
    truth = drifting[:, 300:]
    # The piece one period earlier followed the same path, one period's drift below.
    assert np.allclose(anchored.forecast(drifting[:, :300], 20), truth[:, :20], atol=1e-6)
    error = plain.forecast(drifting[:, :300], 20) - truth[:, :20]
    assert np.allclose(error, -0.025, atol=1e-6)


def test_linear_ar_is_exact_on_a_linear_system() -> None:
    angle = 0.2
    step = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0.1, 0, 0.5]])
    states = [np.array([1.0, 0.0, 2.0])]
    for _ in range(599):
        states.append(step @ states[-1] + np.array([0.0, 0.3, 1.0]))
    series = np.array(states)[None]
    ar = InContextAR(LinearAR(order=3, ridge=1e-12), standardise_eps=EPS)
    assert np.allclose(ar.forecast(series[:, :300], 300), series[:, 300:], atol=1e-4)


def test_linear_ar_is_the_same_from_lags_and_from_times() -> None:
    """With more lags than equations the dual system is solved; its weights are those of ridge regression."""
    context = chaotic(1, 60, 4, seed=5)
    order, ridge = 20, 1e-2
    forecast = InContextAR(LinearAR(order=order, ridge=ridge), standardise_eps=EPS).forecast(context, 1)
    mean, spread = context[0].mean(axis=0), context[0].std(axis=0)
    z = (context[0] - mean) / spread
    x = np.array([z[t - order : t].ravel() for t in range(order, 60)])
    y = z[order:]
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    weights = np.linalg.solve(xc.T @ xc / len(x) + ridge * np.eye(x.shape[1]), xc.T @ yc / len(x))
    expected = y.mean(axis=0) + (z[-order:].ravel() - x.mean(axis=0)) @ weights
    assert np.allclose(forecast[0, 0], mean + spread * expected)


def test_a_growing_mode_is_held_near_the_range_seen() -> None:
    context = (1.05 ** np.arange(200))[None, :, None]
    forecast = InContextAR(LinearAR(order=2, ridge=1e-12), standardise_eps=EPS).forecast(context, 400)
    width = context.max() - context.min()
    assert forecast.max() == pytest.approx(context.max() + 0.5 * width)


def test_fourier_continues_tones_that_fit() -> None:
    t = np.arange(512)
    series = (3 + np.sin(2 * np.pi * 4 * t / 256) + 0.5 * np.cos(2 * np.pi * 9 * t / 256))[None, :, None]
    for n_harmonics in (0, 2):
        forecast = FourierPeriodic(Fourier(n_harmonics=n_harmonics)).forecast(series[:, :256], 256)
        assert np.allclose(forecast, series[:, 256:])
    strongest = FourierPeriodic(Fourier(n_harmonics=1)).forecast(series[:, :256], 256)[0, :, 0]
    assert np.allclose(strongest, 3 + np.sin(2 * np.pi * 4 * t[256:] / 256))


def test_the_reference_fourier_stretches_the_context() -> None:
    t = np.arange(256)
    context = (3 + np.sin(2 * np.pi * 4 * t / 256))[None, :, None]
    forecast = FourierResampled(Fourier(n_harmonics=0)).forecast(context, 128)[0, :, 0]
    assert np.allclose(forecast, 3 + np.sin(2 * np.pi * 4 * np.arange(256, 384) / 384))


@pytest.mark.parametrize("name", ["linear_ar", "parrot", "parrot_anchored"])
def test_contexts_too_short_are_refused(name: str, smoke) -> None:
    with pytest.raises(PandaError, match="lower baselines"):
        make(name, smoke).forecast(np.zeros((1, 20, 3)), 5)


@pytest.mark.parametrize("name", UNTRAINED)
@pytest.mark.parametrize(
    ("context", "words"),
    [
        (np.full((1, 64, 2), np.nan), "128 of its 128 are not"),
        (np.full((1, 64, 2), np.inf), "finite"),
        (np.zeros((1, 64, 2), dtype=complex), "real numbers"),
        (np.array([[["a"]]]), "real numbers"),
        ([[[1.0], [2.0, 3.0]]], "real numbers"),
        (np.zeros((1, 0, 2)), "a step and a channel at least"),
        (np.zeros((1, 64, 0)), "a step and a channel at least"),
        (np.zeros((64, 2)), "must be"),
    ],
)
def test_a_context_that_cannot_be_continued_is_one_line(
    name: str, context: object, words: str, smoke
) -> None:
    with pytest.raises(PandaError, match=words) as error:
        make(name, smoke).forecast(context, 4)
    assert "\n" not in str(error.value) and str(error.value).startswith(f"{name}: ")


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_short_context_is_continued_or_refused_in_one_line(name: str, smoke) -> None:
    forecaster, context = make(name, smoke), chaotic(1, 3, 2, seed=0)
    for n_times in (1, 2, 3):
        try:
            forecast = forecaster.forecast(context[:, :n_times], 4)
        except PandaError as error:
            assert str(error).startswith(name.removesuffix("_anchored")) and "context" in str(error)
        else:
            assert forecast.shape == (1, 4, 2) and np.isfinite(forecast).all()


@pytest.mark.parametrize("name", UNTRAINED)
@pytest.mark.parametrize("value", [7.0, 0.0, 1e-6, -1e9])
def test_a_constant_channel_stays_constant(name: str, value: float, smoke) -> None:
    context = np.concatenate([chaotic(2, 256, 2, seed=1), np.full((2, 256, 1), value)], axis=2)
    forecast = make(name, smoke).forecast(context, 64)[:, :, 2]
    np.testing.assert_allclose(forecast, value, rtol=1e-9, atol=0)


@pytest.mark.parametrize("horizon", [0, -1])
def test_a_horizon_is_one_step_at_least(horizon: int, smoke) -> None:
    with pytest.raises(PandaError, match=f"persistence: a horizon of {horizon} steps"):
        make("persistence", smoke).forecast(np.zeros((1, 4, 1)), horizon)
