"""A small sample of our own outputs, kept from when the golden tests passed; needs no golden data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from panda.model.panda import Panda

Build = Callable[..., Panda]


@pytest.fixture
def context() -> torch.Tensor:
    time = torch.arange(70.0)
    return torch.stack((torch.sin(0.2 * time + 1), 3 * torch.cos(0.31 * time) + 5), dim=-1)[None]


def assert_frozen(ours: torch.Tensor, frozen: list[list[float]]) -> None:
    wanted = torch.tensor(frozen)
    assert (ours - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@torch.no_grad()
def test_mean_pooling(build: Build, context: torch.Tensor) -> None:
    assert_frozen(
        build()(context)[0, [0, 5, 11]],
        [[2.5084662, 14.2697620], [-2.2964385, -2.8174710], [2.8267264, 10.9730835]],
    )


@torch.no_grad()
def test_flattened_head_with_residual(build: Build, context: torch.Tensor) -> None:
    assert_frozen(
        build(pooling="flatten", residual_on_last=True)(context)[0, [0, 5, 11]],
        [[-0.4153379, 8.6783829], [4.5046868, 9.9394674], [8.4680834, 10.9193954]],
    )


@torch.no_grad()
def test_completion(build: Build, context: torch.Tensor) -> None:
    mask = torch.zeros(1, 2, 8, dtype=torch.bool)
    mask[0, 0, 2] = mask[0, 1, 5] = True
    out = build(head="mlm", embedding="linear").complete(context, mask)
    assert_frozen(out.completed[0, :, 5, [0, 7]], [[-1.9593627, -2.0790033], [-0.7821863, -1.6647605]])
