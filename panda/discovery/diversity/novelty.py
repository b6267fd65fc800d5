"""Near-duplicates among the accepted systems: within training, and between training and test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, Int64

from panda.config import Duplicates, Search
from panda.core.errors import PandaError
from panda.core.names import SPLITS
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.integration.trajectories import Length, regenerate
from panda.invariants.signature import signature
from panda.systems.library import FounderLibrary

# Rows of the distance matrix held at a time: a matter of memory, not of results.
_BLOCK = 512
# A feature that one system repeats exactly is given this share of the mean noise, lest it decide alone.
_NOISE_FLOOR = 1e-3
_PARAMETERS = ("driver_parameters", "response_parameters", "driver_scale", "response_scale")

Features = Float64[np.ndarray, "system feature"]


@dataclass(frozen=True, eq=False)
class Metric:
    """Distances in units of what one system's features differ by between two of its trajectories.

    ``d(a, b)^2 = mean_k (a_k - b_k)^2 / (2 noise_k)``, about 1 for two trajectories of one system; two systems
    are near-duplicates from `threshold` down (NaN: where only distances are asked for).
    """

    noise: Float64[np.ndarray, " feature"]
    threshold: float

    def scaled(self, features: Features) -> Features:
        """The features in which `d` is the Euclidean distance."""
        return features / np.sqrt(2.0 * self.noise * len(self.noise))


def calibrate(first: Features, second: Features, coverage: float | None) -> Metric:
    """The metric of pairs of trajectories of the same systems from two initial conditions, one row per system.

    `noise` is half the mean squared difference. The threshold is the `coverage` quantile of the pairs' own
    distances: of two trajectories of one system, that share would be called near-duplicates. Without `coverage`
    there is none.

    Raises:
        PandaError: there are fewer than two pairs, or none differs.
    """
    known = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    if known.sum() < 2:
        raise PandaError(f"near-duplicates: {known.sum()} systems to calibrate with; two or more are needed")
    noise = np.mean((first[known] - second[known]) ** 2, axis=0) / 2
    if not noise.any():
        raise PandaError("near-duplicates: no system differs between its trajectories; none is chaotic")
    noise = np.maximum(noise, _NOISE_FLOOR * noise.mean())
    metric = Metric(noise, float("nan"))
    if coverage is None:
        return metric
    apart = np.linalg.norm(metric.scaled(first[known]) - metric.scaled(second[known]), axis=1)
    return Metric(noise, float(np.quantile(apart, coverage)))


def calibration_systems(catalogue: pd.DataFrame, n_systems: int, seed: int) -> pd.DataFrame:
    """The `n_systems` accepted systems whose second trajectories calibrate the metric, drawn by the seed."""
    accepted = catalogue[catalogue["accepted"]].sort_values("system", ignore_index=True)
    order = generator(seed, "discover", "duplicates").permutation(len(accepted))
    return accepted.iloc[np.sort(order[:n_systems])]


def measure_metric(
    library: FounderLibrary,
    chosen: pd.DataFrame,
    settings: Search,
    coverage: float | None,
    seed: int,
    progress: Progress | None = None,
) -> Metric:
    """`calibrate` from the stored signatures of the `chosen` systems, and those of second trajectories.

    The second starts from another state of the first, with the system's own stream; systems that escape
    from there are left out.
    """
    again = {
        one.row["system"]: signature(one.series, **settings.statistics.signature.model_dump()).features
        for one in regenerate(
            library,
            chosen,
            Length(settings.integration),
            n_initial_conditions=dict.fromkeys(chosen["system"], 2),
            seed=seed,
            progress=progress,
        )
        if one.initial_condition == 1
    }
    both = chosen[chosen["system"].isin(again.keys())]
    second = [again[system] for system in both["system"]]
    width = len(second[0]) if second else 0
    return calibrate(features_of(both), np.asarray(second).reshape(-1, width), coverage)


def features_of(systems: pd.DataFrame) -> Features:
    """The stored signatures, one row per system.

    Raises:
        PandaError: a system has none: it was imported, or searched by older code.
    """
    rows: Sequence[np.ndarray] = [np.asarray(row, dtype=np.float64) for row in systems["signature"]]
    for system, row in zip(systems["system"], rows, strict=True):
        if not len(row):
            raise PandaError(f"near-duplicates: {system} has no signature; search it, or leave it out")
    return np.stack(rows) if rows else np.empty((0, 0))


def same_parameters(catalogue: pd.DataFrame, tolerance: float) -> Int64[np.ndarray, " system"]:
    """A label for each system: those of one founder or pair, with the same coupled coordinates and every parameter
    and coupling scale equal to a relative `tolerance` (to the first such system), have that system's number."""
    labels = np.arange(len(catalogue))
    keys = catalogue["name"] + catalogue["driver_index"].map(lambda index: str(list(index)))
    for rows in pd.Series(labels).groupby(keys.to_numpy(), sort=False):
        index = rows[1].to_numpy()
        columns = (catalogue[column].iloc[index] for column in _PARAMETERS)
        values = np.concatenate([np.stack([*map(np.asarray, column)]) for column in columns], axis=1)
        for i in range(1, len(index)):
            before = values[:i]
            gap = np.abs(values[i] - before) <= tolerance * np.maximum(np.abs(values[i]), np.abs(before))
            first = np.flatnonzero(gap.all(axis=1))
            if len(first):
                labels[index[i]] = labels[index[first[0]]]
    return labels


