"""Hidden patches of test windows filled in by the model and by naive imputers, and how well."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline

from panda.config import Evaluate
from panda.core import seeds
from panda.core.metrics import metrics_of
from panda.core.progress import Progress
from panda.evaluation.score import shown
from panda.evaluation.standardise import context_scale
from panda.evaluation.windows import Batch, Windows, choose_examples
from panda.model.panda import Panda


class Completions(NamedTuple):
    """Scores of the model and the imputers, and completions of the model to be shown."""

    table: pd.DataFrame
    arrays: dict[str, np.ndarray]


def score_completions(
    model: Panda,
    windows: Windows,
    settings: Evaluate,
    *,
    name: str,
    threads: int,
    device: str,
    seed: int,
    progress: Progress | None = None,
) -> Completions:
    """Hide patches of each window's context, fill them in, and score the hidden points alone.

    Every window sees `n_mask_draws` masks, in which exactly the model's `mask_ratio` of each channel's
    patches is hidden, drawn from (seed, system, window, draw). Model and imputers get the same masks, and are
    scored in the same units: the model's own normalisation, by mean and standard deviation of the whole
    context. (The reference scores all points, hidden or not, and its imputers fill in the visible half.)

    The table has one row per (forecaster, system, metric): mean over windows and masks of `mae`, `rmse` and
    `pearson` (over the hidden points of a channel, then over channels), with `name` and `population`. The
    arrays are those of figure 15: `truth` and `completion` (n, T, 3) (visible patches as they are), `mask`
    (n, 3, n_patches), True where hidden, `names`, for windows chosen by the seed alone.

    Raises:
        PandaError: the model has no completion head.
    """
    torch.set_num_threads(threads)
    model = model.to(device).eval()
    frames = []
    for batch in windows.batches(settings.batch_size):
        for draw in range(settings.n_mask_draws):
            truth, filled, hidden, _ = _complete(
                model, batch, draw, eps=settings.standardise_eps, device=device, seed=seed
            )
            candidates = {name: filled} | {n: impute(truth, hidden) for n, impute in IMPUTERS.items()}
            for forecaster, completion in candidates.items():
                scores = hidden_scores(completion, truth, hidden)
                columns = batch.rows[["system", "name", "population"]].reset_index(drop=True)
                frames.append(columns.assign(forecaster=forecaster, **scores))
        if progress is not None:
            progress.advance(len(batch.rows))
    keys = ["forecaster", "system", "name", "population"]
    means = pd.concat(frames).groupby(keys, sort=True)[list(metrics_of("completions"))].mean().reset_index()
    table = means.melt(keys, var_name="metric", value_name="value")
    table = table.sort_values(["forecaster", "system", "metric"], ignore_index=True)
    return Completions(table, _shown_completions(model, windows, settings, device=device, seed=seed))


def draw_mask(
    rng: np.random.Generator, *, n_channels: int, n_patches: int, mask_ratio: float
) -> Bool[np.ndarray, "channel patch"]:
    """True on hidden patches: in each channel apart, all but `int(n_patches (1 - mask_ratio))` of them."""
    n_visible = int(n_patches * (1 - mask_ratio))
    order = rng.permuted(np.tile(np.arange(n_patches), (n_channels, 1)), axis=1)
    return order >= n_visible


def linear_interpolation(
    truth: Float[np.ndarray, "batch time channel"], hidden: Bool[np.ndarray, "batch time channel"]
) -> Float[np.ndarray, "batch time channel"]:
    """Straight lines between visible points; outside them the nearest visible value."""
    return _channelwise(truth, hidden, lambda at, t, x: np.interp(at, t, x))


def cubic_spline(
    truth: Float[np.ndarray, "batch time channel"], hidden: Bool[np.ndarray, "batch time channel"]
) -> Float[np.ndarray, "batch time channel"]:
    """Natural cubic spline through the visible points; outside them, where it runs off, the nearest one."""
    return _channelwise(
        truth, hidden, lambda at, t, x: CubicSpline(t, x, bc_type="natural")(np.clip(at, t[0], t[-1]))
    )


def hold_last(
    truth: Float[np.ndarray, "batch time channel"], hidden: Bool[np.ndarray, "batch time channel"]
) -> Float[np.ndarray, "batch time channel"]:
    """The last visible value; before the first visible point that one."""
    return _channelwise(
        truth, hidden, lambda at, t, x: x[np.maximum(np.searchsorted(t, at, side="right") - 1, 0)]
    )


IMPUTERS = {
    "linear_interpolation": linear_interpolation,
    "cubic_spline": cubic_spline,
    "persistence": hold_last,
}


def hidden_scores(
    completion: Float[np.ndarray, "batch time channel"],
    truth: Float[np.ndarray, "batch time channel"],
    hidden: Bool[np.ndarray, "batch time channel"],
) -> dict[str, Float[np.ndarray, " batch"]]:
    """`mae`, `rmse` and Pearson's r over the hidden points; r is the mean over channels not constant."""
    weight = hidden / hidden.sum(axis=1, keepdims=True)

    def mean(values: np.ndarray) -> np.ndarray:
        return (weight * values).sum(axis=1)

    error = completion - truth
    x, y = completion - mean(completion)[:, None], truth - mean(truth)[:, None]
    power = np.sqrt(mean(x * x) * mean(y * y))
    r = np.full(power.shape, np.nan)
    np.divide(mean(x * y), power, out=r, where=power > 0)
    defined = ~np.isnan(r)
    pearson = np.full(len(r), np.nan)
    n = defined.sum(axis=1)
    np.divide(np.where(defined, r, 0.0).sum(axis=1), n, out=pearson, where=n > 0)
    return {
        "mae": mean(np.abs(error)).mean(axis=1),
        "rmse": np.sqrt(mean(error * error).mean(axis=1)),
        "pearson": pearson,
    }


