from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from panda.config import ModelShape
from panda.model.panda import Panda

TINY = {
    "context_length": 64,
    "prediction_length": 12,
    "patch_length": 8,
    "n_layers": 2,
    "d_model": 32,
    "n_heads": 2,
    "ffn_dim": 24,
    "channel_attention": True,
    "channel_rope": False,
    "max_wavelength": 500.0,
    "rope_fraction": 0.75,
    "norm_eps": 1e-5,
    "scale_eps": 1e-5,
    "init_std": 0.2,
    "embedding": "dynamics",
    "poly_degrees": (2, 3),
    "n_poly_features": 6,
    "n_fourier_features": 12,
    "fourier_scale": 1.0,
    "head": "forecast",
    "pooling": "mean",
    "residual_on_last": False,
    "mask_ratio": 0.5,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> Callable[..., ModelShape]:
    """A small shape, with changes."""
    return lambda **changes: ModelShape(**{**TINY, **changes})


@pytest.fixture
def build(tiny: Callable[..., ModelShape]) -> Callable[..., Panda]:
    """A small model with random weights, with changes to its shape; its own seed."""

    def make(seed: int = 0, **changes: Any) -> Panda:
        return Panda(tiny(**changes), torch.Generator().manual_seed(seed)).eval()

    return make


@pytest.fixture
def series() -> Callable[..., torch.Tensor]:
    """Random walks (batch, time, channel), each channel with its own offset."""

    def make(batch: int, time: int, channel: int, seed: int = 1) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        walk = torch.randn(batch, time, channel, generator=generator).cumsum(1)
        return walk + 3 * torch.randn(batch, 1, channel, generator=generator)

    return make
