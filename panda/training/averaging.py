"""An average of the weights over the last steps, which may forecast better than the weights themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from panda.model.panda import Panda


class Average:
    """The weights' exponential average: `a <- d a + (1 - d) w` after every step.

    At step t (1 is the first) d is `min(decay, (1 + t) / (10 + t))`, so that an early average is not one of the random
    start. With a decay of 0 nothing is kept and the average is the weights. Source: Polyak and Juditsky 1992; the
    rule for early steps is TensorFlow's `ExponentialMovingAverage`.
    """

    def __init__(self, model: Panda, decay: float) -> None:
        self._model = model
        self._decay = decay
        self._kept = {name: p.detach().clone() for name, p in model.named_parameters()} if decay else {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights as they are after `step` steps."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._model.named_parameters() if self._kept else ():
            self._kept[name].lerp_(parameter, 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        """All that a resumed run needs: the averages, by the name of their parameter."""
        return self._kept

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take up a saved state."""
        for name, tensor in self._kept.items():
            tensor.copy_(tensors[name])

    def model(self) -> Panda:
        """The model with averaged weights: another one, unless nothing is averaged."""
        if not self._kept:
            return self._model
        averaged = Panda(self._model.shape, None).to_empty(device=next(iter(self._kept.values())).device)
        averaged.load_state_dict(self._model.state_dict() | self._kept)
        return averaged
