"""Every number about a candidate's trajectory that a filter may ask for."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from panda.config import Statistics
from panda.invariants.boundedness import boundedness, largest_deviation
from panda.invariants.fixed_point import relative_tail_step, tail_step
from panda.invariants.linearity import linearity, straightness
from panda.invariants.periodicity import return_distance
from panda.invariants.recurrence import Recurrence, recurrence
from panda.invariants.signature import signature
from panda.invariants.spectrum import spectrum
from panda.invariants.stationarity import stationarity
from panda.invariants.zero_one import zero_one

Value = float | list[float]


def statistics(
    x: Float64[np.ndarray, "dimension time"],
    settings: Statistics,
    generator: np.random.Generator,
    *,
    largest: Float64[np.ndarray, " dimension"],
) -> dict[str, Value]:
    """The statistics of one trajectory (dimension, time), transient already dropped, for any selection later.

    Lists have one entry per dimension, but for `signature`, which describes the whole trajectory and no filter
    reads; NaN means undefined, which no filter passes. The frequencies of the 0-1
    test are drawn from `generator` (the system's own), uniform over `settings.zero_one.frequency_range` * pi.
    `largest` is the largest |x| of each dimension from the start of the integration on, transient included. The
    reference's statistics are absolute in part; `largest_deviation`, `straightness`, `relative_tail_step`,
    `unitless_zero_one_score` and `return_distance` are the same in any units.
    """
    features = signature(x, **settings.signature.model_dump()).features
    x = x[:, int(x.shape[1] * settings.transient_fraction) :]
    bounds = boundedness(x, std_floor=settings.std_floor)
    low, high = settings.zero_one.frequency_range
    chaos = zero_one(
        x,
        frequencies=generator.uniform(low * np.pi, high * np.pi, (len(x), settings.zero_one.n_frequencies)),
        k_threshold=settings.zero_one.k_threshold,
        n_delays=settings.zero_one.n_delays,
        n_bins=settings.zero_one.n_bins,
        n_smoothing=settings.zero_one.n_smoothing,
        shift_share=settings.zero_one.shift_share,
    )
    returns = recurrence(
        x, tolerance=settings.recurrence_tolerance, min_recurrence_time=settings.min_recurrence_time
    )
    tests = stationarity(x, significance=settings.stationarity_p)
    peaks = spectrum(
        x, relative_height=settings.spectrum_height, relative_prominence=settings.spectrum_prominence
    )
    return {
        "max_magnitude": bounds.max_magnitude,
        "max_zscore": bounds.max_zscore,
        "largest_deviation": largest_deviation(x),
        "straightness": straightness(x),
        "relative_tail_step": relative_tail_step(
            x, largest=largest, tail_share=settings.tail_share, rest_share=settings.rest_share
        ),
        "return_distance": return_distance(x, **settings.periodicity.model_dump()),
        "linear_share": linearity(x, std_floor=settings.std_floor),
        "tail_step": tail_step(x, tail_share=settings.tail_share),
        "zero_one_score": chaos.score.tolist(),
        "unitless_zero_one_score": chaos.unitless_score.tolist(),
        "zero_one_median_k": chaos.median_k.tolist(),
        **{f"recurrence_{name}": value for name, value in returns._asdict().items()},
        "spectral_peaks": peaks.tolist(),
        "kpss_p": tests.kpss_p.tolist(),
        "adf_p": tests.adf_p.tolist(),
        "signature": features.tolist(),
    }


LISTS = (
    "zero_one_score", "unitless_zero_one_score", "zero_one_median_k", "spectral_peaks", "kpss_p", "adf_p", "signature",
)  # fmt: skip
SCALARS = (
    "max_magnitude",
    "max_zscore",
    "linear_share",
    "tail_step",
    "largest_deviation",
    "straightness",
    "relative_tail_step",
    "return_distance",
    *(f"recurrence_{name}" for name in Recurrence._fields),
)


def undefined() -> dict[str, Value]:
    """The statistics of a candidate whose integration failed: nothing is defined."""
    return {**{name: float("nan") for name in SCALARS}, **{name: [] for name in LISTS}}
