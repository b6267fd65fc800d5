"""Cutting a series into patches, and masking some of them."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from panda.core.errors import PandaError


def patchify(
    series: Float[Tensor, "batch time channel"], *, patch_length: int
) -> Float[Tensor, "batch channel patch step"]:
    """Non-overlapping patches, aligned to the right: the oldest `time % patch_length` steps are dropped.

    Raises:
        PandaError: the series is shorter than one patch.
    """
    batch, time, channel = series.shape
    n_patches = time // patch_length
    if n_patches == 0:
        raise PandaError(
            f"the context has {time} steps, fewer than one patch of {patch_length}; give a longer one"
        )
    whole = series[:, time - n_patches * patch_length :]
    return whole.transpose(1, 2).reshape(batch, channel, n_patches, patch_length)


def random_mask(
    batch: int, channel: int, n_patches: int, *, mask_ratio: float, generator: torch.Generator
) -> Bool[Tensor, "batch channel patch"]:
    """Choose patches to hide, drawn apart for each sample and channel; True means hidden.

    Exactly `n_patches - floor(n_patches (1 - mask_ratio))` are hidden in every (sample, channel), each set
    of that size being equally likely. The mask lives on the generator's device. Source: the paper's masked
    pretraining.
    """
    # The small term keeps 10 * (1 - 0.9) = 0.99999... from losing the patch that exact arithmetic keeps.
    n_kept = math.floor(n_patches * (1 - mask_ratio) + 1e-9)
    noise = torch.rand(batch, channel, n_patches, generator=generator, device=generator.device)
    rank = noise.argsort(dim=-1).argsort(dim=-1)
    return rank >= n_kept
