"""Near-duplicates: a planted copy is found, distinct systems are not, and the threshold says what it says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.core.errors import PandaError
from panda.discovery.diversity.novelty import (
    Metric,
    calibrate,
    calibration_systems,
    distances,
    duplicates,
    measure_metric,
    same_parameters,
)
from panda.discovery.search.candidates import Group
from panda.discovery.search.measure import measure
from panda.discovery.search.search import search
from panda.integration.trajectories import Length, regenerate
from panda.invariants.signature import signature

NAMES = ("Chen", "Halvorsen", "Lorenz", "Rossler", "SprottJ", "SprottN", "Thomas")
SPLIT = {"Rossler": "test", "SprottN": "test", "Thomas": "validation"}


@pytest.fixture(scope="module")
def settings_(smoke):
    return smoke.discover.duplicates


@pytest.fixture(scope="module")
def systems(library, smoke) -> pd.DataFrame:
    """Founders and a pair, searched at full length."""
    settings = smoke.discover.search
    short = settings.exponent.model_copy(update={"n_periods": 2, "transient_periods": 1, "n_blocks": 2})
    settings = settings.model_copy(update={"exponent": short})
    founders = smoke.discover.founders.model_copy(update={"names": NAMES})
    rms = measure(library, founders, settings.integration.limits)
    groups = [Group(name, "", 1) for name in NAMES] + [Group("Thomas", "Lorenz", 1)]
    table = search(library, rms, groups, settings, 5)
    # Two copies under other names, as perturbations of a founder without parameters would be.
    copies = [
        table[table["name"] == "SprottJ"].assign(system=f"SprottJ-pp{i}", perturbation=i) for i in (1, 2)
    ]
    table = pd.concat([table, *copies], ignore_index=True)
    table = table.assign(accepted=table["status"] == "complete")
    table["split"] = [SPLIT.get(row.response or row.driver, "train") for row in table.itertuples()]
    return table


@pytest.fixture(scope="module")
def metric(library, smoke, systems) -> Metric:
    accepted = systems[systems["accepted"]]
    return measure_metric(library, accepted, smoke.discover.search, 0.5, 5)


@pytest.fixture(scope="module")
def families(smoke) -> dict[str, str]:
    return smoke.discover.founders.families()


def test_the_threshold_covers_the_share_it_says():
    rng = np.random.default_rng(2)
    place, size = rng.standard_normal((500, 12)), 10.0 ** rng.uniform(-0.5, 0.5, 12)
    first, second = (size * (place + 0.1 * rng.standard_normal((500, 12))) for _ in range(2))
    metric = calibrate(first, second, 0.5)
    np.testing.assert_allclose(metric.noise, (0.1 * size) ** 2, rtol=0.3)
    apart = np.linalg.norm(metric.scaled(first) - metric.scaled(second), axis=1)
    assert np.mean(apart <= metric.threshold) == pytest.approx(0.5, abs=0.01)
    assert np.median(apart) == pytest.approx(1.0, abs=0.5)


def test_two_of_dysts_names_for_one_system_are_found_and_the_rest_is_not(
    systems, metric, families, settings_
):
    # SprottN is SprottJ in other coordinates (families.yaml); here one is in training and one in test.
    counts, nearest = duplicates(systems, metric, families, settings_)
    whole = counts[(counts["criterion"] == "features") & (counts["family"] == "all")].set_index(
        ["split", "other"]
    )
    assert whole.loc[("test", "train"), ["n_systems", "n_with_twin", "n_pairs"]].tolist() == [2, 1, 1]
    assert whole.loc[("train", "test"), "n_with_twin"] == 1
    assert whole.drop([("test", "train"), ("train", "test")])["n_pairs"].sum() == 0
    near = nearest[nearest["near_duplicate"]]
    assert near[["system", "nearest_system", "shares_family"]].values.tolist() == [
        ["SprottN-pp0", "SprottJ-pp0", True]
    ]
    assert set(nearest["split"]) == {"test", "validation"}
    assert (counts.loc[counts["criterion"] == "features", "background"] == 0).all()


def test_copies_of_a_founder_without_parameters_are_the_same_system(systems, metric, families, settings_):
    labels = same_parameters(systems, settings_.parameter_tolerance)
    copies = systems["name"] == "SprottJ"
    assert len(set(labels[copies])) == 1 and len(set(labels)) == len(systems) - 2
    counts, _ = duplicates(systems, metric, families, settings_)
    row = counts[(counts["criterion"] == "parameters") & (counts["family"] == "sprott")].iloc[0]
    assert row[["split", "other", "n_systems", "n_with_twin", "n_pairs"]].tolist() == [
        "train",
        "train",
        3,
        3,
        3,
    ]


@pytest.mark.parametrize(
    ("column", "factor", "same"),
    [
        ("driver_parameters", 1 + 1e-9, True),
        ("driver_parameters", 1.01, False),
        ("driver_scale", 1.01, False),
    ],
)
def test_parameters_are_compared_to_the_tolerance(systems, settings_, column: str, factor: float, same: bool):
    pair = systems[systems["name"] == "Thomas_Lorenz"]
    other = pair.assign(**{column: [pair[column].iloc[0] * factor]})
    labels = same_parameters(pd.concat([pair, other], ignore_index=True), settings_.parameter_tolerance)
    assert (labels[0] == labels[1]) == same
    elsewhere = pair.assign(driver_index=[pair["driver_index"].iloc[0][::-1]])
    labels = same_parameters(pd.concat([pair, elsewhere], ignore_index=True), 1.0)
    assert labels[0] != labels[1]


def test_a_rescaled_copy_is_found_under_another_name(systems, metric, families, settings_, library, smoke):
    rows = systems[systems["system"] == "Lorenz-pp0"]
    length = Length(smoke.discover.search.integration)
    (one,) = regenerate(library, rows, length, n_initial_conditions={"Lorenz-pp0": 1}, seed=5)
    rescaled = (one.series * np.array([[-3.0], [1e3], [0.01]]) + 7.0)[[2, 0, 1]]
    shape = smoke.discover.search.statistics.signature.model_dump()
    names = {"system": "HenonHeiles-pp0", "name": "HenonHeiles", "driver": "HenonHeiles", "split": "test"}
    copy = rows.assign(**names, signature=[signature(rescaled, **shape).features])
    _, nearest = duplicates(pd.concat([systems, copy]), metric, families, settings_)
    found = nearest.set_index("system").loc["HenonHeiles-pp0"]
    assert found["nearest_system"] == "Lorenz-pp0" and found["near_duplicate"] and not found["shares_family"]
    assert found["distance"] < 0.2 * metric.threshold


def test_distances_are_those_of_the_definition_and_within_one_dimension():
    rng = np.random.default_rng(0)
    systems = pd.DataFrame({"dimension": rng.choice([3, 4], 1100)})
    features = rng.standard_normal((1100, 5))
    features[7] = np.nan
    metric = Metric(np.array([1.0, 2.0, 0.5, 1.0, 3.0]), 0.4)
    whole = np.full((1100, 1100), np.inf)
    for rows, columns, distance in distances(metric.scaled(features), systems["dimension"].to_numpy()):
        whole[np.ix_(rows, columns)] = distance
    same = systems["dimension"].to_numpy()[:, None] == systems["dimension"].to_numpy()
    assert np.isinf(whole[~same]).all() and np.isinf(whole[7]).all() and np.isinf(np.diag(whole)).all()
    i, j = np.flatnonzero(systems["dimension"] == 3)[[2, -3]]
    gap = features[i] - features[j]
    assert whole[i, j] == pytest.approx(np.sqrt(np.mean(gap**2 / (2 * metric.noise))), rel=1e-6)


def test_the_order_of_the_catalogue_does_not_matter(systems, metric, families, settings_):
    for one, other in zip(
        duplicates(systems, metric, families, settings_),
        duplicates(systems.sample(frac=1.0, random_state=3), metric, families, settings_),
        strict=True,
    ):
        pd.testing.assert_frame_equal(one, other)
    chosen = calibration_systems(systems, 4, 1)
    assert chosen["system"].is_monotonic_increasing and len(chosen) == 4


def test_what_cannot_be_compared_is_said(systems, metric, families, settings_):
    without = [[] if row.name == "Lorenz" else row.signature for row in systems.itertuples()]
    with pytest.raises(PandaError, match="Lorenz-pp0 has no signature"):
        duplicates(systems.assign(signature=without), metric, families, settings_)
    with pytest.raises(PandaError, match="1 systems to calibrate with"):
        calibrate(np.ones((1, 3)), np.zeros((1, 3)), 0.5)
    with pytest.raises(PandaError, match="no system differs"):
        calibrate(np.ones((3, 3)), np.ones((3, 3)), 0.5)
