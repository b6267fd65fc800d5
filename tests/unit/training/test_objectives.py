from __future__ import annotations

import pytest
import torch

from panda.config import Recipe
from panda.model.panda import Completion, Forecast
from panda.training.objectives import completion_loss, forecast_loss

BASE = {
    "pooling": "mean",
    "residual_on_last": False,
    "loss": "mse",
    "loss_space": "data",
    "smape_weight": 0.0,
    "step_power": 0.0,
    "n_passes": 1,
    "average_decay": 0.0,
    "optimiser": "adamw",
    "learning_rate": 1e-3,
    "muon_learning_rate": 0.0,
    "weight_decay": 0.0,
    "betas": (0.9, 0.999),
    "eps": 1e-8,
    "warmup_fraction": 0.1,
    "max_grad_norm": 1.0,
}


@pytest.mark.parametrize(
    ("loss", "space", "wanted"),
    [
        # Errors 2 and 4 in data units, 1 and 0.5 when divided by the scales 2 and 8.
        ("mse", "data", (4 + 16) / 2),
        ("mse", "normalised", (1 + 0.25) / 2),
        ("mae", "data", (2 + 4) / 2),
        ("mae", "normalised", (1 + 0.5) / 2),
        ("huber", "data", (1.5 + 3.5) / 2),
        ("huber", "normalised", (0.5 + 0.125) / 2),
    ],
)
def test_forecast_losses(loss: str, space: str, wanted: float) -> None:
    loc, scale = torch.tensor([[[10.0, -5.0]]]), torch.tensor([[[2.0, 8.0]]])
    normalised = torch.tensor([[[0.5, 0.25]]])
    forecast = Forecast(loc + scale * normalised, normalised, loc, scale)
    future = forecast.prediction + torch.tensor([[[2.0, -4.0]]])
    recipe = Recipe(**{**BASE, "loss": loss, "loss_space": space})
    assert forecast_loss(forecast, future, recipe).item() == pytest.approx(wanted)


def _loss(normalised: list[float], truth: list[float], **changes: object) -> float:
    """The loss of a forecast and its truth, in the units of the context, of one channel."""
    one = torch.ones(1, 1, 1)
    values = torch.tensor(normalised)[None, :, None]
    recipe = Recipe(**{**BASE, "loss": "mae", "loss_space": "normalised", **changes})
    forecast = Forecast(3 + 2 * values, values, 3 * one, 2 * one)
    return forecast_loss(forecast, 3 + 2 * torch.tensor(truth)[None, :, None], recipe).item()


def test_a_smape_term_is_added_in_units_of_the_context() -> None:
    # Absolute errors 1 and 2; relative ones 2 * 1 / 3 and 2 * 2 / 4.
    loss = _loss([1.0, 3.0], [2.0, 1.0], smape_weight=0.5)
    assert loss == pytest.approx(1.5 + 0.5 * (2 / 3 + 1) / 2, rel=1e-3)


def test_step_weights_fall_and_have_mean_one() -> None:
    # Weights 1 and 1/2 over their mean 3/4.
    assert _loss([0.0, 0.0], [1.0, 4.0], step_power=1.0) == pytest.approx((1 / 0.75 + 4 * 0.5 / 0.75) / 2)
    assert _loss([0.0, 0.0], [2.0, 2.0], step_power=0.7) == pytest.approx(2.0)


def test_completion_loss_counts_hidden_patches_only() -> None:
    patches = torch.zeros(1, 2, 2, 4)
    completed = patches.clone()
    completed[0, 0, 1], completed[0, 1, 0], completed[0, 1, 1] = 1.0, 2.0, 100.0
    mask = torch.tensor([[[False, True], [True, False]]])
    one = torch.ones(1, 1, 2)
    loss = completion_loss(Completion(completed, patches, mask, one, one))
    assert loss.item() == pytest.approx((1.0 + 4.0) / 2)
    assert completion_loss(Completion(completed, patches, ~mask, one, one)).item() == pytest.approx(5000.0)
