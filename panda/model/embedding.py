"""From a patch to a token: a plain linear map, or one of monomials and random Fourier features."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from panda.config import ModelShape
from panda.model.analogues import Analogues

_DISTANCE_EPS = 1e-3


class LinearEmbedding(nn.Module):
    """`W x + b` for a patch x (the paper's model without dynamics embedding)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.projection = nn.Linear(shape.patch_length, shape.d_model)

    def forward(self, patches: Float[Tensor, "*lead step"]) -> Float[Tensor, "*lead d_model"]:
        """Embed normalised patches."""
        return self.projection(patches)


class RandomFeatures(NamedTuple):
    """What the dynamics embedding draws once and never trains."""

    monomials: dict[int, Int[Tensor, "feature degree"]]
    fourier_weights: Float[Tensor, "step frequency"]
    fourier_phases: Float[Tensor, " frequency"]


def draw_features(shape: ModelShape, generator: torch.Generator) -> RandomFeatures:
    """Draw index sets (uniform, with replacement), weights `fourier_scale N(0, 1)`, and phases `N(0, 1)`.

    This order, from the CPU generator, is the reference code's: with the seed a checkpoint of the reference
    was trained with, it gives back the index sets which that checkpoint lacks.
    """
    step, frequencies = shape.patch_length, shape.n_fourier_features // 2
    monomials = {
        degree: torch.randint(step, (shape.n_poly_features, degree), generator=generator)
        for degree in shape.poly_degrees
    }
    weights = shape.fourier_scale * torch.randn(step, frequencies, generator=generator)
    return RandomFeatures(
        monomials, weights, torch.randn(1, 1, 1, frequencies, generator=generator).flatten()
    )


class DynamicsEmbedding(nn.Module):
    """`W [x, prod_{i in I2} x_i, prod_{i in I3} x_i, sin(x V + b), cos(x V + b)]` for a patch x.

    The index sets I, the frequencies V and the phases b are drawn once, frozen, and buffers: they belong to
    the saved weights, so that a reloaded model is the same model (the reference code loses the index sets).
    """

    fourier_weights: Tensor
    fourier_phases: Tensor

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.degrees = tuple(shape.poly_degrees)
        frequencies = shape.n_fourier_features // 2
        for degree in self.degrees:
            empty = torch.empty(shape.n_poly_features, degree, dtype=torch.int64)
            self.register_buffer(f"monomials_{degree}", empty)
        self.register_buffer("fourier_weights", torch.empty(shape.patch_length, frequencies))
        self.register_buffer("fourier_phases", torch.empty(frequencies))
        n_features = shape.patch_length + len(self.degrees) * shape.n_poly_features + 2 * frequencies
        self.projection = nn.Linear(n_features, shape.d_model, bias=False)

    def set_features(self, features: RandomFeatures) -> None:
        """Take over drawn features."""
        for degree, indices in features.monomials.items():
            self.get_buffer(f"monomials_{degree}").copy_(indices)
        self.fourier_weights.copy_(features.fourier_weights)
        self.fourier_phases.copy_(features.fourier_phases)

    def forward(self, patches: Float[Tensor, "*lead step"]) -> Float[Tensor, "*lead d_model"]:
        """Embed normalised patches."""
        return self.projection(self.features(patches))

    def features(self, patches: Float[Tensor, "*lead step"]) -> Float[Tensor, "*lead feature"]:
        """The features before the trained projection, in the precision of the patches."""
        # Not in bfloat16: a phase of 10 would be off by 0.03 before the sine is taken.
        with torch.autocast(patches.device.type, enabled=False):
            phase = patches @ self.fourier_weights + self.fourier_phases
            columns = [patches]
            for degree in self.degrees:
                indices = self.get_buffer(f"monomials_{degree}")
                product = patches[..., indices[:, 0]]
                for factor in range(1, degree):
                    product = product * patches[..., indices[:, factor]]
                columns.append(product)
            return torch.cat((*columns, phase.sin(), phase.cos()), dim=-1)


class AnalogueEmbedding(nn.Module):
    """`W [copies, residuals, ln distances] + b`: a token for every patch of the future.

    It holds that patch of every copy, the residuals of every copy at the end of the context (the same in all
    tokens), and how far the piece behind each copy is from the end.
    """

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.patch_length = shape.patch_length
        n_features = len(shape.analogues) * (2 * shape.patch_length + 1)
        self.projection = nn.Linear(n_features, shape.d_model)

    def forward(self, found: Analogues) -> Float[Tensor, "batch channel patch d_model"]:
        """Embed what followed the analogues."""
        copies = found.copies.unflatten(-1, (-1, self.patch_length)).transpose(2, 3).flatten(3)
        n_patches = copies.shape[2]
        residuals = found.residuals.flatten(2)[:, :, None].expand(-1, -1, n_patches, -1)
        # Distances below a thousandth of the spread say nothing more.
        nearness = (found.distance + _DISTANCE_EPS).log()[:, None, None].expand(*copies.shape[:3], -1)
        return self.projection(torch.cat((copies, residuals, nearness), dim=-1))
