"""Muon in batches: torch's own, to the bit."""

from typing import Any

import numpy as np
import torch

from panda.training.muon import BatchedMuon, orthogonalise

# From 64 on torch computes single and batched products by the same kernel, below it does not.
SHAPES = [(64, 64), (64, 64), (128, 64), (64, 64), (64, 128), (128, 64)]
SETTINGS: dict[str, Any] = {"lr": 1e-2, "weight_decay": 0.1, "momentum": 0.95}


def _weights(seed):
    drawn = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=drawn)) for shape in SHAPES]


def test_moves_as_torch_does_to_the_bit():
    ours, theirs = _weights(0), _weights(0)
    batched = BatchedMuon(ours, precision=torch.bfloat16, **SETTINGS)
    plain = torch.optim.Muon(theirs, adjust_lr_fn="match_rms_adamw", **SETTINGS)
    drawn = torch.Generator().manual_seed(1)
    for step in range(6):
        for mine, its in zip(ours, theirs, strict=True):
            gradient = torch.randn(mine.shape, generator=drawn)
            # One without a gradient stays where it is, and its momentum too.
            mine.grad, its.grad = (
                (None, None) if step == 2 and mine is ours[3] else (gradient, gradient.clone())
            )
        batched.step()
        plain.step()
        for mine, its in zip(ours, theirs, strict=True):
            assert torch.equal(mine, its)


def test_a_state_of_torch_can_be_taken_up():
    ours, theirs = _weights(0), _weights(0)
    plain = torch.optim.Muon(theirs, adjust_lr_fn="match_rms_adamw", **SETTINGS)
    for its in theirs:
        its.grad = torch.ones_like(its)
    plain.step()
    with torch.no_grad():
        for mine, its in zip(ours, theirs, strict=True):
            mine.copy_(its)
            mine.grad = its.grad.clone()
    batched = BatchedMuon(ours, precision=torch.bfloat16, **SETTINGS)
    batched.load_state_dict(plain.state_dict())
    batched.step()
    plain.step()
    assert all(torch.equal(mine, its) for mine, its in zip(ours, theirs, strict=True))


def test_singular_values_come_near_one():
    matrices = torch.randn(5, 24, 8, generator=torch.Generator().manual_seed(2))
    turned = orthogonalise(matrices, (3.4445, -4.7750, 2.0315), n_steps=5, eps=1e-7).float()
    values = np.linalg.svd(turned.numpy(), compute_uv=False)
    assert values.min() > 0.5 and values.max() < 1.5
    assert turned.shape == matrices.shape


def test_in_single_precision_it_moves_almost_as_torch_does():
    ours, theirs = _weights(0), _weights(0)
    before = [weight.detach().clone() for weight in ours]
    batched = BatchedMuon(ours, precision=torch.float32, **SETTINGS)
    plain = torch.optim.Muon(theirs, adjust_lr_fn="match_rms_adamw", **SETTINGS)
    for mine, its in zip(ours, theirs, strict=True):
        mine.grad = torch.randn(mine.shape, generator=torch.Generator().manual_seed(3))
        its.grad = mine.grad.clone()
    batched.step()
    plain.step()
    for start, mine, its in zip(before, ours, theirs, strict=True):
        moved = (its - start).norm()
        assert 0 < (mine - its).norm() < 0.02 * moved