def _channelwise(truth: np.ndarray, hidden: np.ndarray, fill) -> np.ndarray:
    filled = truth.copy()
    times = np.arange(truth.shape[1])
    for b, c in np.ndindex(truth.shape[0], truth.shape[2]):
        gap = hidden[b, :, c]
        filled[b, gap, c] = fill(times[gap], times[~gap], truth[b, ~gap, c])
    return filled


@torch.no_grad()
def _complete(
    model: Panda, batch: Batch, draw: int, *, eps: float, device: str, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Normalised context, its completion, which points were hidden, and the mask of patches."""
    shape, n_channels = model.shape, batch.context.shape[2]
    n_patches = batch.context.shape[1] // shape.patch_length
    mask = np.stack(
        [
            draw_mask(
                seeds.generator(
                    seed, "completions", row.system, int(row.initial_condition), int(row.window), draw
                ),
                n_channels=n_channels,
                n_patches=n_patches,
                mask_ratio=shape.mask_ratio,
            )
            for row in batch.rows.itertuples()
        ]
    )
    series = context_scale(batch.context, eps=eps).apply(batch.context)
    context = torch.from_numpy(series).to(device, torch.float32)
    out = model.complete(context, torch.from_numpy(mask).to(device))
    truth, completed = (_unpatched(p) for p in (out.patches, out.completed))
    hidden = np.repeat(mask, shape.patch_length, axis=2).transpose(0, 2, 1)
    return truth, np.where(hidden, completed, truth), hidden, mask


def _unpatched(patches: torch.Tensor) -> Float[np.ndarray, "batch time channel"]:
    return patches.flatten(2).transpose(1, 2).cpu().numpy().astype(np.float64)


def _shown_completions(
    model: Panda, windows: Windows, settings: Evaluate, *, device: str, seed: int
) -> dict[str, np.ndarray]:
    rows = choose_examples(windows, settings.n_completions, seed=seed)
    kept = {}
    for batch in windows.select(rows).batches(1):
        truth, filled, _, mask = _complete(
            model, batch, 0, eps=settings.standardise_eps, device=device, seed=seed
        )
        row = batch.rows.iloc[0]
        mask_shown = shown(mask[0].T.astype(np.float32)).T > 0
        kept[row["system"]] = (row["name"], shown(truth[0]), shown(filled[0]), mask_shown)
    names, truth, completion, mask = zip(*(kept[s] for s in windows.plan.loc[rows, "system"]), strict=True)
    return {
        "truth": np.stack(truth),
        "completion": np.stack(completion),
        "mask": np.stack(mask),
        "names": np.array(names),
    }
