"""The model: normalise, cut into patches, encode, and read off the next steps or the hidden patches."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from panda.config import ModelShape
from panda.core.errors import PandaError
from panda.model.analogues import find_analogues
from panda.model.embedding import AnalogueEmbedding, DynamicsEmbedding, draw_features
from panda.model.encoder import Encoder
from panda.model.heads import make_head
from panda.model.patching import patchify
from panda.model.scaling import location_and_scale


class Forecast(NamedTuple):
    """A forecast in the data's units and in the context's, and what leads from one to the other."""

    prediction: Float[Tensor, "batch horizon channel"]
    normalised: Float[Tensor, "batch horizon channel"]
    loc: Float[Tensor, "batch 1 channel"]
    scale: Float[Tensor, "batch 1 channel"]


class Completion(NamedTuple):
    """Patches as the model fills them in and as they are, both normalised; the mask is True where hidden."""

    completed: Float[Tensor, "batch channel patch step"]
    patches: Float[Tensor, "batch channel patch step"]
    mask: Bool[Tensor, "batch channel patch"]
    loc: Float[Tensor, "batch 1 channel"]
    scale: Float[Tensor, "batch 1 channel"]


class ParameterCount(NamedTuple):
    """Numbers in a model; `total` adds the frozen Fourier weights and phases to the trainable ones."""

    total: int
    trainable: int


class Panda(nn.Module):
    """The patched-attention forecaster of the paper (section on the model), for any number of channels.

    With `shape.analogues`, which the paper does not have, it also takes copies of the context as input and as
    candidates of its forecast.

    With a generator (on the CPU) all random numbers come from it: first the features of the dynamics
    embedding, then the linear maps, `N(0, init_std^2)` with zero biases. Without one the tensors are on
    torch's "meta" device, with shapes but no values: for counting, or to be loaded into.
    """

    def __init__(self, shape: ModelShape, generator: torch.Generator | None) -> None:
        super().__init__()
        self.shape = shape
        with torch.device("meta"):
            self.encoder = Encoder(shape)
            self.head = make_head(shape)
            if shape.analogues:
                self.analogue_embedding = AnalogueEmbedding(shape)
        if generator is not None:
            self.to_empty(device="cpu")
            self._draw(generator)

    @torch.no_grad()
    def _draw(self, generator: torch.Generator) -> None:
        if isinstance(self.encoder.embedding, DynamicsEmbedding):
            self.encoder.embedding.set_features(draw_features(self.shape, generator))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(0.0, self.shape.init_std, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.RMSNorm):
                module.weight.fill_(1.0)

    def forward(self, context: Float[Tensor, "batch time channel"]) -> Float[Tensor, "batch horizon channel"]:
        """The next `prediction_length` steps, in the data's units.

        Raises:
            PandaError: the context is shorter than a patch, or the model has no forecast head.
        """
        return self.forecast(context).prediction

    def forecast(self, context: Float[Tensor, "batch time channel"]) -> Forecast:
        """As `forward`, with what the losses need: `prediction = loc + scale * normalised`."""
        self._require("forecast")
        loc, scale = location_and_scale(context, scale_eps=self.shape.scale_eps)
        series = (context - loc) / scale
        patches = patchify(series, patch_length=self.shape.patch_length)
        if self.shape.analogues:
            normalised = self._of_analogues(series, patches).to(context.dtype)
        else:
            normalised = self.head(self.encoder(patches)).to(context.dtype).transpose(1, 2)
            if self.shape.residual_on_last:
                normalised = normalised + series[:, -1:]
        return Forecast(loc + scale * normalised, normalised, loc, scale)

    def _of_analogues(
        self, series: Float[Tensor, "batch time channel"], patches: Float[Tensor, "batch channel patch step"]
    ) -> Float[Tensor, "batch horizon channel"]:
        """A weighted mean of copies of the context and of the network's own forecast, corrected.

        The tokens of the future stand behind those of the context, and attend to them and to each other.
        """
        shape = self.shape
        found = find_analogues(
            series, shape.analogues, horizon=shape.prediction_length, n_residuals=shape.patch_length
        )
        past = self.encoder.embedding(patches).to(patches.dtype)
        future = self.analogue_embedding(found).to(patches.dtype)
        tokens = self.encoder.mix(torch.cat((past, future), dim=2))
        shares = self.head(tokens[:, :, past.shape[2] :])
        last = series[:, -1, :, None].expand_as(shares.own)
        own = last + shares.own if shape.residual_on_last else shares.own
        candidates = torch.cat(
            (torch.stack((last, own), dim=2), found.copies, found.anchored), dim=2
        ).transpose(2, 3)
        forecast = (shares.weights * candidates).sum(-1) + shares.correction
        return forecast.transpose(1, 2)

    def complete(
        self, context: Float[Tensor, "batch time channel"], mask: Bool[Tensor, "batch channel patch"]
    ) -> Completion:
        """Fill in the patches where `mask` is True: set to zero after normalisation over the whole context.

        Raises:
            PandaError: the context is shorter than a patch, the mask has another shape than the patches, or
                the model has no completion head.
        """
        self._require("mlm")
        loc, scale = location_and_scale(context, scale_eps=self.shape.scale_eps)
        patches = patchify((context - loc) / scale, patch_length=self.shape.patch_length)
        if mask.shape != patches.shape[:3]:
            raise PandaError(
                f"the mask is {tuple(mask.shape)}; {tuple(patches.shape[:3])} is needed, one a patch"
            )
        tokens = self.encoder(patches.masked_fill(mask[..., None], 0.0))
        return Completion(self.head(tokens).to(context.dtype), patches, mask, loc, scale)

    def _require(self, head: str) -> None:
        if self.shape.head != head:
            raise PandaError(
                f"this model has the head {self.shape.head!r}, and {head!r} is needed; load another one"
            )


def rolled_out(model: Panda, context: Float[Tensor, "batch time channel"], n_passes: int) -> Forecast:
    """`n_passes` forecasts in a row as one, each from the context moved on by the forecasts before it.

    Gradients flow through all of them. Location and scale are those of the first context.
    """
    first = model.forecast(context)
    predictions = [first.prediction]
    for _ in range(n_passes - 1):
        context = torch.cat((context, predictions[-1]), dim=1)[:, -context.shape[1] :]
        predictions.append(model.forecast(context).prediction)
    if n_passes == 1:
        return first
    whole = torch.cat(predictions, dim=1)
    return Forecast(whole, (whole - first.loc) / first.scale, first.loc, first.scale)


@torch.no_grad()
def rollout(
    model: Panda, context: Float[Tensor, "batch time channel"], horizon: int, *, sliding: bool
) -> Float[Tensor, "batch horizon channel"]:
    """Forecast `horizon` steps, in the data's units, by feeding the model's own predictions back as context.

    With `sliding` the context is cut to the last `context_length` steps before every pass, else it grows. It is taken
    in the precision and on the device of the weights.

    Raises:
        PandaError: `horizon` is below 1, there is no forecast head, or the context is no (batch, time, channel) of
            finite numbers, or shorter than a patch.
    """
    if horizon < 1:
        raise PandaError(f"a horizon of {horizon} steps; give 1 or more")
    context = _checked(model, context)
    given = context.shape[1]
    while context.shape[1] - given < horizon:
        seen = context[:, -model.shape.context_length :] if sliding else context
        context = torch.cat((context, model(seen)), dim=1)
    return context[:, given : given + horizon]


def _checked(
    model: Panda, context: Float[Tensor, "batch time channel"]
) -> Float[Tensor, "batch time channel"]:
    """The context as the weights take it.

    Raises:
        PandaError: see `rollout`.
    """
    if context.ndim != 3 or 0 in context.shape[1:]:
        raise PandaError(
            f"the context must be (batch, time, channel), a step and a channel at least, and is {tuple(context.shape)}"
        )
    if context.is_complex() or not torch.isfinite(context).all():
        raise PandaError("the context must be finite real numbers; fill gaps (NaN), or cut them off")
    if context.shape[1] < model.shape.patch_length:
        raise PandaError(
            f"a context of {context.shape[1]} steps is shorter than a patch of {model.shape.patch_length}; give more"
        )
    weight = next(model.parameters())
    return context.to(device=weight.device, dtype=weight.dtype)


def count_parameters(model: Panda) -> ParameterCount:
    """Count as the paper does: frozen Fourier weights and phases belong to the total, index sets do not."""
    trainable = sum(p.numel() for p in model.parameters())
    frozen = sum(b.numel() for b in model.buffers() if b.is_floating_point())
    return ParameterCount(trainable + frozen, trainable)


# What two encoders must share for the weights of one to mean the same in the other.
_ENCODER_FIELDS = (
    "patch_length", "n_layers", "d_model", "n_heads", "ffn_dim", "channel_attention", "channel_rope",
    "max_wavelength", "rope_fraction", "norm_eps", "embedding",
)  # fmt: skip
_FEATURE_FIELDS = ("poly_degrees", "n_poly_features", "n_fourier_features", "fourier_scale")


def load_encoder(model: Panda, source_model: Panda) -> None:
    """Copy embedding and layers of `source_model` into `model`, as fine-tuning after masked pretraining does.

    Raises:
        PandaError: the encoders differ in kind or size, for instance in their embedding.
    """
    ours, theirs = model.shape, source_model.shape
    fields = _ENCODER_FIELDS + (_FEATURE_FIELDS if ours.embedding == "dynamics" else ())
    for field in fields:
        mine, other = getattr(ours, field), getattr(theirs, field)
        if mine != other:
            raise PandaError(
                f"cannot start from that encoder: its {field} is {other!r}, this model's is {mine!r}; "
                "pretrain one of the same shape"
            )
    model.encoder.load_state_dict(source_model.encoder.state_dict())


def load_whole(model: Panda, source_model: Panda) -> None:
    """Copy all tensors of `source_model` into `model`, as fine-tuning a trained model does.

    Raises:
        PandaError: the models differ in a part of their shape.
    """
    for field in type(model.shape).model_fields:
        mine, other = getattr(model.shape, field), getattr(source_model.shape, field)
        if mine != other:
            raise PandaError(
                f"cannot start from that model: its {field} is {other!r}, and {mine!r} is needed; give one of the "
                "same shape"
            )
    model.load_state_dict(source_model.state_dict())
