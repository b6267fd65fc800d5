"""Augmentations of a trajectory, and standardised windows of them without computing the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from panda.config import TrainData


@dataclass(frozen=True)
class Moments:
    """Mean and covariance (divided by n, not n - 1) of a trajectory's channels over its whole length."""

    mean: Float[np.ndarray, " dimension"]
    covariance: Float[np.ndarray, "dimension dimension"]

    @classmethod
    def of(cls, series: Float[np.ndarray, "dimension time"]) -> Moments:
        """The moments of `series`, in float64."""
        centred = series.astype(np.float64)
        mean = centred.mean(axis=1)
        centred -= mean[:, None]
        return cls(mean, centred @ centred.T / series.shape[1])


@dataclass(frozen=True)
class LinearMixing:
    """`y(t) = A x(t) + b`: convex combinations and affine maps."""

    matrix: Float[np.ndarray, "channel dimension"]
    offset: Float[np.ndarray, " channel"]

    @property
    def n_channels(self) -> int:
        """Channels of y."""
        return self.matrix.shape[0]

    def n_points(self, n_points: int) -> int:
        """Length of y where x has `n_points`."""
        return n_points

    def apply(self, series: Float[np.ndarray, "dimension time"]) -> Float[np.ndarray, "channel time"]:
        """The whole of y."""
        return self.matrix @ series + self.offset[:, None]

    def window(
        self,
        series: Float[np.ndarray, "dimension time"],
        moments: Moments,
        channels: Int[np.ndarray, " chosen"],
        *,
        start: int,
        length: int,
        eps: float,
    ) -> Float[np.ndarray, "chosen length"]:
        """`(y - mean(y)) / (std(y) + eps)`, statistics over the whole of y, at `start <= t < start + length`.

        By `mean(y) = A mean(x) + b` and `var(y) = diag(A cov(x) A^T)` only the window of x is read.
        """
        rows = self.matrix[channels]
        variance = np.einsum("ij,jk,ik->i", rows, moments.covariance, rows)
        centred = series[:, start : start + length] - moments.mean[:, None]
        return rows @ centred / (np.sqrt(np.maximum(variance, 0.0)) + eps)[:, None]


@dataclass(frozen=True)
class DelayEmbedding:
    """`y_i(t) = x_c(t + i lag)`, i = 0 ... n_channels - 1, for one channel c of x (Takens)."""

    channel: int
    lag: int
    n_channels: int

    def n_points(self, n_points: int) -> int:
        """Length of y where x has `n_points`: `n_points - lag (n_channels - 1)`."""
        return n_points - self.lag * (self.n_channels - 1)

    def apply(self, series: Float[np.ndarray, "dimension time"]) -> Float[np.ndarray, "channel time"]:
        """The whole of y."""
        n = self.n_points(series.shape[1])
        return np.stack([series[self.channel, i * self.lag :][:n] for i in range(self.n_channels)])

    def window(
        self,
        series: Float[np.ndarray, "dimension time"],
        moments: Moments,
        channels: Int[np.ndarray, " chosen"],
        *,
        start: int,
        length: int,
        eps: float,
    ) -> Float[np.ndarray, "chosen length"]:
        """As `LinearMixing.window`; the moments of y_i are those of x_c less its first and last points."""
        x, mean = series[self.channel], moments.mean[self.channel]
        n_all, n = x.size, self.n_points(x.size)
        window = np.empty((channels.size, length))
        for row, i in enumerate(channels):
            shift = int(i) * self.lag
            left_out = np.concatenate((x[:shift], x[shift + n :])) - mean
            shift_of_mean = -left_out.sum() / n
            square = n_all * moments.covariance[self.channel, self.channel] - left_out @ left_out
            variance = max(square / n - shift_of_mean**2, 0.0)
            piece = x[start + shift : start + shift + length] - (mean + shift_of_mean)
            window[row] = piece / (np.sqrt(variance) + eps)
        return window


@dataclass(frozen=True)
class Identity:
    """`y = x`: four windows in five. As `LinearMixing` of the unit matrix, without computing products with it."""

    n_channels: int

    def n_points(self, n_points: int) -> int:
        """Length of y where x has `n_points`."""
        return n_points

    def apply(self, series: Float[np.ndarray, "dimension time"]) -> Float[np.ndarray, "channel time"]:
        """The whole of y."""
        return series

    def window(
        self,
        series: Float[np.ndarray, "dimension time"],
        moments: Moments,
        channels: Int[np.ndarray, " chosen"],
        *,
        start: int,
        length: int,
        eps: float,
    ) -> Float[np.ndarray, "chosen length"]:
        """As `LinearMixing.window`, to the bit (but for the sign of a zero)."""
        std = np.sqrt(np.maximum(moments.covariance[channels, channels], 0.0)) + eps
        window = series[:, start : start + length][channels] - moments.mean[channels][:, None]
        window /= std[:, None]
        return window


Augmentation = Identity | LinearMixing | DelayEmbedding


def random_augmentation(
    rng: np.random.Generator,
    *,
    dimension: int,
    n_points: int,
    window_length: int,
    settings: TrainData,
) -> Augmentation:
    """One of three augmentations, each with probability 1/3 (paper, section on augmentations).

    - delay embedding: channel and lag are uniform, the lag from 1 to `delay_max_lag`, or to the longest lag
      that leaves a window if that is shorter (no augmentation if there is none); as many channels as the
      trajectory has
    - convex combination: a number d of channels uniform in `mixing_dimensions`, every row of A a Dirichlet
      draw with all concentrations `dirichlet_alpha`, b = 0
    - affine map: d likewise, entries of A and b from `affine_scale N(0, 1) / sqrt(d)`
    """
    kind = rng.integers(3)
    if kind == 0:
        longest = settings.delay_max_lag
        if dimension > 1:
            longest = min(longest, (n_points - window_length) // (dimension - 1))
        if longest < 1:
            return Identity(dimension)
        channel, lag = rng.integers(dimension), rng.integers(1, longest + 1)
        return DelayEmbedding(int(channel), int(lag), dimension)
    low, high = settings.mixing_dimensions
    d = int(rng.integers(low, high + 1))
    if kind == 1:
        matrix = rng.dirichlet(np.full(dimension, settings.dirichlet_alpha), size=d)
        return LinearMixing(matrix, np.zeros(d))
    entries = settings.affine_scale * rng.standard_normal((d, dimension + 1)) / np.sqrt(d)
    return LinearMixing(entries[:, :dimension], entries[:, dimension])
