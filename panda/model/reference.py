"""Checkpoints of the reference code: its names, and the index sets that it does not store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from panda.config import ModelShape
from panda.core.errors import PandaError
from panda.model.embedding import RandomFeatures, draw_features

# The seed of the published runs, then those that a search goes through, in order.
PUBLISHED_SEED = 99
SEARCHED_SEEDS = range(10_000)

# Our names to the reference's: first of whole tensors, then of the modules in a layer.
_FROZEN_NAMES = {
    "encoder.embedding.fourier_weights": "model.encoder.embedder.freq_weights",
    "encoder.embedding.fourier_phases": "model.encoder.embedder.freq_biases",
}
_LAYER_NAMES = {
    "temporal_attention.query": "temporal_self_attn.q_proj",
    "temporal_attention.key": "temporal_self_attn.k_proj",
    "temporal_attention.value": "temporal_self_attn.v_proj",
    "temporal_attention.out": "temporal_self_attn.out_proj",
    "channel_attention.query": "channel_self_attn.q_proj",
    "channel_attention.key": "channel_self_attn.k_proj",
    "channel_attention.value": "channel_self_attn.v_proj",
    "channel_attention.out": "channel_self_attn.out_proj",
    "temporal_norm": "norm_sublayer1",
    "channel_norm": "norm_sublayer2",
    "ffn_norm": "norm_sublayer3",
    "ffn_in": "ff.0",
    "ffn_out": "ff.3",
}
# What the reference can vary and this model does not, with the only value that is read.
_FIXED = {
    "norm_type": "rmsnorm",
    "bias": True,
    "activation_function": "gelu",
    "pre_norm": True,
    "use_cls_token": False,
}


def is_reference(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is the reference code's."""
    return "use_dynamics_embedding" in config


