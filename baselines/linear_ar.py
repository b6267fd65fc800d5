"""A linear autoregression over all channels, fitted by ridge regression inside each context."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from baselines.options import Options
from panda.core.errors import PandaError
from panda.evaluation.standardise import context_scale

BASELINES = {
    "linear_ar": {
        "label": "linear AR",
        "colour": "#009E73",
        "idea": "ridge autoregression, clipped near the context's range",
        "channels": "joint",
        "licence": "MIT, ours",
        "source": "textbook",
        "reads": ["evaluate.standardise_eps"],
    },
}
SETTINGS = {"order": "Count", "ridge": "NonNegative"}

# Floats held for one block of windows: memory, not results.
_BLOCK_CELLS = 8_000_000
# A rollout may leave the context's range by this share of its width on either side, and is held there.
# Chaotic trajectories stay near the range they have shown; a fit with a growing mode would end in 1e300.
_HEADROOM = 0.5


class InContextAR:
    """`z(t) = b + sum_k A_k z(t - k)`, k = 1..order, for the context z standardised by its mean and spread.

    `(A, b)` minimises `mean_t |z(t) - b - A v(t)|^2 + ridge |A|^2` over the context, v being the stacked lags
    of all channels; the intercept is not penalised. Solved through the Gram matrix of lags or, where there
    are more lags than equations, of times. The rollout is clipped to the context's range, widened by half its
    width on each side.
    """

    name = "linear_ar"

    def __init__(self, settings: Any, *, standardise_eps: float) -> None:
        self._order, self._ridge, self._eps = settings.order, settings.ridge, standardise_eps

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`.

        Raises:
            PandaError: the context is not longer than the order by at least two steps.
        """
        n_times, n_channels = context.shape[1:]
        if n_times < self._order + 2:
            raise PandaError(
                f"linear_ar: a context of {n_times} steps does not determine order {self._order}; "
                "lower baselines.linear_ar.order"
            )
        scale = context_scale(context, eps=self._eps)
        series = scale.apply(context)
        lags = self._order * n_channels
        size = max(1, _BLOCK_CELLS // (lags * max(n_times, lags)))
        parts = [
            self._continue(series[first : first + size], horizon) for first in range(0, len(series), size)
        ]
        return scale.undo(np.concatenate(parts))

    def _continue(
        self, series: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """Fit each series and roll it out."""
        batch, n_times, n_channels = series.shape
        order = self._order
        views = sliding_window_view(series[:, :-1], order, axis=1)
        lags = np.ascontiguousarray(views.transpose(0, 1, 3, 2)).reshape(batch, -1, order * n_channels)
        weights, intercept = _ridge(lags, series[:, order:], ridge=self._ridge)
        low, high = series.min(axis=1), series.max(axis=1)
        room = _HEADROOM * (high - low)
        low, high = low - room, high + room
        # The last `order` states of every window lie one after the other in a buffer that grows to the right.
        path = np.empty((batch, order + horizon, n_channels))
        path[:, :order] = series[:, n_times - order :]
        flat = path.reshape(batch, -1)
        for step in range(horizon):
            state = flat[:, None, step * n_channels : (step + order) * n_channels]
            following = (state @ weights)[:, 0] + intercept
            np.clip(following, low, high, out=path[:, order + step])
        return path[:, order:]


def _ridge(
    inputs: Float[np.ndarray, "batch n lag"], targets: Float[np.ndarray, "batch n channel"], *, ridge: float
) -> tuple[Float[np.ndarray, "batch lag channel"], Float[np.ndarray, "batch channel"]]:
    """Weights and intercept of the ridge regressions of a batch; the mean squared error is penalised."""
    n, n_lags = inputs.shape[1:]
    input_mean, target_mean = inputs.mean(axis=1, keepdims=True), targets.mean(axis=1, keepdims=True)
    x, y = inputs - input_mean, targets - target_mean
    xt = x.transpose(0, 2, 1)
    # A smooth flow's lags are collinear to rounding; where `ridge` is 0 this keeps the system solvable.
    floor = np.finfo(np.float64).eps * n_lags
    diagonal = np.arange(min(n, n_lags))
    gram = (xt @ x if n_lags <= n else x @ xt) / n
    gram[:, diagonal, diagonal] += ridge + floor
    if n_lags <= n:
        weights = np.linalg.solve(gram, xt @ y / n)
    else:
        weights = xt @ np.linalg.solve(gram, y) / n
    return weights, (target_mean - input_mean @ weights)[:, 0]


def create(name: str, settings: Any, options: Options) -> InContextAR:
    """See `baselines.registry`."""
    return InContextAR(settings, standardise_eps=options.standardise_eps)
