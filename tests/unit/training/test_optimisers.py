from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

from panda.config import ModelShape, Recipe
from panda.core.errors import PandaError
from panda.model.panda import Panda
from panda.training.objectives import forecast_loss
from panda.training.optimisers import Optimiser, learning_rate_factor, split_parameters

SHAPE = ModelShape(
    context_length=32,
    prediction_length=4,
    patch_length=8,
    n_layers=1,
    d_model=16,
    n_heads=2,
    ffn_dim=16,
    channel_attention=True,
    channel_rope=False,
    max_wavelength=500.0,
    rope_fraction=0.75,
    norm_eps=1e-5,
    scale_eps=1e-5,
    init_std=0.1,
    embedding="linear",
    poly_degrees=(2, 3),
    n_poly_features=0,
    n_fourier_features=0,
    fourier_scale=1.0,
    head="forecast",
    pooling="flatten",
    residual_on_last=True,
    mask_ratio=0.5,
)


def recipe(**changes: Any) -> Recipe:
    base = {
        "pooling": "flatten",
        "residual_on_last": True,
        "loss": "mae",
        "loss_space": "normalised",
        "smape_weight": 0.0,
        "step_power": 0.0,
        "n_passes": 1,
        "average_decay": 0.0,
        "optimiser": "muon",
        "learning_rate": 1e-2,
        "muon_learning_rate": 1e-2,
        "weight_decay": 0.0,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "warmup_fraction": 0.1,
        "max_grad_norm": 1.0,
    }
    return Recipe(**{**base, **changes})


def model() -> Panda:
    return Panda(SHAPE, torch.Generator().manual_seed(0))


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sines with random phase: a forecast that can be learnt."""
    phase = 6.3 * torch.rand(8, 1, 2, generator=torch.Generator().manual_seed(step))
    wave = torch.sin(phase + 0.5 * torch.arange(36.0)[None, :, None])
    return wave[:, :32], wave[:, 32:]


def train(panda: Panda, optimiser: Optimiser, settings: Recipe, steps: range) -> list[float]:
    losses = []
    for step in steps:
        context, future = batch(step)
        loss = forecast_loss(panda.forecast(context), future, settings)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step(step)
        losses.append(loss.item())
    return losses


def test_the_schedule_rises_and_falls() -> None:
    factors = [learning_rate_factor(step, n_steps=100, warmup_fraction=0.1) for step in range(101)]
    assert factors[0] == 0.0
    assert factors[5] == pytest.approx(0.5)
    assert factors[10] == max(factors) == 1.0
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0.0)
    assert factors[30] == pytest.approx(0.5 * (1 + math.cos(math.pi * 20 / 90)))
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert learning_rate_factor(0, n_steps=1, warmup_fraction=0.0) == 1.0
    assert learning_rate_factor(0, n_steps=1, warmup_fraction=1.0) == 0.0


def test_parameters_are_split_into_three_without_rest() -> None:
    panda = model()
    hidden, outer, vectors = split_parameters(panda)
    names = {id(parameter): name for name, parameter in panda.named_parameters()}
    assert len(hidden) + len(outer) + len(vectors) == len(names)
    assert {names[id(p)] for p in outer} == {"encoder.embedding.projection.weight", "head.projection.weight"}
    assert all(names[id(p)].startswith("encoder.layers.") and p.ndim == 2 for p in hidden)
    # Two attentions of four maps, and the perceptron's two.
    assert len(hidden) == 10


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_training_learns(kind: str) -> None:
    torch.set_num_threads(1)
    settings, panda = recipe(optimiser=kind), model()
    losses = train(panda, Optimiser(panda, settings, n_steps=60), settings, range(60))
    assert sum(losses[-10:]) < 0.4 * sum(losses[:10])


def test_adamw_takes_the_same_first_step_as_its_formula() -> None:
    panda = model()
    settings = recipe(optimiser="adamw", warmup_fraction=0.0, weight_decay=0.1, learning_rate=0.01)
    weight = panda.head.projection.weight
    bias = panda.encoder.layers[0].ffn_in.bias
    before, bias_before = weight.detach().clone(), bias.detach().clone()
    context, future = batch(0)
    forecast_loss(panda.forecast(context), future, settings).backward()
    norm = torch.cat([p.grad.flatten() for p in panda.parameters()]).norm()
    returned = Optimiser(panda, settings, n_steps=10).step(0)
    assert torch.allclose(returned, norm)
    # At its first step Adam moves by the sign; only matrices decay.
    moved = before * (1 - 0.01 * 0.1) - 0.01 * weight.grad / (weight.grad.abs() + 1e-8)
    assert torch.allclose(weight, moved, atol=1e-6)
    assert torch.allclose(bias, bias_before - 0.01 * bias.grad / (bias.grad.abs() + 1e-8), atol=1e-6)


def test_the_joint_norm_is_clipped() -> None:
    panda = model()
    for parameter in panda.parameters():
        parameter.grad = torch.ones_like(parameter)
    Optimiser(panda, recipe(max_grad_norm=0.5), n_steps=10).step(0)
    norm = torch.cat([p.grad.flatten() for p in panda.parameters()]).norm()
    assert norm.item() == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_resumed_training_has_the_same_bits(kind: str) -> None:
    torch.set_num_threads(1)
    settings, panda = recipe(optimiser=kind), model()
    optimiser = Optimiser(panda, settings, n_steps=12)
    train(panda, optimiser, settings, range(5))
    weights, state = copy.deepcopy(panda.state_dict()), copy.deepcopy(optimiser.state_dict())
    train(panda, optimiser, settings, range(5, 12))
    other = Panda(SHAPE, torch.Generator().manual_seed(9))
    other.load_state_dict(weights)
    resumed = Optimiser(other, settings, n_steps=12)
    resumed.load_state_dict(state)
    train(other, resumed, settings, range(5, 12))
    assert all(torch.equal(a, b) for a, b in zip(panda.parameters(), other.parameters(), strict=True))


def test_a_state_of_other_optimisers_is_refused() -> None:
    adamw = Optimiser(model(), recipe(optimiser="adamw"), n_steps=5)
    with pytest.raises(PandaError, match="the saved state is of adamw"):
        Optimiser(model(), recipe(), n_steps=5).load_state_dict(adamw.state_dict())
