"""The space of invariants in which systems are near or far: how novel one is, how diverse many are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from panda.discovery.diversity.novelty import Metric, distances, features_of

Points = Float64[np.ndarray, "system coordinate"]


def points(systems: pd.DataFrame, metric: Metric) -> Points:
    """Coordinates of systems whose Euclidean distance is about 1 a part for two measurements of one system.

    Two parts, side by side: the signature in units of its own noise (`Metric`), which is the shape of the
    spectrum and of the distributions; and ``ln(lambda_1 T) / (sqrt(2) s)`` with T the period and s^2 the mean
    squared relative standard error of lambda_1 over `systems`. All exponents must be positive. The number of
    dimensions, a third invariant, is no coordinate: systems that differ in it are infinitely far apart.
    """
    exponent = (systems["largest_exponent"] * systems["period"]).to_numpy()
    relative = (systems["exponent_error"] / systems["largest_exponent"]).to_numpy()
    noise = np.sqrt(2.0 * np.mean(relative**2))
    return np.column_stack([metric.scaled(features_of(systems)), np.log(exponent) / noise])


def samples_per_lyapunov_time(systems: pd.DataFrame) -> Float64[np.ndarray, " system"]:
    """``1 / (lambda_1 dt)``, dt the time between stored points; infinite unless lambda_1 is positive."""
    exponent, dt = systems["largest_exponent"].to_numpy(), systems["dt"].to_numpy()
    return np.divide(1.0, exponent * dt, out=np.full(len(systems), np.inf), where=exponent > 0)


def novelty(
    where: Points, dimension: Int64[np.ndarray, " system"], n_neighbours: int
) -> Float64[np.ndarray, " system"]:
    """Mean distance of each system to its `n_neighbours` nearest of the same dimension (Lehman and Stanley 2011).

    With fewer others, to all of them; infinite where there is none.
    """
    found = np.full(len(where), np.inf)
    for rows, columns, distance in distances(where, dimension):
        n = min(n_neighbours, len(columns) - 1)
        if n:
            found[rows] = np.partition(distance, n - 1, axis=1)[:, :n].mean(axis=1)
    return found


def effective_number(where: Points, dimension: Int64[np.ndarray, " system"], width: float) -> float:
    """How many systems without any likeness would be as diverse: the Vendi score.

    ``exp(-sum_i p_i ln p_i)``, p the eigenvalues of K / n and ``K_ab = exp(-d(a, b)^2 / (2 width^2))``, 0 between
    dimensions. n copies of one system count as 1, n systems far from each other as n.
    Source: Friedman and Dieng, Transactions on Machine Learning Research, 2023.
    """
    if not len(where):
        return 0.0
    alike = np.eye(len(where))
    for rows, columns, distance in distances(where, dimension):
        alike[np.ix_(rows, columns)] += np.exp(-(distance**2) / (2.0 * width**2))
    shares = np.linalg.eigvalsh(alike) / len(where)
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))


def mean_distance(where: Points, dimension: Int64[np.ndarray, " system"]) -> float:
    """Mean distance over all pairs of the same dimension, NaN without any."""
    total, n_pairs = 0.0, 0
    for _, _, distance in distances(where, dimension):
        known = np.isfinite(distance)
        total += float(distance[known].sum())
        n_pairs += int(known.sum())
    return total / n_pairs if n_pairs else float("nan")
