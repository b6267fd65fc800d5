"""The stack of layers that mixes tokens over time, over channels, and over features."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from panda.config import ModelShape
from panda.model.attention import Attention
from panda.model.embedding import DynamicsEmbedding, LinearEmbedding
from panda.model.rope import Rotation, rotation


class Layer(nn.Module):
    """Three pre-normalised residual blocks: temporal attention, channel attention, two-layer perceptron.

    `h += TA(norm h)`, `h += CA(norm h)` (left out without channel attention), `h += W2 gelu(W1 norm h)`.
    """

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.temporal_norm = nn.RMSNorm(shape.d_model, eps=shape.norm_eps)
        self.temporal_attention = Attention(shape.d_model, shape.n_heads)
        self.has_channel_attention = shape.channel_attention
        if shape.channel_attention:
            self.channel_norm = nn.RMSNorm(shape.d_model, eps=shape.norm_eps)
            self.channel_attention = Attention(shape.d_model, shape.n_heads)
        self.ffn_norm = nn.RMSNorm(shape.d_model, eps=shape.norm_eps)
        self.ffn_in = nn.Linear(shape.d_model, shape.ffn_dim)
        self.ffn_out = nn.Linear(shape.ffn_dim, shape.d_model)

    def forward(
        self,
        tokens: Float[Tensor, "batch channel patch d_model"],
        in_time: Rotation,
        in_channel: Rotation | None,
    ) -> Float[Tensor, "batch channel patch d_model"]:
        """One layer; the rotations carry the positions of patches and, for channel RoPE only, of channels."""
        tokens = tokens + self.temporal_attention(self.temporal_norm(tokens), in_time)
        if self.has_channel_attention:
            across = self.channel_norm(tokens).transpose(1, 2)
            tokens = tokens + self.channel_attention(across, in_channel).transpose(1, 2)
        hidden = functional.gelu(self.ffn_in(self.ffn_norm(tokens)))
        return tokens + self.ffn_out(hidden)


class Encoder(nn.Module):
    """Embedding and layers; no final norm, and positions enter through the attention alone.

    Any number of channels and of patches. Without channel RoPE, permuting the channels permutes the output.
    """

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = {"linear": LinearEmbedding, "dynamics": DynamicsEmbedding}[shape.embedding](shape)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.n_layers))

    def forward(
        self, patches: Float[Tensor, "batch channel patch step"]
    ) -> Float[Tensor, "batch channel patch d_model"]:
        """Encode normalised patches."""
        # Under autocast the blocks compute in bfloat16; the stream they add to keeps the input's precision.
        return self.mix(self.embedding(patches).to(patches.dtype))

    def mix(
        self, tokens: Float[Tensor, "batch channel patch d_model"]
    ) -> Float[Tensor, "batch channel patch d_model"]:
        """The layers alone, over tokens of any origin."""
        in_time = self._rotation(tokens.shape[2], tokens)
        in_channel = self._rotation(tokens.shape[1], tokens) if self.shape.channel_rope else None
        for layer in self.layers:
            tokens = layer(tokens, in_time, in_channel)
        return tokens

    def _rotation(self, n_positions: int, like: Tensor) -> Rotation:
        return rotation(
            n_positions,
            self.shape.d_model // self.shape.n_heads,
            rope_fraction=self.shape.rope_fraction,
            max_wavelength=self.shape.max_wavelength,
            like=like,
        )
