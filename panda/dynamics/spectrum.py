"""The whole Lyapunov spectrum of an ensemble, with standard errors, and the dimension that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int8

from panda.core.blocking import blocking_error
from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics.integrate import Tangents, control_of, run_members
from panda.dynamics.schedule import Schedule
from panda.systems.flow import Ensemble, Flow


@dataclass(frozen=True, eq=False)
class Spectra:
    """Exponents per time unit of the flow, one row per member, one entry per block, one column per tangent vector.

    The first ``driver_dimension`` columns are the driver's own spectrum (a founder's, when it stands alone),
    the others the conditional spectrum of the response, each in the order of Gram-Schmidt, which is that of
    size up to sampling error. Blocks that a failed member did not complete are NaN.
    """

    blocks: Float64[np.ndarray, "n n_blocks dimension"]
    driver_dimension: int
    status: Int8[np.ndarray, " n"]


def lyapunov_spectrum(
    flow: Flow,
    ensemble: Ensemble,
    *,
    schedule: Schedule,
    generator: np.random.Generator,
    limits: Limits,
) -> Spectra:
    """All Lyapunov exponents: ``lambda_j = <log R_jj> / time`` of ``V = Q R``, ``dV/dt = (df/dx) V``.

    State and tangent vectors are integrated together, all under error control; the vectors are
    orthonormalised after every step (Benettin and others, Meccanica 15, 1980), which is shorter than any time
    in which they could collapse, and their slopes with them. The duration is cut into equal blocks.

    The tangent flow of a skew product is block triangular, so its spectrum is that of the driver alone
    joined with the conditional spectrum of the response, the growth rates of vectors that start, and
    stay, in the response's coordinates. Only these two blocks are integrated.

    All members start with the same vectors, so that a member's result does not depend on the others.

    Args:
        schedule: in the transient the vectors turn to their directions.
        generator: draws the vectors.
        limits: as in ``integrate``; the bounds are the state's only.

    Raises:
        PandaError: shapes or numbers that make no sense, or a founder with delay.
    """
    if flow.delayed:
        raise PandaError(
            f"{flow.name} has a delay, so infinitely many exponents; largest_exponent gives the first"
        )
    d_a = flow.driver_dimension
    stops, block = schedule.stops(flow, ensemble)
    results = run_members(
        flow,
        ensemble,
        tangents=Tangents(
            _directions(flow.scale[:d_a], generator), _directions(flow.scale[d_a:], generator), coupled=False
        ),
        stops=stops,
        n_points=0,
        limits=limits,
        control=control_of(limits),
    )
    blocks = results.log_growth[:, 1:] / block[:, None, None]
    unfinished = np.arange(1, schedule.n_blocks + 1) >= results.n_stops[:, None]
    blocks[unfinished] = np.nan
    return Spectra(blocks, d_a, results.status)


def _directions(
    scale: Float64[np.ndarray, " dimension"], generator: np.random.Generator
) -> Float64[np.ndarray, "dimension dimension"]:
    """Random vectors, a row each, of norm 1 in the coordinates' own sizes."""
    vectors = generator.standard_normal((len(scale), len(scale)))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * scale


class Summary(NamedTuple):
    """A system's spectrum, largest first, per time unit; errors are standard errors, NaN from one block."""

    exponents: Float64[np.ndarray, " dimension"]
    errors: Float64[np.ndarray, " dimension"]
    conditional: Float64[np.ndarray, " d_b"]
    conditional_errors: Float64[np.ndarray, " d_b"]
    total: float
    """Sum of the exponents: the mean divergence of the flow."""
    total_error: float
    kaplan_yorke: float
    kaplan_yorke_error: float


def summarise(
    blocks: Float64[np.ndarray, "n_blocks dimension"], driver_dimension: int, min_blocks: int = 8
) -> Summary:
    """Means over blocks and their standard errors by blocking, from columns as in ``Spectra``.

    Blocks are joined in pairs until ``min_blocks`` are left, and the largest error counts (``blocking_error``). That of
    the dimension is a delete-one-block jackknife, ``sqrt((n - 1) / n sum_i (D_i - <D>)^2)`` with D_i from the means
    of all blocks but i: so the correlations among exponents count.

    Raises:
        PandaError: no block at all, or one that is not whole.
    """
    blocks = np.asarray(blocks, dtype=np.float64)
    if blocks.ndim != 2 or not len(blocks) or np.isnan(blocks).any():
        raise PandaError(f"blocks of shape {blocks.shape}: a summary needs at least one, and none unfinished")
    exponents, errors = _mean_and_error(blocks, min_blocks)
    order = np.argsort(-exponents, kind="stable")
    own = order[order >= driver_dimension]
    totals, total_errors = _mean_and_error(blocks.sum(axis=1, keepdims=True), min_blocks)
    return Summary(
        exponents=exponents[order],
        errors=errors[order],
        conditional=exponents[own],
        conditional_errors=errors[own],
        total=float(totals[0]),
        total_error=float(total_errors[0]),
        kaplan_yorke=kaplan_yorke(exponents),
        kaplan_yorke_error=_jackknife(blocks, kaplan_yorke, min_blocks),
    )


def kaplan_yorke(exponents: Float64[np.ndarray, " dimension"]) -> float:
    """``D = j + (lambda_1 + ... + lambda_j) / |lambda_{j+1}|``, j the most exponents with a sum >= 0.

    Exponents in any order. The dimension of the state space where no sum is negative (a flow that keeps
    volume), 0 where no exponent is positive, NaN where one is.
    Source: Kaplan and Yorke, Lecture Notes in Mathematics 730, 1979.
    """
    exponents = np.sort(np.asarray(exponents, dtype=np.float64))[::-1]
    if np.isnan(exponents).any():
        return float("nan")
    if not len(exponents) or exponents[0] <= 0:
        return 0.0
    sums = np.cumsum(exponents)
    negative = np.flatnonzero(sums < 0)
    if not len(negative):
        return float(len(exponents))
    j = int(negative[0])
    return float(j + sums[j - 1] / abs(exponents[j]))


def _mean_and_error(
    blocks: Float64[np.ndarray, "n_blocks width"], min_blocks: int
) -> tuple[np.ndarray, np.ndarray]:
    least = max(2, min(len(blocks), min_blocks))
    errors = [blocking_error(column, min_blocks=least) for column in blocks.T]
    return blocks.mean(axis=0), np.array(errors)


def _jackknife(
    blocks: Float64[np.ndarray, "n_blocks dimension"],
    statistic: Callable[[np.ndarray], float],
    min_blocks: int,
) -> float:
    largest = float("nan")
    while (n := len(blocks)) >= max(2, min(n, min_blocks)):
        left_out = (blocks.sum(axis=0) - blocks) / (n - 1)
        values = np.array([statistic(mean) for mean in left_out])
        largest = float(np.fmax(largest, np.sqrt((n - 1) * values.var())))
        if n // 2 < max(2, min_blocks):
            break
        blocks = blocks[n % 2 :].reshape(n // 2, 2, -1).mean(axis=1)
    return largest
