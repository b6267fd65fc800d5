"""The scaling law of the error over training systems, E(N) = c0 + c1 N^-alpha, and whether it is known.

The fit is least squares on the means over test systems with c0, c1 >= 0 and 0 <= alpha <= alpha_max (facts,
section 4.4). For a given alpha the model is linear in c0 and c1, so the fit is a search in alpha alone: it
needs no starting point and finds the best of all fits.

Intervals are percentile bootstrap intervals over clusters of test systems. Every model meets the same
systems, so one draw of systems serves all sizes. What the models' own training adds (one run a size, each
with its luck) is invisible to that draw; it is estimated as the scatter around the curve in excess of what
the draw explains, and added to every resample as noise.

An exponent is `identifiable` when all of these hold; else it is `not identifiable`, for the first that fails:

1. at least four different sizes: three parameters pass through three points whatever these are;
2. the order of the sizes matters: among all reorderings of the sizes (a sample of them when there are many)
   at most a fraction 1 - confidence is fitted as well as the true order. This permutation test is exact
   without assumptions on the noise; flat data pass it with probability 1 - confidence at most;
3. the interval of alpha stays below alpha_max, where the curve is a step after the first size;
4. the interval is no wider than a factor of `max_ratio` (alpha_high <= max_ratio * alpha_low).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd
from jaxtyping import Float

from panda.core import bootstrap
from panda.core.errors import PandaError
from panda.core.seeds import generator as seeded_generator

IDENTIFIABLE = "identifiable"
NOT_IDENTIFIABLE = "not identifiable"
_MIN_SIZES = 4
# The search in alpha: grid points (denser towards 0), then golden-section steps within the best bracket.
_N_GRID = 96
_N_GOLDEN = 26
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass(frozen=True)
class ScalingFit:
    """A fitted law, its intervals and the verdict on it; NaN for what the data cannot give.

    `decline` is the mean error at the smallest size less that at the largest (positive: error falls with N).
    `p_value` is that of rule 2, `run_noise` the standard deviation of the models' own scatter.
    """

    c0: float
    c1: float
    alpha: float
    alpha_low: float
    alpha_high: float
    c0_low: float
    c0_high: float
    decline: float
    decline_low: float
    decline_high: float
    p_value: float
    run_noise: float
    n_sizes: int
    n_systems: int
    n_clusters: int
    verdict: str
    reason: str


def least_squares(
    sizes: Float[np.ndarray, " n_points"], means: Float[np.ndarray, "batch n_points"], *, alpha_max: float
) -> tuple[Float[np.ndarray, " batch"], ...]:
    """(c0, c1, alpha, residual sum of squares) of the best constrained fit to each row of `means`.

    Minimises sum_k (y_k - c0 - c1 N_k^-alpha)^2 over c0, c1 >= 0 and 0 <= alpha <= alpha_max.
    """
    # In units of the smallest size the basis stays in (0, 1] whatever the exponent.
    log_size = np.log(sizes / sizes.min())
    grid = alpha_max * (np.arange(1, _N_GRID + 1) / _N_GRID) ** 2

    def residual_at(alpha: Float[np.ndarray, " batch"]) -> Float[np.ndarray, " batch"]:
        return _linear(np.exp(-np.outer(alpha, log_size)), means)[2]

    residual = np.stack([_linear(np.exp(-a * log_size)[None], means)[2] for a in grid], axis=1)
    best = residual.argmin(axis=1)
    low = np.where(best == 0, 0.0, grid[best - 1])
    high = grid[np.minimum(best + 1, _N_GRID - 1)]
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = residual_at(left), residual_at(right)
    for _ in range(_N_GOLDEN):
        keep_left = at_left <= at_right
        low, high = np.where(keep_left, low, left), np.where(keep_left, right, high)
        # Of the two inner points of the shorter bracket one is an inner point of the longer one.
        kept, at_kept = np.where(keep_left, left, right), np.where(keep_left, at_left, at_right)
        new = np.where(keep_left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_new = residual_at(new)
        left, at_left = np.where(keep_left, new, kept), np.where(keep_left, at_new, at_kept)
        right, at_right = np.where(keep_left, kept, new), np.where(keep_left, at_kept, at_new)
    alpha = 0.5 * (low + high)
    # The golden section closes in on a bound but never reaches it.
    alpha = np.where(residual_at(np.full(len(means), alpha_max)) <= residual_at(alpha), alpha_max, alpha)
    c0, scaled, rss = _linear(np.exp(-np.outer(alpha, log_size)), means)
    with np.errstate(over="ignore"):
        c1 = scaled * np.asarray(sizes, dtype=np.float64).min() ** alpha
    return c0, c1, np.where(scaled > 0, alpha, 0.0), rss


def fit(
    sizes: Sequence[float] | np.ndarray,
    errors: Float[np.ndarray, "n_points n_systems"],
    clusters: Sequence[object] | np.ndarray,
    *,
    confidence: float,
    alpha_max: float,
    max_ratio: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> ScalingFit:
    """Fit the law to the errors of models trained on `sizes` systems and judge whether its exponent is known.

    Args:
        sizes: number of training systems of each model; a size may occur more than once (several seeds).
        errors: error of each model (row) on each test system (column); a system without an error for every
            model is left out.
        clusters: the cluster (founder pair) of each test system.
        confidence: of the intervals; 1 - confidence is the level of the permutation test.
        alpha_max: the largest exponent considered.
        max_ratio: the widest interval, as alpha_high / alpha_low, that still counts as known.
        n_resamples: bootstrap resamples, and the most reorderings the permutation test looks at.

    Raises:
        PandaError: shapes do not agree, a number is out of range, or no system has an error for every model.
    """
    sizes, errors = np.asarray(sizes, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    _check(sizes, errors, clusters, confidence, alpha_max, max_ratio, n_resamples)
    kept = np.isfinite(errors).all(axis=0)
    if not kept.any():
        raise PandaError(
            "scaling law: no test system has a finite error for every model; check the evaluations"
        )
    errors = errors[:, kept]
    index = bootstrap.cluster_index(np.asarray(clusters, dtype=object)[kept])
    n_sizes = np.unique(sizes).size
    n_clusters = int(index.max()) + 1
    means = errors.mean(axis=1)
    draws = bootstrap.resample_counts(n_clusters, n_resamples=n_resamples, generator=generator)
    multiplicity = draws[:, index]
    resampled = multiplicity @ errors.T / multiplicity.sum(axis=1, keepdims=True)
    known: dict[str, float] = {"decline": float(_decline(sizes, means[None])[0])}
    verdict, reason = NOT_IDENTIFIABLE, f"{n_sizes} sizes; {_MIN_SIZES} are needed"
    if n_sizes >= _MIN_SIZES:
        noise = _run_noise(sizes, means, resampled, alpha_max=alpha_max)
        resampled = resampled + noise * _scatter(resampled.shape, sizes.size - 3, generator)
        known["run_noise"] = noise
        known |= _fit_with_intervals(sizes, means, resampled, alpha_max=alpha_max, confidence=confidence)
        known["p_value"] = order_p_value(
            sizes, means, alpha_max=alpha_max, n_permutations=n_resamples, generator=generator
        )
        verdict, reason = _verdict(known, confidence=confidence, alpha_max=alpha_max, max_ratio=max_ratio)
    interval = bootstrap.percentile_interval(_decline(sizes, resampled), confidence=confidence)
    known["decline_low"], known["decline_high"] = interval
    unknown = {field.name: np.nan for field in fields(ScalingFit) if field.type == "float"}
    return ScalingFit(
        **(unknown | known),
        n_sizes=n_sizes,
        n_systems=errors.shape[1],
        n_clusters=n_clusters,
        verdict=verdict,
        reason=reason,
    )


def order_p_value(
    sizes: Float[np.ndarray, " n_points"],
    means: Float[np.ndarray, " n_points"],
    *,
    alpha_max: float,
    n_permutations: int,
    generator: np.random.Generator,
) -> float:
    """The fraction of reorderings of `means` that the law fits at least as well as it fits the true order.

    All n! reorderings if at most `n_permutations`, else that many: the true order and random ones.
    """
    n = means.size
    if math.factorial(n) <= n_permutations:
        orders = np.array(list(itertools.permutations(range(n))))
    else:
        drawn = generator.permuted(np.tile(np.arange(n), (n_permutations - 1, 1)), axis=1)
        orders = np.concatenate([np.arange(n)[None], drawn])
    residual = least_squares(sizes, means[orders], alpha_max=alpha_max)[3]
    # Row 0 is the true order; the slack lets rounding decide no tie against a reordering.
    slack = 1e-9 * ((means - means.mean()) ** 2).sum()
    return float((residual <= residual[0] + slack).mean())


def fit_table(
    frame: pd.DataFrame,
    *,
    confidence: float,
    alpha_max: float,
    max_ratio: float,
    n_resamples: int,
    root_seed: int,
) -> pd.DataFrame:
    """`fit` for each horizon of a long table.

    Args:
        frame: columns model, n_systems (training systems), horizon, system, cluster, error; one row per model,
            horizon and test system.

    Returns:
        One row a horizon: horizon and the fields of `ScalingFit`.

    Raises:
        PandaError: a column is missing, a model's size is ambiguous, or a system occurs twice for a model.
    """
    needed = ("model", "n_systems", "horizon", "system", "cluster", "error")
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise PandaError(f"scaling law: the table has no column {missing[0]!r}; it needs {', '.join(needed)}")
    rows = []
    for horizon, group in frame.groupby("horizon", sort=True):
        if group.duplicated(["model", "system"]).any():
            raise PandaError(f"scaling law: a test system occurs twice for a model at horizon {horizon}")
        wide = group.pivot(index="model", columns="system", values="error").sort_index()
        of_model = group.groupby("model")["n_systems"].unique().loc[wide.index]
        if (of_model.map(len) > 1).any():
            raise PandaError(f"scaling law: a model at horizon {horizon} has more than one n_systems")
        clusters = group.drop_duplicates("system").set_index("system")["cluster"].loc[wide.columns]
        law = fit(
            of_model.map(lambda values: values[0]).to_numpy(dtype=np.float64),
            wide.to_numpy(dtype=np.float64),
            clusters.to_numpy(),
            confidence=confidence,
            alpha_max=alpha_max,
            max_ratio=max_ratio,
            n_resamples=n_resamples,
            generator=seeded_generator(root_seed, "scaling", str(horizon)),
        )
        rows.append({"horizon": horizon} | asdict(law))
    return pd.DataFrame(rows, columns=["horizon", *(field.name for field in fields(ScalingFit))])


def _linear(
    basis: Float[np.ndarray, "rows n_points"], means: Float[np.ndarray, "batch n_points"]
) -> tuple[Float[np.ndarray, " batch"], ...]:
    """Non-negative least squares of means on [1, basis] in closed form: (c0, c1, residual sum of squares)."""
    centred = basis - basis.mean(axis=1, keepdims=True)
    spread = (centred**2).sum(axis=1)
    average = means.mean(axis=1)
    slope = np.divide((centred * means).sum(axis=1), spread, where=spread > 1e-24, out=np.zeros(len(means)))
    slope = np.maximum(slope, 0.0)
    constant = average - slope * basis.mean(axis=1)
    # Where the constant would be negative the best fit has none (errors are positive, so its slope is too).
    through_zero = np.maximum((basis * means).sum(axis=1) / (basis**2).sum(axis=1), 0.0)
    slope = np.where(constant < 0, through_zero, slope)
    constant = np.maximum(constant, 0.0)
    residual = means - constant[:, None] - slope[:, None] * basis
    return constant, slope, (residual**2).sum(axis=1)


def _run_noise(sizes: np.ndarray, means: np.ndarray, resampled: np.ndarray, *, alpha_max: float) -> float:
    """Standard deviation of the scatter around the curve in excess of what drawing test systems explains.

    E[RSS of a resample] is about the RSS of the data plus what the draw itself adds; the data's own RSS holds
    that share once too, so the excess is RSS - (mean RSS of resamples - RSS), over n - 3 degrees of freedom.
    """
    rss = _scatter_around_trend(sizes, means[None], alpha_max=alpha_max)[0]
    drawn = _scatter_around_trend(sizes, resampled, alpha_max=alpha_max).mean()
    return float(np.sqrt(max(0.0, 2.0 * rss - drawn) / (means.size - 3)))


def _scatter_around_trend(sizes: np.ndarray, means: np.ndarray, *, alpha_max: float) -> np.ndarray:
    """Residual sum of squares of each row around the law or, for errors that rise, around its mirror."""
    mirrored = 2.0 * means.max() - means
    falling, rising = (least_squares(sizes, rows, alpha_max=alpha_max)[3] for rows in (means, mirrored))
    return np.minimum(falling, rising)


def _scatter(shape: tuple[int, int], n_free: int, generator: np.random.Generator) -> np.ndarray:
    """Unit Gaussian noise, its scale drawn once a resample: the scale was estimated from few sizes itself."""
    scale = np.sqrt(generator.chisquare(n_free, size=(shape[0], 1)) / n_free)
    return generator.standard_normal(shape) / scale


def _fit_with_intervals(
    sizes: np.ndarray, means: np.ndarray, resampled: np.ndarray, *, alpha_max: float, confidence: float
) -> dict[str, float]:
    c0, c1, alpha, _ = (float(value[0]) for value in least_squares(sizes, means[None], alpha_max=alpha_max))
    all_c0, _, all_alpha, _ = least_squares(sizes, resampled, alpha_max=alpha_max)
    alpha_low, alpha_high = bootstrap.percentile_interval(all_alpha, confidence=confidence)
    c0_low, c0_high = bootstrap.percentile_interval(all_c0, confidence=confidence)
    return {
        **{"c0": c0, "c1": c1, "alpha": alpha, "alpha_low": alpha_low, "alpha_high": alpha_high},
        **{"c0_low": c0_low, "c0_high": c0_high},
    }


def _verdict(
    known: dict[str, float], *, confidence: float, alpha_max: float, max_ratio: float
) -> tuple[str, str]:
    low, high = known["alpha_low"], known["alpha_high"]
    if known["p_value"] > 1.0 - confidence + 1e-12:
        return NOT_IDENTIFIABLE, f"the order of the sizes does not matter (p = {known['p_value']:.2g})"
    if high >= alpha_max * (1.0 - 1e-6):
        return NOT_IDENTIFIABLE, f"the interval of alpha reaches its bound {alpha_max:g}"
    if high > max_ratio * low:
        return NOT_IDENTIFIABLE, f"alpha is not known to a factor of {max_ratio:g} ({low:.2g} to {high:.2g})"
    return IDENTIFIABLE, f"alpha is between {low:.2g} and {high:.2g}"


def _decline(sizes: np.ndarray, means: np.ndarray) -> np.ndarray:
    smallest, largest = sizes == sizes.min(), sizes == sizes.max()
    return means[:, smallest].mean(axis=1) - means[:, largest].mean(axis=1)


def _check(
    sizes: np.ndarray,
    errors: np.ndarray,
    clusters: Sequence[object] | np.ndarray,
    confidence: float,
    alpha_max: float,
    max_ratio: float,
    n_resamples: int,
) -> None:
    if errors.ndim != 2 or errors.shape != (sizes.size, len(clusters)):
        raise PandaError(
            f"scaling law: errors of shape {errors.shape} for {sizes.size} models and {len(clusters)} systems"
        )
    if sizes.size == 0 or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise PandaError("scaling law: every model needs a positive number of training systems")
    for name, value, good in (
        ("confidence", confidence, 0 < confidence < 1),
        ("alpha_max", alpha_max, alpha_max > 0),
        ("max_ratio", max_ratio, max_ratio > 1),
        ("n_resamples", n_resamples, n_resamples >= 1),
    ):
        if not good:
            raise PandaError(f"scaling law: {name} is {value}, out of range")
