"""The optimisers of a recipe and the schedule of their learning rates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from panda.config import Recipe
from panda.core.errors import PandaError
from panda.model.panda import Panda
from panda.training.hardware import multiplies_bfloat16
from panda.training.muon import BatchedMuon

# Momentum of Muon, and five Newton-Schulz steps at its author's coefficients: torch's defaults, as published.
_MUON_MOMENTUM = 0.95


def learning_rate_factor(step: int, *, n_steps: int, warmup_fraction: float) -> float:
    """Share of the peak learning rate at a step (0 is the first): up a line to 1, down a cosine to 0.

    With w = ceil(n_steps * warmup_fraction): `step / w` before w, then `(1 + cos(pi (step - w) / (n_steps -
    w))) / 2`. A function of the step alone, so that a resumed run needs no state of a scheduler. Source:
    the paper's schedule, in the form of the reference code's trainer.
    """
    n_warmup = math.ceil(n_steps * warmup_fraction)
    if step < n_warmup:
        return step / n_warmup
    progress = min(1.0, (step - n_warmup) / max(1, n_steps - n_warmup))
    return 0.5 * (1.0 + math.cos(math.pi * progress))


class Optimiser:
    """AdamW for all, or Muon for the matrices of the encoder's layers and AdamW for the rest.

    Muon orthogonalises the momentum of a matrix; its learning rate is scaled by `0.2
    sqrt(max(rows, columns))`, so that a step has the root mean square size of one of AdamW's. Embedding,
    head, norms and biases are AdamW's in either case. Weight decay applies to matrices only.
    """

    def __init__(self, model: Panda, recipe: Recipe, *, n_steps: int) -> None:
        self._recipe = recipe
        self._n_steps = n_steps
        self._parameters = list(model.parameters())
        hidden, matrices, vectors = split_parameters(model)
        with_muon = recipe.optimiser == "muon"
        groups = [
            {"params": matrices if with_muon else hidden + matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        adamw = torch.optim.AdamW(
            groups, lr=recipe.learning_rate, betas=recipe.betas, eps=recipe.eps, fused=True
        )
        # Each with the peak of its learning rate.
        self._parts: list[tuple[torch.optim.Optimizer, float]] = [(adamw, recipe.learning_rate)]
        if with_muon:
            muon = BatchedMuon(
                hidden,
                precision=torch.bfloat16 if multiplies_bfloat16(hidden[0].device) else torch.float32,
                lr=recipe.muon_learning_rate,
                weight_decay=recipe.weight_decay,
                momentum=_MUON_MOMENTUM,
            )
            self._parts.append((muon, recipe.muon_learning_rate))

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part, _ in self._parts:
            part.zero_grad(set_to_none=True)

    def gradients(self) -> list[Tensor]:
        """The gradients, where there are any, in the order of the model's parameters."""
        return [parameter.grad for parameter in self._parameters if parameter.grad is not None]

    def step(self, step: int) -> Tensor:
        """Clip the gradients' joint norm, move, and return the norm before clipping."""
        norm = nn.utils.clip_grad_norm_(self._parameters, self._recipe.max_grad_norm)
        factor = learning_rate_factor(
            step, n_steps=self._n_steps, warmup_fraction=self._recipe.warmup_fraction
        )
        for part, peak in self._parts:
            for group in part.param_groups:
                group["lr"] = peak * factor
            part.step()
        return norm

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on besides weights and gradients."""
        return {type(part).__name__.lower(): part.state_dict() for part, _ in self._parts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of the same recipe and model.

        Raises:
            PandaError: the state is of other optimisers.
        """
        names = {type(part).__name__.lower() for part, _ in self._parts}
        if names != state.keys():
            raise PandaError(
                f"the saved state is of {', '.join(sorted(state))}, the recipe asks for "
                f"{', '.join(sorted(names))}; start the training anew"
            )
        for part, _ in self._parts:
            part.load_state_dict(state[type(part).__name__.lower()])


def split_parameters(model: Panda) -> tuple[list[nn.Parameter], list[nn.Parameter], list[nn.Parameter]]:
    """Matrices of the encoder's layers, matrices of embedding and head, and everything of one dimension."""
    layers = {id(parameter) for parameter in model.encoder.layers.parameters()}
    matrices = [p for p in model.parameters() if p.ndim == 2]
    hidden = [p for p in matrices if id(p) in layers]
    outer = [p for p in matrices if id(p) not in layers]
    return hidden, outer, [p for p in model.parameters() if p.ndim != 2]
