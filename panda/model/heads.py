"""From encoded tokens to values: the next steps of every channel, or the content of every patch."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from panda.config import ModelShape


class CompletionHead(nn.Module):
    """One affine map from a token to the values of its patch (masked pretraining)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.projection = nn.Linear(shape.d_model, shape.patch_length)

    def forward(
        self, tokens: Float[Tensor, "batch channel patch d_model"]
    ) -> Float[Tensor, "batch channel patch step"]:
        """Normalised values of every patch."""
        return self.projection(tokens)


class PooledForecastHead(nn.Module):
    """A linear map, without bias, of the tokens' mean or maximum over patches (the paper's)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.pooling = shape.pooling
        self.projection = nn.Linear(shape.d_model, shape.prediction_length, bias=False)

    def forward(
        self, tokens: Float[Tensor, "batch channel patch d_model"]
    ) -> Float[Tensor, "batch channel horizon"]:
        """Normalised values of the next steps."""
        pooled = tokens.mean(dim=2) if self.pooling == "mean" else tokens.amax(dim=2)
        return self.projection(pooled)


class FlattenForecastHead(nn.Module):
    """A linear map, without bias, of the last patches' tokens laid side by side.

    It keeps what pooling loses, the place of each patch: pooling costs most of all in small models. It sees
    the last `context_length // patch_length` patches. Of a longer context the encoder attends to all, the
    head to those; in a shorter one the missing tokens count as zeros on the left, which for a map without
    bias is to leave their terms out. A model that shall do well on short contexts must have seen some in
    training.
    """

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.n_patches = shape.context_length // shape.patch_length
        self.projection = nn.Linear(self.n_patches * shape.d_model, shape.prediction_length, bias=False)

    def forward(
        self, tokens: Float[Tensor, "batch channel patch d_model"]
    ) -> Float[Tensor, "batch channel horizon"]:
        """Normalised values of the next steps."""
        last = tokens[:, :, -self.n_patches :]
        missing = self.n_patches - last.shape[2]
        if missing > 0:
            last = functional.pad(last, (0, 0, missing, 0))
        return self.projection(last.flatten(2))


class Shares(NamedTuple):
    """What a gate needs to make a forecast of candidates, per step: their weights, and values of its own."""

    weights: Float[Tensor, "batch channel horizon candidate"]
    own: Float[Tensor, "batch channel horizon"]
    correction: Float[Tensor, "batch channel horizon"]


class GateHead(nn.Module):
    """An affine map from a token of the future to the shares of the candidates at each of its steps.

    Candidates are the last value, every copy, every anchored copy, and the network's own forecast. The shares are
    their softmax. The correction is added to what they make; a sigmoid of its own switches it, so that an
    exact copy can stay exact.
    """

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.n_candidates = 2 + 2 * len(shape.analogues)
        self.projection = nn.Linear(shape.d_model, shape.patch_length * (self.n_candidates + 3))

    def forward(self, tokens: Float[Tensor, "batch channel patch d_model"]) -> Shares:
        """The shares at all steps of the horizon."""
        per_step = self.projection(tokens).float().unflatten(-1, (-1, self.n_candidates + 3)).flatten(2, 3)
        gate, rest = per_step[..., : self.n_candidates], per_step[..., self.n_candidates :]
        own, correction, switch = rest.unbind(-1)
        return Shares(gate.softmax(-1), own, correction * switch.sigmoid())


def make_head(shape: ModelShape) -> nn.Module:
    """The head that the shape asks for."""
    if shape.head == "mlm":
        return CompletionHead(shape)
    if shape.analogues:
        return GateHead(shape)
    return FlattenForecastHead(shape) if shape.pooling == "flatten" else PooledForecastHead(shape)
