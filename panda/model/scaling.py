"""Instance normalisation: every channel of a context to mean zero and unit spread, and back."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def location_and_scale(
    context: Float[Tensor, "batch time channel"], *, scale_eps: float
) -> tuple[Float[Tensor, "batch 1 channel"], Float[Tensor, "batch 1 channel"]]:
    """`loc = mean_t x` and `scale = sqrt(mean_t (x - loc)^2 + scale_eps)`, both in the data's units.

    A constant channel has scale `sqrt(scale_eps)`, so that its normalised values are zero.
    """
    loc = context.mean(dim=1, keepdim=True)
    scale = torch.sqrt((context - loc).square().mean(dim=1, keepdim=True) + scale_eps)
    return loc, scale
