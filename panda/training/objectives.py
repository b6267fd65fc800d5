"""What training makes small: the error of a forecast, or of the patches that were hidden."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from panda.config import Recipe
from panda.model.panda import Completion, Forecast

# Where Huber's loss turns from square to straight, in the units of the loss (the reference code's).
_HUBER_DELTA = 1.0
# Keeps two values near zero from asking for infinite precision; in the context's units.
_SMAPE_EPS = 1e-3
# Keeps a mask without any hidden patch from dividing by zero (the reference code's).
_MASK_EPS = 1e-10


def forecast_loss(
    forecast: Forecast, future: Float[Tensor, "batch horizon channel"], recipe: Recipe
) -> Float[Tensor, ""]:
    """Mean over batch, horizon and channels of `l(prediction - future)`.

    `recipe.loss` gives l: square (`mse`), absolute value (`mae`), or Huber's with delta 1.
    `recipe.loss_space` gives the units: `data`, those of `future` (the paper's MSE), or `normalised`, where
    both sides are measured in the context's mean and spread, so that every channel weighs alike.

    Two terms are not in the paper. `recipe.smape_weight` adds that multiple of `2 |p - a| / (|p| + |a|)`, p and a
    being prediction and future in the context's units: it pays for amplitude where l alone prefers the mean. With
    `recipe.step_power` q, step t (1 is the first) weighs `t^-q` over the mean of these weights.
    """
    actual = (future - forecast.loc) / forecast.scale
    if recipe.loss_space == "normalised":
        error = _elementwise(forecast.normalised, actual, recipe)
    else:
        error = _elementwise(forecast.prediction, future, recipe)
    if recipe.smape_weight:
        size = forecast.normalised.abs() + actual.abs()
        error = error + recipe.smape_weight * 2 * (forecast.normalised - actual).abs() / (size + _SMAPE_EPS)
    if recipe.step_power:
        steps = torch.arange(1, error.shape[1] + 1, device=error.device, dtype=error.dtype)
        weight = steps**-recipe.step_power
        error = error * (weight / weight.mean())[None, :, None]
    return error.mean()


def _elementwise(
    predicted: Float[Tensor, "batch horizon channel"],
    actual: Float[Tensor, "batch horizon channel"],
    recipe: Recipe,
) -> Float[Tensor, "batch horizon channel"]:
    if recipe.loss == "mse":
        return functional.mse_loss(predicted, actual, reduction="none")
    if recipe.loss == "mae":
        return functional.l1_loss(predicted, actual, reduction="none")
    return functional.huber_loss(predicted, actual, delta=_HUBER_DELTA, reduction="none")


def completion_loss(completion: Completion) -> Float[Tensor, ""]:
    """Mean squared error in normalised units over the hidden patches only.

    `sum_p m_p mean_step (completed_p - patch_p)^2 / (sum_p m_p + 1e-10)`, m = 1 for hidden patches. Source:
    the paper's masked pretraining.
    """
    error = (completion.completed - completion.patches).square().mean(dim=-1)
    hidden = completion.mask.to(error.dtype)
    return (error * hidden).sum() / (hidden.sum() + _MASK_EPS)
