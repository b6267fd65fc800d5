"""Context parroting: find the past that looks most like the present, and repeat what followed it."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from baselines.options import Options
from panda.core.errors import PandaError
from panda.evaluation.standardise import context_scale

BASELINES = {
    "parrot": {
        "label": "context parroting",
        "colour": "#D55E00",
        "idea": "copy what followed the nearest piece of the context",
        "channels": "joint",
        "licence": "MIT, ours",
        "source": "Zhang and Gilpin, arXiv 2505.11349",
        "reads": ["evaluate.standardise_eps"],
    },
    "parrot_anchored": {
        "label": "parroting, anchored",
        "colour": "#E69F00",
        "idea": "the same, shifted to start from the last value",
        "channels": "joint",
        "licence": "MIT, ours",
        "source": "ours",
        "reads": ["evaluate.standardise_eps"],
    },
}
SETTINGS = {"window": "Count"}


class ContextParrot:
    """Copy what followed the piece of the context nearest to its last points (Zhang and Gilpin 2025).

    Nearest in Euclidean distance over all channels, each in units of its standard deviation. Only pieces that
    do not overlap the last one are looked at: the piece one step earlier is nearly the same and says nothing.
    Where the horizon is longer than what followed, the copy goes on with its own beginning. With `anchored`
    the whole copy is shifted, channel by channel, so that it starts from the last value instead of from its
    own past.
    """

    def __init__(self, settings: Any, *, standardise_eps: float, anchored: bool) -> None:
        self.name = "parrot_anchored" if anchored else "parrot"
        self._window, self._eps, self._anchored = settings.window, standardise_eps, anchored

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`.

        Raises:
            PandaError: two pieces of `window` points do not fit in the context.
        """
        n_times = context.shape[1]
        if n_times < 2 * self._window:
            raise PandaError(
                f"{self.name}: the context has {n_times} steps, fewer than two pieces of {self._window}; "
                "lower baselines.parrot.window"
            )
        scale = context_scale(context, eps=self._eps)
        series = scale.apply(context)
        follows = nearest_piece(series, window=self._window) + self._window
        steps = follows[:, None] + np.arange(horizon) % (n_times - follows)[:, None]
        copy = np.take_along_axis(series, steps[:, :, None], axis=1)
        if self._anchored:
            before = np.take_along_axis(series, follows[:, None, None] - 1, axis=1)
            copy += series[:, -1:] - before
        return scale.undo(copy)


def nearest_piece(
    series: Float[np.ndarray, "batch time channel"], *, window: int
) -> Int[np.ndarray, " batch"]:
    """Start of the piece nearest to the last `window` points, among those that do not overlap it.

    The squared distance to all pieces, `sum_k sum_c (x_c(s + k) - x_c(T - window + k))^2`, is a sum of
    `window` shifted differences; of equal pieces the earliest wins, as the longest piece of the context follows it.
    """
    n_times = series.shape[1]
    n_pieces = n_times - 2 * window + 1
    distance = np.zeros((len(series), n_pieces))
    channels = np.ascontiguousarray(series.transpose(2, 0, 1))
    for channel in channels:
        for k in range(window):
            difference = channel[:, k : k + n_pieces] - channel[:, n_times - window + k, None]
            difference *= difference
            distance += difference
    return distance.argmin(axis=1)


def create(name: str, settings: Any, options: Options) -> ContextParrot:
    """See `baselines.registry`."""
    return ContextParrot(
        settings, standardise_eps=options.standardise_eps, anchored=name == "parrot_anchored"
    )
