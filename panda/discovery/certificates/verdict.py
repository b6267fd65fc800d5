"""What can be said of a candidate's motion from its largest exponent: chaotic, regular, or not decided."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from panda.config import Follow
from panda.core.blocking import blocking_error

CHAOTIC, REGULAR, UNDECIDED = "chaotic", "regular", "undecided"
VERDICTS = (CHAOTIC, REGULAR, UNDECIDED)


class Estimate(NamedTuple):
    """A mean exponent per period over `n_periods`, its standard error, and what shear alone would show.

    Without chaos tangent vectors grow like t at most, in the shear between neighbouring tori: over a time T after a
    transient t0 that looks like an exponent ``shear = ln((t0 + T) / t0) / T`` with hardly any scatter.
    """

    exponent: float
    within: float
    """Standard error by what scatters within the stretches of time that are joined here."""
    shear: float
    n_periods: float
    n_parts: int = 1
    """Stretches joined."""
    spread: float = 0.0
    """``sum_k n_k (x_k - exponent)^2`` over these, of n_k periods and exponent x_k."""

    @classmethod
    def none(cls) -> Estimate:
        """Nothing measured."""
        return cls(float("nan"), float("nan"), float("nan"), 0.0, 0)

    @property
    def error(self) -> float:
        """The standard error: that of stretches each by itself, or that by which they differ, if it is larger.

        One stretch does not show what changes more slowly than it lasts, or a transient that has not died away; that
        sets it apart from the next.
        """
        if self.n_parts < 2:
            return self.within
        return max(self.within, math.sqrt(self.spread / (self.n_parts - 1) / self.n_periods))

    def verdict(self, settings: Follow) -> str:
        """`chaotic` if the exponent is by `min_sigmas` errors above `min_power` times the shear, `regular` if it is
        by as many below `regular_below`, else `undecided`: so also where nothing, or no error, is known.

        For `regular` the error is the one within: what shear shows falls from stretch to stretch, by no chance.
        """
        if self.exponent - settings.min_sigmas * self.error > settings.min_power * self.shear:
            return CHAOTIC
        return (
            REGULAR
            if self.exponent + settings.min_sigmas * self.within < settings.regular_below
            else UNDECIDED
        )

    def __add__(self, other: Estimate) -> Estimate:  # type: ignore[override]
        """Of both stretches of time together, whose errors are independent."""
        if not (self.n_periods and other.n_periods):
            return self if self.n_periods else other
        n = self.n_periods + other.n_periods
        a, b = self.n_periods / n, other.n_periods / n
        apart = a * b * n * (self.exponent - other.exponent) ** 2
        return Estimate(
            a * self.exponent + b * other.exponent,
            math.hypot(a * self.within, b * other.within),
            a * self.shear + b * other.shear,
            n,
            self.n_parts + other.n_parts,
            self.spread + other.spread + apart,
        )


def estimate(blocks: Float64[np.ndarray, " block"], transient_periods: float, settings: Follow) -> Estimate:
    """The exponent over blocks of one period, its error by blocking; nothing with fewer than `min_blocks`."""
    if blocks.size < settings.min_blocks:
        return Estimate.none()
    return Estimate(
        float(blocks.mean()),
        blocking_error(blocks, min_blocks=settings.min_blocks),
        float(np.log1p(blocks.size / transient_periods) / blocks.size),
        float(blocks.size),
    )


def steadily_below(blocks: Float64[np.ndarray, " block"], settings: Follow) -> bool:
    """Whether the exponent is below `regular_below` in each of `regular_parts` equal parts of the time.

    For regular motion, whose growth rates go up and down for ever and cancel, a plain mean over T is off by 1 / T;
    with weights that fade in and out smoothly it converges faster than any power of T. So over each part the mean is
    weighted by ``exp(-1 / (s (1 - s)))``, s from 0 to 1. Chaos would have to fluctuate below in every part.

    Source: Das, Saiki, Sander and Yorke, Nonlinearity 30, 4111 (2017).
    """
    if blocks.size < settings.min_blocks * settings.regular_parts:
        return False
    parts = np.array_split(blocks, settings.regular_parts)
    return all(_weighted_mean(part) < settings.regular_below for part in parts)


def _weighted_mean(x: Float64[np.ndarray, " block"]) -> float:
    s = (np.arange(x.size) + 0.5) / x.size
    weights = np.exp(-1.0 / (s * (1.0 - s)))
    return float(weights @ x / weights.sum())


def verdict_of(
    all_stages: Estimate,
    last: Estimate,
    blocks: Float64[np.ndarray, " block"],
    settings: Follow,
) -> str:
    """What all stages say together; where that is undecided, regular if the last one, whose blocks are given, says so.

    The first stages hold what there was of a transient.
    """
    together = all_stages.verdict(settings)
    if together == UNDECIDED and (last.verdict(settings) == REGULAR or steadily_below(blocks, settings)):
        return REGULAR
    return together


def of_search(row: Mapping[str, Any], period: float) -> Estimate:
    """What the search found, from a row of its candidates."""
    if not np.isfinite(row["exponent_error"]):
        return Estimate.none()
    return Estimate(
        row["largest_exponent"] * period,
        row["exponent_error"] * period,
        row["shear_exponent"] * period,
        row["exponent_periods"],
    )
