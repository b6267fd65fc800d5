"""The units of every forecast and every score: the mean and the spread of the context."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float


class Scale(NamedTuple):
    """Mean and standard deviation of each context's channels."""

    mean: Float[np.ndarray, "batch 1 channel"]
    spread: Float[np.ndarray, "batch 1 channel"]

    def apply(
        self, values: Float[np.ndarray, "batch time channel"]
    ) -> Float[np.ndarray, "batch time channel"]:
        """`(values - mean) / spread`."""
        return (values - self.mean) / self.spread

    def undo(
        self, values: Float[np.ndarray, "batch time channel"]
    ) -> Float[np.ndarray, "batch time channel"]:
        """`mean + spread * values`."""
        return self.mean + self.spread * values


def context_scale(context: Float[np.ndarray, "batch time channel"], *, eps: float) -> Scale:
    """Mean and population standard deviation over time of each channel of a context.

    A channel whose standard deviation is at most `eps` times its largest magnitude is constant to rounding.
    It is centred only (spread 1), where a division by `eps` would turn any change after the context into an
    error of 1/eps that drowns all other windows.
    """
    context = np.asarray(context, dtype=np.float64)
    mean = context.mean(axis=1, keepdims=True)
    spread = context.std(axis=1, keepdims=True)
    return Scale(mean, np.where(_constant(context, spread, eps=eps), 1.0, spread))


def hold_constant(
    forecast: Float[np.ndarray, "batch horizon channel"],
    context: Float[np.ndarray, "batch time channel"],
    *,
    eps: float,
) -> Float[np.ndarray, "batch horizon channel"]:
    """The forecast, but with the context's last value in every channel that is constant in the context.

    What a model adds to such a channel has no unit, as there is no spread. Constant is meant as in `context_scale`.
    """
    context = np.asarray(context, dtype=np.float64)
    constant = _constant(context, context.std(axis=1, keepdims=True), eps=eps)
    return np.where(constant, context[:, -1:], forecast)


def _constant(
    context: Float[np.ndarray, "batch time channel"],
    spread: Float[np.ndarray, "batch 1 channel"],
    *,
    eps: float,
) -> Bool[np.ndarray, "batch 1 channel"]:
    return spread <= eps * np.abs(context).max(axis=1, keepdims=True)