def distances(
    where: Float64[np.ndarray, "system coordinate"], dimension: Int64[np.ndarray, " system"]
) -> Iterator[
    tuple[Int64[np.ndarray, " row"], Int64[np.ndarray, " column"], Float64[np.ndarray, "row column"]]
]:
    """Euclidean distances between systems of the same dimension in blocks: row numbers, column numbers, distances.

    A system's distance from itself, and from one whose coordinates are not known, is infinite.
    """
    for value in np.unique(dimension):
        columns = np.flatnonzero(dimension == value)
        squares = np.sum(where[columns] ** 2, axis=1)
        for start in range(0, len(columns), _BLOCK):
            rows = columns[start : start + _BLOCK]
            gap = np.sum(where[rows] ** 2, axis=1)[:, None] + squares - 2.0 * where[rows] @ where[columns].T
            distance = np.sqrt(np.maximum(gap, 0.0))
            distance[np.isnan(distance) | (rows[:, None] == columns)] = np.inf
            yield rows, columns, distance


def duplicates(
    catalogue: pd.DataFrame,
    metric: Metric,
    families: Mapping[str, str],
    settings: Duplicates,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts of duplicates by pair of splits and family, and the nearest training system of each other one.

    `families` has that of every founder (itself, if it has none).
    Systems with the same parameters as an earlier one are counted (`criterion` parameters), then set aside: the
    near-duplicates (`criterion` features) are among the others.

    The counts have one row per (criterion, split, other, family): n_systems of `split` whose saved coordinates are of
    a founder of `family` ("all": any), n_with_twin of them with a duplicate in `other`, n_pairs; and, the same in
    all rows of near-duplicates, `threshold`, `coverage`, and `background`: the share of near pairs among training
    systems that have no family in common, which is what chance and unknown kinship make. The nearest have a row a
    system that does not train: its nearest training system, their distance, whether it is a near-duplicate, and
    whether they share a family.

    Raises:
        PandaError: an accepted system has no signature.
    """
    accepted = catalogue[catalogue["accepted"]].sort_values("system", ignore_index=True)
    accepted["family"] = [families[row.response or row.driver] for row in accepted.itertuples()]
    labels = same_parameters(accepted, settings.parameter_tolerance)
    own = labels == np.arange(len(accepted))
    exact = _counts("parameters", accepted, _twins_of(accepted, labels))
    distinct = accepted[own].reset_index(drop=True)
    values = features_of(distinct)
    kin = _kin(distinct, families)
    twins, unrelated, near_by_chance = [], 0, 0
    nearest = np.full(len(distinct), -1)
    gap = np.full(len(distinct), np.inf)
    train = (distinct["split"] == "train").to_numpy()
    for rows, columns, distance in distances(metric.scaled(values), distinct["dimension"].to_numpy()):
        near = distance <= metric.threshold
        twins += [np.stack([rows[i], columns[j]]) for i, j in [np.nonzero(near)]]
        strangers = train[rows][:, None] & train[columns] & ~_related(kin, rows, columns)
        strangers &= rows[:, None] != columns
        unrelated += int(strangers.sum())
        near_by_chance += int((strangers & near).sum())
        to_train = np.where(train[columns], distance, np.inf)
        nearest[rows] = columns[to_train.argmin(axis=1)]
        gap[rows] = to_train.min(axis=1)
    counts = _counts("features", distinct, np.concatenate(twins, axis=1) if twins else np.empty((2, 0), int))
    counts["threshold"], counts["coverage"] = metric.threshold, settings.coverage
    counts["background"] = near_by_chance / unrelated if unrelated else np.nan
    table = pd.concat([exact, counts], ignore_index=True)
    return table, _nearest(distinct, nearest, gap, metric, kin)


def _twins_of(systems: pd.DataFrame, labels: Int64[np.ndarray, " system"]) -> Int64[np.ndarray, "2 pair"]:
    """Ordered pairs of different systems with one label."""
    pairs = [np.empty((2, 0), dtype=np.int64)]
    for _, rows in pd.Series(np.arange(len(systems))).groupby(labels):
        i, j = np.meshgrid(rows, rows, indexing="ij")
        pairs.append(np.stack([i[i != j], j[i != j]]))
    return np.concatenate(pairs, axis=1)


def _counts(criterion: str, systems: pd.DataFrame, twins: Int64[np.ndarray, "2 pair"]) -> pd.DataFrame:
    split, family = systems["split"].to_numpy(), systems["family"].to_numpy()
    rows: list[dict[str, Any]] = []
    for one in SPLITS:
        for other in SPLITS:
            between = twins[:, (split[twins[0]] == one) & (split[twins[1]] == other)]
            for name in ("all", *sorted(set(family[split == one]))):
                chosen = (split == one) & ((family == name) | (name == "all"))
                mine = between[:, chosen[between[0]]]
                rows.append(
                    {
                        "criterion": criterion,
                        "split": one,
                        "other": other,
                        "family": name,
                        "n_systems": int(chosen.sum()),
                        "n_with_twin": len(np.unique(mine[0])),
                        "n_pairs": _unordered(mine),
                    }
                )
    return pd.DataFrame(rows)


def _unordered(pairs: Int64[np.ndarray, "2 pair"]) -> int:
    return len(np.unique(np.sort(pairs, axis=0), axis=1).T)


def _kin(systems: pd.DataFrame, families: Mapping[str, str]) -> Int64[np.ndarray, "system 2"]:
    """The numbers of the families of a system's founders; a founder alone has its own twice."""
    numbers = {family: i for i, family in enumerate(sorted(set(families.values())))}
    pairs = zip(systems["driver"], systems["response"], strict=True)
    return np.array([[numbers[families[a]], numbers[families[b or a]]] for a, b in pairs]).reshape(-1, 2)


def _related(
    kin: Int64[np.ndarray, "system 2"], rows: Int64[np.ndarray, " row"], columns: Int64[np.ndarray, " column"]
) -> Bool[np.ndarray, "row column"]:
    """Whether two systems have a family in common."""
    equal = kin[rows][:, None, :, None] == kin[columns][None, :, None, :]
    return equal.any(axis=(2, 3))


def _nearest(
    systems: pd.DataFrame,
    nearest: Int64[np.ndarray, " system"],
    gap: Float64[np.ndarray, " system"],
    metric: Metric,
    kin: Int64[np.ndarray, "system 2"],
) -> pd.DataFrame:
    asked = np.flatnonzero((systems["split"] != "train").to_numpy() & np.isfinite(gap))
    found = nearest[asked]
    table = systems.iloc[asked][["system", "split", "driver", "response", "family"]].reset_index(drop=True)
    for column in ("system", "driver", "response", "family"):
        table[f"nearest_{column}"] = systems[column].to_numpy()[found]
    table["distance"] = gap[asked]
    table["near_duplicate"] = gap[asked] <= metric.threshold
    table["shares_family"] = [bool(set(kin[i]) & set(kin[j])) for i, j in zip(asked, found, strict=True)]
    return table.sort_values(["split", "distance", "system"], kind="stable", ignore_index=True)