def reference_shape(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> ModelShape:
    """The shape that a config.json of the reference code describes; the head is read off the tensors.

    Raises:
        PandaError: an option that this model does not have (a stride other than the patch, layer norm, no
            scaling).
        KeyError: a key is missing. ValidationError: a value is out of range.
    """
    for key, value in _FIXED.items():
        if config.get(key, value) != value:
            raise PandaError(f"reference config: {key} is {config[key]!r}, and only {value!r} can be loaded")
    if config["patch_stride"] != config["patch_length"]:
        raise PandaError(
            "reference config: patch_stride differs from patch_length, and only equal ones can be loaded"
        )
    if config.get("scaling", "std") not in ("std", True):
        raise PandaError(f"reference config: scaling is {config['scaling']!r}, and only 'std' can be loaded")
    mlm = "head.linear.weight" in state
    return ModelShape(
        context_length=config["context_length"],
        prediction_length=config["prediction_length"],
        patch_length=config["patch_length"],
        n_layers=config["num_hidden_layers"],
        d_model=config["d_model"],
        n_heads=config["num_attention_heads"],
        ffn_dim=config["ffn_dim"],
        channel_attention=config["channel_attention"],
        channel_rope=config["channel_rope"],
        max_wavelength=config["max_wavelength"],
        rope_fraction=config["rope_percent"],
        norm_eps=config["norm_eps"],
        embedding="dynamics" if config["use_dynamics_embedding"] else "linear",
        # Their number counts degrees from the second on: 2 means 2 and 3.
        poly_degrees=tuple(range(2, 2 + config["poly_degrees"])),
        n_poly_features=config["num_poly_feats"],
        n_fourier_features=config["num_rff"],
        fourier_scale=config["rff_scale"],
        head="mlm" if mlm else "forecast",
        pooling="mean" if mlm else config["pooling_type"],
        residual_on_last=False,
        mask_ratio=config.get("random_mask_ratio", 0.5),
        init_std=config.get("init_std", 0.02),
        # Fixed in the reference's scaler.
        scale_eps=1e-5,
    )


def from_reference(
    state: Mapping[str, Tensor], shape: ModelShape, *, init_seed: int | None, where: str
) -> dict[str, Tensor]:
    """Rename the reference code's tensors to ours, and add the index sets drawn anew from the seed.

    Raises:
        PandaError: a tensor has a name the reference does not give, or the index sets cannot be recovered.
    """
    back = {theirs: ours for ours, theirs in _name_pairs(shape)}
    renamed = {}
    for theirs, tensor in state.items():
        if theirs not in back:
            raise PandaError(f"{where}: tensor {theirs} is unknown to this shape; see config.json")
        ours = back[theirs]
        renamed[ours] = tensor.flatten() if ours.endswith("fourier_phases") else tensor
    if shape.embedding == "dynamics":
        for ours, theirs in _FROZEN_NAMES.items():
            if ours not in renamed:
                raise PandaError(f"{where}: tensor {theirs} is missing; the file is of another model")
        weights = renamed["encoder.embedding.fourier_weights"]
        phases = renamed["encoder.embedding.fourier_phases"]
        seeds = [PUBLISHED_SEED, *SEARCHED_SEEDS] if init_seed is None else [init_seed]
        features = recover_features(shape, weights, phases, seeds=seeds, where=where)
        for degree, indices in features.monomials.items():
            renamed[f"encoder.embedding.monomials_{degree}"] = indices
    return renamed


def recover_features(
    shape: ModelShape, fourier_weights: Tensor, fourier_phases: Tensor, *, seeds: Iterable[int], where: str
) -> RandomFeatures:
    """The draw of the first seed that gives the stored frequencies and phases bit for bit, in their own precision.

    A checkpoint in half precision holds the draw rounded: rounded alike, the right seed's is the same bits still.

    Raises:
        PandaError: no seed gives them (they were trained, or another seed or torch version drew them).
    """
    tried = []
    for seed in seeds:
        drawn = draw_features(shape, torch.Generator().manual_seed(seed))
        if _same(drawn.fourier_weights, fourier_weights) and _same(drawn.fourier_phases, fourier_phases):
            return drawn
        tried.append(seed)
    which = f"seed {tried[0]} draws other" if len(tried) == 1 else f"none of {len(tried)} seeds draws its"
    raise PandaError(
        f"{where}: the index sets of the dynamics embedding cannot be recovered: {which} freq_weights (stored as "
        f"{fourier_weights.dtype}); give the seed it was trained with (init_seed)"
    )


def _same(drawn: Tensor, stored: Tensor) -> bool:
    """Whether `stored` is `drawn` in the precision of `stored`."""
    return torch.equal(drawn.to(stored.dtype), stored)


def to_reference(state: Mapping[str, Tensor], shape: ModelShape) -> dict[str, Tensor]:
    """Rename our tensors to the reference code's, which has no place for the index sets.

    Raises:
        PandaError: the model has a flattened head or predicts a residual, which the reference code has not.
    """
    if shape.head == "forecast" and (shape.pooling == "flatten" or shape.residual_on_last):
        raise PandaError("the reference code has neither a flattened head nor a residual on the last value")
    renamed = {}
    for ours, theirs in _name_pairs(shape):
        tensor = state[ours]
        renamed[theirs] = tensor.reshape(1, 1, 1, -1) if ours.endswith("fourier_phases") else tensor
    return renamed


def _name_pairs(shape: ModelShape) -> list[tuple[str, str]]:
    """(our name, the reference's) of every tensor that both store."""
    embedder = "model.encoder.embedder"
    if shape.embedding == "dynamics":
        pairs = [
            *_FROZEN_NAMES.items(),
            ("encoder.embedding.projection.weight", f"{embedder}.projection.weight"),
        ]
    else:
        ours, theirs = "encoder.embedding.projection", f"{embedder}.input_embedding"
        pairs = [(f"{ours}.{part}", f"{theirs}.{part}") for part in ("weight", "bias")]
    for layer in range(shape.n_layers):
        for ours, theirs in _LAYER_NAMES.items():
            if ours.startswith("channel") and not shape.channel_attention:
                continue
            for part in ("weight",) if ours.endswith("norm") else ("weight", "bias"):
                pairs.append(
                    (f"encoder.layers.{layer}.{ours}.{part}", f"model.encoder.layers.{layer}.{theirs}.{part}")
                )
    if shape.head == "mlm":
        return [*pairs, *((f"head.projection.{part}", f"head.linear.{part}") for part in ("weight", "bias"))]
    return [*pairs, ("head.projection.weight", "head.projection.weight")]
