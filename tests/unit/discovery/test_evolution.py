"""Litters: from whom they descend, that no test system feeds training, and that a child is its parents' child."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config import Evolve
from panda.discovery.candidates import Group
from panda.discovery.evolution import Litter, breed, draw_children, novelty
from panda.discovery.members import draw_members, to_columns

NAMES = ("Lorenz", "Rossler", "Thomas")


@pytest.fixture(scope="module")
def evolve(smoke) -> Evolve:
    return smoke.discover.evolve.model_copy(update={"n_litters": 200, "litter_size": 3})


@pytest.fixture(scope="module")
def founders(smoke):
    changes = {"names": NAMES, "held_out": ("Rossler",), "validation": ()}
    return smoke.discover.founders.model_copy(update=changes)


@pytest.fixture(scope="module")
def survivors(founders) -> pd.DataFrame:
    pairs = [(a, b) for a in NAMES for b in NAMES if a != b]
    rows = [(f"{a}_{b}-pp1", a, b, founders.split(a, b)) for a, b in pairs]
    return pd.DataFrame(rows, columns=["system", "driver", "response", "split"])


@pytest.fixture(scope="module")
def rms(measures) -> dict[str, np.ndarray]:
    return {row.founder: np.asarray(row.flow_rms) for row in measures.itertuples()}


def test_novelty_is_the_mean_distance_to_the_nearest():
    points = np.array([[0.0], [1.0], [3.0], [10.0]])
    assert novelty(points, n_neighbours=2).tolist() == [2.0, 1.5, 2.5, 8.0]
    assert novelty(points, n_neighbours=99).tolist() == pytest.approx([14 / 3, 4.0, 4.0, 26 / 3])
    assert novelty(points[:1], n_neighbours=2).tolist() == [0.0]


def test_no_test_system_is_a_parent_of_a_training_system(survivors, founders, evolve):
    split = dict(zip(survivors["system"], survivors["split"], strict=True))
    everyone = evolve.model_copy(update={"founder_share": 0.0, "crossover_probability": 1.0})
    litters = breed(survivors, np.ones(6), founders, NAMES, everyone, generation=1, seed=5)
    assert {len(litter.parents) for litter in litters} == {1, 2}
    for litter in litters:
        assert {split[parent] for parent in litter.parents} == {founders.split(*litter.founders)}
        assert litter.driver != litter.response


def test_the_pool_of_founders_is_never_lost(survivors, founders, evolve):
    litters = breed(survivors, np.ones(6), founders, NAMES, evolve, generation=2, seed=5)
    share = np.mean([not litter.parents for litter in litters])
    assert abs(share - evolve.founder_share) < 0.1
    assert all(
        not litter.parents
        for litter in breed(survivors.iloc[:0], np.ones(0), founders, NAMES, evolve, generation=2, seed=5)
    )


def test_the_novel_are_parents_more_often(survivors, founders, evolve):
    lonely = np.array([0.0, 0, 0, 1, 0, 0])
    counts = []
    for size in (1, 8):
        settings = evolve.model_copy(
            update={"founder_share": 0.0, "crossover_probability": 0.0, "tournament_size": size}
        )
        litters = breed(survivors, lonely, founders, NAMES, settings, generation=1, seed=5)
        counts.append(sum(litter.parents == (survivors["system"][3],) for litter in litters))
    assert counts[1] > 2 * counts[0] > 0


def test_a_litter_does_not_depend_on_how_many_there_are(survivors, founders, evolve):
    fewer = evolve.model_copy(update={"n_litters": 20})
    all_litters = breed(survivors, np.ones(6), founders, NAMES, evolve, generation=1, seed=5)
    assert breed(survivors, np.ones(6), founders, NAMES, fewer, generation=1, seed=5) == all_litters[:20]
    assert len({litter.system(i) for litter in all_litters for i in range(3)}) == 600


def parent(library, settings, rms, driver: str, response: str) -> dict:
    flow = library.flow(driver, response)
    ensemble = draw_members(flow, Group(driver, response, 2), settings, rms, 7)
    return {name: column[1] for name, column in to_columns(ensemble).items()}


def test_children_without_mutation_are_their_parent(library, settings, evolve, rms):
    still = {"scale": 0.0, "variance_floor": 0.0}
    evolve = evolve.model_copy(update={"mutation": evolve.mutation.model_copy(update=still)})
    one = parent(library, settings, rms, "Lorenz", "Rossler")
    litter = Litter("Lorenz", "Rossler", 1, 0, ("p",), 2)
    children = draw_children(library.flow("Lorenz", "Rossler"), litter, {"p": one}, settings, evolve, rms, 7)
    for name, column in to_columns(children).items():
        np.testing.assert_array_equal(column[1], one[name])


def test_children_of_two_have_the_drivers_of_one_and_the_responses_of_the_other(
    library, settings, evolve, rms
):
    still = {"scale": 0.0, "variance_floor": 0.0}
    evolve = evolve.model_copy(update={"mutation": evolve.mutation.model_copy(update=still)})
    a = parent(library, settings, rms, "Lorenz", "Rossler")
    b = parent(library, settings, rms, "Rossler", "Thomas")
    litter = Litter("Lorenz", "Thomas", 1, 0, ("a", "b"), 2)
    flow = library.flow("Lorenz", "Thomas")
    children = to_columns(draw_children(flow, litter, {"a": a, "b": b}, settings, evolve, rms, 7))
    np.testing.assert_array_equal(children["driver_parameters"][0], a["driver_parameters"])
    np.testing.assert_array_equal(children["response_parameters"][1], b["response_parameters"])


def test_mutated_children_differ_from_each_other_and_keep_the_permutation(library, settings, evolve, rms):
    one = parent(library, settings, rms, "Lorenz", "Thomas")
    litter = Litter("Lorenz", "Thomas", 1, 0, ("p",), 3)
    children = to_columns(
        draw_children(library.flow("Lorenz", "Thomas"), litter, {"p": one}, settings, evolve, rms, 7)
    )
    assert len({column.tobytes() for column in children["driver_parameters"]}) == 3
    assert (np.stack(children["driver_index"]) == one["driver_index"]).all()
