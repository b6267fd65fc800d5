"""Copies of the context as inputs: the pieces are parroting's, moved by a fraction of a step."""

import math
from collections.abc import Callable

import pytest
import torch

from baselines.parrot import nearest_piece
from panda.config import ModelShape
from panda.core.errors import PandaError
from panda.model.analogues import find_analogues
from panda.model.panda import Panda, rollout
from panda.model.weights import load_model, save_model

LENGTHS = (4, 12, 24)
WITH = {"analogues": (4, 8), "prediction_length": 16}


def _without_fraction(series, length, horizon):
    """Parroting, written out for one series at a time."""
    starts = nearest_piece(series.double().numpy(), window=length)
    n = series.shape[1]
    return torch.stack(
        [
            torch.stack([one[start + length + t % (n - start - length)] for t in range(horizon)])
            for one, start in zip(series, starts, strict=True)
        ]
    )


def test_a_copy_is_parroting_moved_by_less_than_a_step(series: Callable[..., torch.Tensor]) -> None:
    walks = series(6, 128, 3)
    found = find_analogues(walks, LENGTHS, horizon=100, n_residuals=8)
    for i, length in enumerate(LENGTHS):
        plain = _without_fraction(walks, length, 101).transpose(1, 2)
        # A walk moves by about 1 a step, half of that in half a step; a wrong piece would be far away.
        gap = (found.copies[:, :, i] - plain[..., :100]).abs().median()
        assert gap < 0.5 < (found.copies[:, :, i] - plain.roll(1, dims=0)[..., :100]).abs().median()


def test_a_period_that_is_no_whole_number_of_steps_is_continued_in_phase() -> None:
    time = torch.arange(640, dtype=torch.float64)
    wave = torch.stack([(0.0653 * time).sin(), (0.0653 * time + 1).cos()], dim=-1)[None]
    context, future = wave[:, :512], wave[:, 512:].transpose(1, 2)[:, :, None]
    found = find_analogues(context, (24, 64), horizon=128, n_residuals=8)
    rough = _without_fraction(context, 64, 128).transpose(1, 2)[:, :, None]
    assert (found.copies - future).abs().max() < 1e-3 < 5e-3 < (rough - future).abs().max()


def test_a_copy_of_an_exact_repetition_is_exact() -> None:
    piece = torch.randn(1, 32, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = find_analogues(piece.repeat(1, 4, 1), (4, 8), horizon=64, n_residuals=4)
    assert torch.allclose(found.copies[:, :, 0].transpose(1, 2), piece.repeat(1, 2, 1))
    assert torch.equal(found.distance, torch.zeros(1, 2, dtype=torch.float64))
    assert torch.equal(found.residuals, torch.zeros(1, 2, 2, 4, dtype=torch.float64))


def test_anchored_copies_start_from_the_last_value(series: Callable[..., torch.Tensor]) -> None:
    walks = series(4, 128, 3)
    found = find_analogues(walks, LENGTHS, horizon=16, n_residuals=8)
    shift = (found.anchored - found.copies)[..., 0]
    assert torch.allclose(shift, found.residuals[..., -1], atol=1e-5)


def test_lengths_are_cut_in_a_short_context(build: Callable[..., Panda]) -> None:
    model = build(**WITH)
    assert rollout(model, torch.randn(2, 9, 3), 20, sliding=True).isfinite().all()
    with pytest.raises(PandaError, match="shorter than a patch"):
        rollout(model, torch.randn(2, 7, 3), 20, sliding=True)


def test_forecasts_move_with_units_and_channels(
    build: Callable[..., Panda], series: Callable[..., torch.Tensor]
) -> None:
    model, walks = build(scale_eps=1e-12, **WITH).double(), series(3, 64, 3).double()
    plain = model(walks)
    assert torch.allclose(model(5.0 * walks - 2.0), 5.0 * plain - 2.0, atol=1e-6)
    order = [2, 0, 1]
    assert torch.allclose(model(walks[:, :, order]), plain[:, :, order], atol=1e-9)


def test_the_forecast_lies_between_its_candidates_but_for_the_correction(
    build: Callable[..., Panda], series: Callable[..., torch.Tensor]
) -> None:
    model, walks = build(**WITH), series(3, 64, 3)
    with torch.no_grad():
        n = model.head.n_candidates
        weight = model.head.projection.weight.view(16 // 2, n + 3, -1)
        weight[:, n + 1] = 0.0  # the correction
        weight[:, :n] = 0.0
        bias = model.head.projection.bias.view(16 // 2, n + 3)
        bias.zero_()
        bias[:, 2] = 100.0  # all on the first copy
    forecast = model.forecast(walks)
    series_ = (walks - forecast.loc) / forecast.scale
    copy = find_analogues(series_, (4, 8), horizon=16, n_residuals=8).copies[:, :, 0]
    assert torch.allclose(forecast.normalised.transpose(1, 2), copy, atol=1e-5)


def test_saved_and_read(build: Callable[..., Panda], series: Callable[..., torch.Tensor], tmp_path) -> None:
    model, walks = build(**WITH), series(2, 64, 3)
    save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.shape == model.shape and torch.equal(again(walks), model(walks))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"analogues": (8, 4)}, "must rise"),
        ({"analogues": (4, 33)}, "do not fit"),
        ({"analogues": (4,), "prediction_length": 12}, "must divide prediction_length"),
        ({"analogues": (4,), "head": "mlm"}, "leave them out of an MLM"),
    ],
)
def test_shapes_that_cannot_be(tiny: Callable[..., ModelShape], changes: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tiny(**{"prediction_length": 16, **changes})


def test_a_context_of_noise_gives_the_nearest_piece_of_every_length() -> None:
    noise = torch.randn(1, 200, 1, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    found = find_analogues(noise, LENGTHS, horizon=4, n_residuals=4)
    for i, length in enumerate(LENGTHS):
        end = noise[0, -length:, 0]
        gaps = [(noise[0, p : p + length, 0] - end).square().mean() for p in range(200 - 2 * length + 1)]
        assert math.isclose(found.distance[0, i], min(gaps).sqrt(), rel_tol=1e-9)
