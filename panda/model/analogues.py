"""Analogues: pieces of the context that look like its end, and what followed them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Analogues(NamedTuple):
    """For every length of the end that is looked for: what followed its nearest piece, and how near that is.

    `copies` and `anchored` are forecasts, the second shifted to start from the last value. `residuals` is the
    end of the context minus the piece and what comes before it, over the last `n_residuals` points.
    `distance` is the root mean square difference of end and piece over all channels.
    """

    copies: Float[Tensor, "batch channel analogue horizon"]
    anchored: Float[Tensor, "batch channel analogue horizon"]
    residuals: Float[Tensor, "batch channel analogue residual"]
    distance: Float[Tensor, "batch analogue"]


@torch.no_grad()
def find_analogues(
    series: Float[Tensor, "batch time channel"], lengths: tuple[int, ...], *, horizon: int, n_residuals: int
) -> Analogues:
    """Copy what followed the pieces nearest to the last `lengths` points of a series (context parroting).

    Nearest is as in `baselines.parrot`: least squares over all channels, among pieces that do not overlap the
    end. The best match lies between two points, and the copy is interpolated there: without that, a periodic
    series is copied up to half a step out of phase. A copy that reaches the end of the context goes on with
    its own beginning. Lengths are cut to half of the context. Source: Zhang and Gilpin, arXiv 2505.11349,
    without the fraction.
    """
    n_times = series.shape[1]
    lengths = tuple(min(length, n_times // 2) for length in lengths)
    nearest = [squared.min(dim=1) for squared in _squared_distances(series, lengths)]
    places = [place + length for (_, place), length in zip(nearest, lengths, strict=True)]
    parts = [_fraction(series, place, length) for place, length in zip(places, lengths, strict=True)]
    follows, fraction = torch.stack(places, dim=1), torch.stack(parts, dim=1)
    copies = _interpolated(series, follows, fraction, torch.arange(horizon, device=series.device))
    before = torch.arange(-n_residuals, 0, device=series.device)
    end = series[:, n_times + before].transpose(1, 2)[:, :, None]
    residuals = end - _interpolated(series, follows, fraction, before)
    anchored = copies + residuals[..., -1:]
    distance = torch.stack([least for least, _ in nearest], dim=1)
    scale = torch.tensor(lengths, device=series.device) * series.shape[2]
    return Analogues(copies, anchored, residuals, (distance / scale).sqrt())


def _squared_distances(
    series: Float[Tensor, "batch time channel"], lengths: tuple[int, ...]
) -> list[Float[Tensor, "batch place"]]:
    """Per length w: `sum_{k < w} |x(p - 1 - k) - x(T - 1 - k)|^2` for every place p, the step after a piece.

    Places run from w to T - w. Each length adds to the sum of the one before.
    """
    n_times, longest = series.shape[1], lengths[-1]
    end = series[:, n_times - longest :].transpose(1, 2)[:, None]
    # From place 0 on: sums that reach before the series are left out below, whatever stands there.
    padded = torch.nn.functional.pad(series.transpose(1, 2), (longest, 0)).transpose(1, 2)
    squares = (padded.unfold(1, longest, 1) - end).square().sum(dim=2)
    total = torch.zeros((), device=series.device, dtype=series.dtype)
    out, known = [], 0
    for width in lengths:
        total = total + squares[:, :, longest - width : longest - known].sum(dim=2)
        out.append(total[:, width : n_times - width + 1])
        known = width
    return out


def _fraction(
    series: Float[Tensor, "batch time channel"], follows: Int[Tensor, " batch"], length: int
) -> Float[Tensor, " batch"]:
    """The shift in [-1/2, 1/2] that brings the piece before `follows` nearest to the end, to first order.

    `<r, x'> / <x', x'>` with r the end minus the piece and x' the piece's central differences.
    """
    n_times = series.shape[1]
    place = follows[:, None] + torch.arange(-length - 1, 1, device=series.device)
    around = series.gather(1, place.clamp_min(0)[:, :, None].expand(-1, -1, series.shape[2]))
    slope = 0.5 * (around[:, 2:] - around[:, :-2])
    gap = series[:, n_times - length :] - around[:, 1:-1]
    square = slope.square().sum((1, 2)).clamp_min(torch.finfo(series.dtype).tiny)
    return ((gap * slope).sum((1, 2)) / square).clamp(-0.5, 0.5)


def _interpolated(
    series: Float[Tensor, "batch time channel"],
    follows: Int[Tensor, "batch analogue"],
    fraction: Float[Tensor, "batch analogue"],
    steps: Int[Tensor, " step"],
) -> Float[Tensor, "batch channel analogue step"]:
    """The series at `follows + fraction + steps`, a cubic through four points; beyond its end, from `follows` on again.

    Catmull and Rom's cubic: its error for a sine of 12 points a period is a thirtieth of a straight line's.
    """
    n_times = series.shape[1]
    start, left = follows[:, :, None], (n_times - follows)[:, :, None]
    place = torch.where(steps >= 0, start + steps % left, (start + steps).clamp_min(0))
    moved = _moved(series.transpose(1, 2), fraction)
    return moved.gather(3, place[:, None].expand(-1, series.shape[2], -1, -1))


def _moved(
    series: Float[Tensor, "batch channel time"], fraction: Float[Tensor, "batch analogue"]
) -> Float[Tensor, "batch channel analogue time"]:
    """The series between its points: at every step plus a fraction in [-1/2, 1/2]; its ends are repeated."""
    padded = torch.nn.functional.pad(series, (2, 2), mode="replicate")
    e, a, b, c, d = (padded[:, :, None, i : i + series.shape[2]] for i in range(5))
    t = fraction[:, None, :, None].abs()
    # To the left, the same cubic mirrored.
    left = fraction[:, None, :, None] < 0
    before, after, beyond = (torch.where(left, x, y) for x, y in ((c, a), (a, c), (e, d)))
    bend = 2 * before - 5 * b + 4 * after - beyond
    return b + 0.5 * t * (after - before + t * (bend + t * (3 * (b - after) + beyond - before)))
