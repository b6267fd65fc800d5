"""What training makes small: the error of a forecast, or of the patches that were hidden."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from panda.config import Recipe
from panda.model.panda import Completion, Forecast

# Where Huber's loss turns from square to straight, in the units of the loss (the reference code's).
_HUBER_DELTA = 1.0
# Keeps a mask without any hidden patch from dividing by zero (the reference code's).
_MASK_EPS = 1e-10


def forecast_loss(
    forecast: Forecast, future: Float[Tensor, "batch horizon channel"], recipe: Recipe
) -> Float[Tensor, ""]:
    """Mean over batch, horizon and channels of `l(prediction - future)`.

    `recipe.loss` gives l: square (`mse`), absolute value (`mae`), or Huber's with delta 1.
    `recipe.loss_space` gives the units: `data`, those of `future` (the paper's MSE), or `normalised`, where
    both sides are measured in the context's mean and spread, so that every channel weighs alike.
    """
    if recipe.loss_space == "normalised":
        predicted, actual = forecast.normalised, (future - forecast.loc) / forecast.scale
    else:
        predicted, actual = forecast.prediction, future
    if recipe.loss == "mse":
        return functional.mse_loss(predicted, actual)
    if recipe.loss == "mae":
        return functional.l1_loss(predicted, actual)
    return functional.huber_loss(predicted, actual, delta=_HUBER_DELTA)


def completion_loss(completion: Completion) -> Float[Tensor, ""]:
    """Mean squared error in normalised units over the hidden patches only.

    `sum_p m_p mean_step (completed_p - patch_p)^2 / (sum_p m_p + 1e-10)`, m = 1 for hidden patches. Source:
    the paper's masked pretraining.
    """
    error = (completion.completed - completion.patches).square().mean(dim=-1)
    hidden = completion.mask.to(error.dtype)
    return (error * hidden).sum() / (hidden.sum() + _MASK_EPS)
