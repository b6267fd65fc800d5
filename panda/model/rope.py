"""Partial rotary position embedding: some pairs of a head's features turn with position, the rest do not."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Rotation(NamedTuple):
    """Cosine and sine of every position's angle for every pair of features."""

    cos: Float[Tensor, "position pair"]
    sin: Float[Tensor, "position pair"]


def rotation(
    n_positions: int, head_dim: int, *, rope_fraction: float, max_wavelength: float, like: Tensor
) -> Rotation:
    """The angles `position / max_wavelength^(2j / head_dim)` of pair j, zero for the pairs that do not turn.

    Of the `head_dim / 2` pairs the first `floor(rope_fraction head_dim / 2)` turn (p-RoPE, arXiv 2410.06205).
    The tables take dtype and device of `like`.
    """
    n_pairs = head_dim // 2
    n_turning = int(rope_fraction * head_dim // 2)
    pair = torch.arange(n_pairs, device=like.device, dtype=like.dtype)
    frequency = torch.where(pair < n_turning, max_wavelength ** (-2 * pair / head_dim), 0.0)
    position = torch.arange(n_positions, device=like.device, dtype=like.dtype)
    angle = position[:, None] * frequency
    return Rotation(angle.cos(), angle.sin())


def rotate(
    heads: Float[Tensor, "*lead position feature"], by: Rotation
) -> Float[Tensor, "*lead position feature"]:
    """Turn features j and `j + head_dim / 2`, as a point of a plane, by the position's angle."""
    first, second = heads.chunk(2, dim=-1)
    return torch.cat((first * by.cos - second * by.sin, second * by.cos + first * by.sin), dim=-1)
