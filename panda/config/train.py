"""Sections of the model and its training."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_type_hints

from pydantic import Field, create_model, model_validator

from panda.config.types import (
    Count,
    Fraction,
    Name,
    Natural,
    NonNegative,
    Pair,
    Positive,
    Section,
    Several,
    Steps,
)

# Far beyond the paper's largest, and what a slip of the keyboard makes.
MAX_PARAMETERS, MAX_LAYERS = 10**10, 1000


class Backbone(Section):
    """Sizes of the model that every named model shares."""

    context_length: Count
    prediction_length: Count
    patch_length: Count
    n_layers: Count
    d_model: Count
    n_heads: Count
    ffn_dim: Count
    channel_attention: bool
    channel_rope: bool
    max_wavelength: Positive
    rope_fraction: Fraction
    norm_eps: Positive
    scale_eps: Positive
    init_std: Positive
    poly_degrees: tuple[Several, ...]
    n_poly_features: Natural
    n_fourier_features: Natural
    fourier_scale: Positive
    mask_ratio: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _can_be_built(self) -> Backbone:
        # Of the layers alone: attention twice, and the feed-forward network.
        layers = self.n_layers * self.d_model * (8 * self.d_model + 2 * self.ffn_dim)
        if layers > MAX_PARAMETERS or self.n_layers > MAX_LAYERS:
            raise ValueError(
                f"n_layers {self.n_layers} of d_model {self.d_model} and ffn_dim {self.ffn_dim} have some {layers:.2g} "
                f"parameters; no more than {MAX_PARAMETERS:.0g} in {MAX_LAYERS} layers are built"
            )
        return self

    @model_validator(mode="after")
    def _divides(self) -> Backbone:
        if self.context_length % self.patch_length:
            raise ValueError(
                f"patch_length {self.patch_length} does not divide context_length {self.context_length}"
            )
        if self.d_model % self.n_heads:
            raise ValueError(f"n_heads {self.n_heads} does not divide d_model {self.d_model}")
        if (self.d_model // self.n_heads) % 2:
            raise ValueError(
                f"d_model/n_heads = {self.d_model // self.n_heads} is odd; RoPE needs an even head"
            )
        if self.n_fourier_features % 2:
            raise ValueError(
                f"n_fourier_features {self.n_fourier_features} is odd; half are sines, half cosines"
            )
        return self


class ModelShape(Backbone):
    """One model, complete: what is stored in its config.json."""

    embedding: Literal["linear", "dynamics"]
    head: Literal["forecast", "mlm"]
    pooling: Literal["mean", "max", "flatten"]
    residual_on_last: bool
    # Lengths of the ends of a context whose nearest pieces are copied into the future; none: the paper's model.
    analogues: tuple[Count, ...] = ()

    @model_validator(mode="after")
    def _analogues_fit(self) -> ModelShape:
        if not self.analogues:
            return self
        if list(self.analogues) != sorted(set(self.analogues)):
            raise ValueError(f"analogues {list(self.analogues)} must rise and not repeat")
        if self.head != "forecast":
            raise ValueError("analogues are of a forecast; leave them out of an MLM")
        if 2 * self.analogues[-1] > self.context_length:
            raise ValueError(
                f"analogues: two pieces of {self.analogues[-1]} points do not fit in a context of {self.context_length}"
            )
        if self.prediction_length % self.patch_length:
            raise ValueError(
                f"with analogues patch_length {self.patch_length} must divide prediction_length {self.prediction_length}"
            )
        return self

    @model_validator(mode="after")
    def _features_fill(self) -> ModelShape:
        n = self.patch_length + len(self.poly_degrees) * self.n_poly_features + self.n_fourier_features
        if self.embedding == "dynamics" and n != self.d_model:
            raise ValueError(
                f"the dynamics embedding has {n} features (patch_length + degrees * n_poly_features + "
                f"n_fourier_features) but d_model is {self.d_model}; make them equal"
            )
        return self


_optional: Any = {
    name: (hint | None, None)
    for name, hint in get_type_hints(Backbone, include_extras=True).items()
    if name in Backbone.model_fields
}


class OwnShape(create_model("OwnShape", __base__=Section, __module__=__name__, **_optional)):
    """What of `train.shape` a definition has otherwise, each key by its name and with its range."""


class Definition(Section):
    """What makes a named model itself; what it leaves out is as `train` says for all."""

    embedding: Literal["linear", "dynamics"]
    head: Literal["forecast", "mlm"]
    encoder_from: Name | None
    n_steps: Steps
    analogues: tuple[Count, ...] = ()
    recipe: Name | None = None
    shape: OwnShape = OwnShape()


class Learning(Section):
    """Loss and optimiser."""

    loss: Literal["mse", "mae", "huber"]
    loss_space: Literal["data", "normalised"]
    smape_weight: NonNegative
    step_power: NonNegative
    n_passes: Annotated[int, Field(ge=1, le=64)]
    average_decay: Annotated[float, Field(ge=0.0, lt=1.0)]
    optimiser: Literal["adamw", "muon"]
    learning_rate: Positive
    muon_learning_rate: NonNegative
    weight_decay: NonNegative
    betas: Pair
    eps: Positive
    warmup_fraction: Fraction
    max_grad_norm: Positive


class Recipe(Learning):
    """How a model is trained: head details, loss and optimiser."""

    pooling: Literal["mean", "max", "flatten"]
    residual_on_last: bool


class TrainData(Section):
    """Windows and augmentations."""

    n_channels: Count
    standardise_eps: Positive
    augmentation_probability: Fraction
    delay_max_lag: Count
    mixing_dimensions: tuple[Count, Count]
    dirichlet_alpha: Positive
    affine_scale: Positive

    @model_validator(mode="after")
    def _mixing_ordered(self) -> TrainData:
        low, high = self.mixing_dimensions
        if not self.n_channels <= low <= high:
            raise ValueError(
                f"mixing_dimensions [{low}, {high}] must rise from at least n_channels {self.n_channels}"
            )
        return self


class Train(Section):
    """Training of the named models."""

    models: tuple[Name, ...]
    recipe: Name
    device: Literal["auto", "cpu", "cuda"]
    threads: Count
    ranks: Annotated[int, Field(ge=1, le=64)]
    precision: Literal["auto", "float32", "bfloat16"]
    # reduce-overhead: CUDA graphs, which save a small model's step the launches of its kernels.
    compile: bool | Literal["reduce-overhead"]
    loaders: Annotated[int, Field(ge=0, le=256)]
    peak_tflops: Positive | None
    shape: Backbone
    definitions: dict[Name, Definition]
    recipes: dict[Name, Recipe]
    batch_size: Count
    checkpoint_every: Count
    log_every: Count
    tensorboard: bool
    n_snapshots: Annotated[int, Field(ge=0, le=40)]
    learning_on: Name
    founder_probability: Fraction | None
    data: TrainData

    @model_validator(mode="after")
    def _ranks_share(self) -> Train:
        if self.batch_size % self.ranks:
            raise ValueError(f"ranks {self.ranks} does not divide batch_size {self.batch_size}")
        return self

    @model_validator(mode="after")
    def _names_known(self) -> Train:
        if self.recipe not in self.recipes:
            raise ValueError(f"recipe {self.recipe!r} is not one of {', '.join(self.recipes)}")
        for name in self.models:
            if name not in self.definitions:
                raise ValueError(f"model {name!r} has no definition; known: {', '.join(self.definitions)}")
        for name, definition in self.definitions.items():
            source = definition.encoder_from
            if source is None:
                continue
            if source not in self.definitions:
                raise ValueError(f"definition {name!r}: encoder_from {source!r} has no definition")
            if self.definitions[source].embedding != definition.embedding:
                raise ValueError(f"definition {name!r}: encoder_from {source!r} has another embedding")
            if self.definitions[source].encoder_from is not None:
                raise ValueError(f"definition {name!r}: encoder_from {source!r} comes from an encoder itself")
        for name, definition in self.definitions.items():
            if definition.recipe is not None and definition.recipe not in self.recipes:
                raise ValueError(
                    f"definition {name!r}: recipe {definition.recipe!r} is not one of {', '.join(self.recipes)}"
                )
            self.model_shape(name)
        return self

    def recipe_name(self, name: str) -> str:
        """The recipe of a definition: its own, or the chosen one."""
        return self.definitions[name].recipe or self.recipe

    def model_shape(self, name: str) -> ModelShape:
        """The complete shape of a definition under its recipe."""
        definition, recipe = self.definitions[name], self.recipes[self.recipe_name(name)]
        own = {key: value for key, value in definition.shape.model_dump().items() if value is not None}
        return ModelShape(
            **self.shape.model_dump() | own,
            embedding=definition.embedding,
            head=definition.head,
            pooling=recipe.pooling,
            residual_on_last=recipe.residual_on_last,
            analogues=definition.analogues,
        )
