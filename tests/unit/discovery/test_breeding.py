"""Bred candidates: where each comes from, what it inherits, and that it can be searched like any other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from panda.discovery.diversity.novelty import Metric
from panda.discovery.evolution import breeding
from panda.discovery.evolution.breeding import (
    FOUNDERS,
    MUTATED,
    RECOMBINED,
    Parents,
    Stock,
    breed,
    numbers_taken,
)
from panda.discovery.evolution.comparison import accepted_in_budget, compare, sampled_spectra
from panda.discovery.evolution.timed_search import run_search, settings_of
from panda.discovery.search.candidates import groups
from panda.discovery.search.draw import draw_members
from panda.discovery.search.search import LINEAGE, amplitudes, search, search_bred
from panda.discovery.search.select import select
from panda.systems.members import flow_of, from_rows, to_columns

NAMES = ("Lorenz", "Rossler", "Thomas")
SPLITS = {"Lorenz": "train", "Rossler": "test", "Thomas": "train"}
SEED = 4


@pytest.fixture(scope="module")
def parents(library, measures, settings) -> Parents:
    """Twelve members of three pairs, taken for accepted; the last two of Thomas -> Lorenz are the most novel."""
    tables = []
    for group in groups(NAMES, settings.model_copy(update={"n_pairs": 6, "n_perturbations": 2}), SEED):
        if not group.response:
            continue
        flow = flow_of(library, group.driver, group.response)
        drawn = draw_members(flow, group, settings, amplitudes(measures), SEED)
        tables.append(
            pd.DataFrame(
                {
                    "system": [group.system(i) for i in range(2)],
                    "name": group.name,
                    "driver": group.driver,
                    "response": group.response,
                    "perturbation": range(2),
                    "split": "test" if "Rossler" in group.founders else "train",
                    **to_columns(drawn),
                }
            )
        )
    rows = pd.concat(tables, ignore_index=True)
    return Parents(rows, np.arange(len(rows), dtype=float))


@pytest.fixture(scope="module")
def evolve(smoke):
    return smoke.discover.evolve.model_copy(update={"litter_size": 3})


def bred(library, measures, settings, parents, evolve, n: int = 60, generation: int = 2) -> pd.DataFrame:
    stock = Stock(
        parents, numbers_taken(parents.rows) if len(parents.rows) else {}, NAMES, amplitudes(measures)
    )
    # Of one generation as many are bred as it has candidates.
    search = settings.model_copy(update={"generations": 1, "n_pairs": n, "n_perturbations": 1})
    return breed(library, stock, search, evolve, generation_number=generation, seed=SEED)


@pytest.fixture(scope="module")
def children(library, measures, settings, parents, evolve) -> pd.DataFrame:
    return bred(library, measures, settings, parents, evolve)


def test_every_origin_occurs_and_names_its_parents(children, parents):
    n_parents = children["parents"].map(lambda names: len(names.split()))
    assert set(children["operator"]) == {FOUNDERS, MUTATED, RECOMBINED}
    expected = children["operator"].map({FOUNDERS: 0, MUTATED: 1, RECOMBINED: 2})
    assert (n_parents == expected).all()
    assert set(" ".join(children["parents"]).split()) <= set(parents.rows["system"])
    assert len(children) == 60 and (children["generation"] == 2).all()


def test_children_are_new_systems(children, parents):
    systems = [*parents.rows["system"], *children["system"]]
    assert len(set(systems)) == len(systems)
    for name, numbers in children.groupby("name")["perturbation"]:
        assert sorted(numbers) == list(range(2, 2 + len(numbers))), name


def test_a_mutated_child_resembles_its_parent(children, parents, evolve):
    rows = parents.rows.set_index("system")
    own = children[children["operator"] == MUTATED]
    assert len(own)
    steps = []
    for child in own.itertuples():
        parent = rows.loc[child.parents]
        assert (child.driver, child.response) == (parent["driver"], parent["response"])
        assert np.array_equal(child.driver_index, parent["driver_index"])
        before, after = np.asarray(parent["driver_parameters"]), np.asarray(child.driver_parameters)
        assert not np.array_equal(before, after)
        steps.append((after - before) / before)
    assert np.concatenate(steps).std() == pytest.approx(evolve.mutation_scale, rel=0.35)


def test_a_recombined_child_has_the_driver_of_one_and_the_response_of_the_other(children, parents):
    rows = parents.rows.set_index("system")
    own = children[children["operator"] == RECOMBINED]
    assert len(own)
    for child in own.itertuples():
        first, second = (rows.loc[name] for name in child.parents.split())
        assert (child.driver, child.response) == (first["driver"], second["response"])
        assert first["split"] == second["split"] and child.driver != child.response
        # At a scale of 0.3 signs of the driver's parameters seldom change.
        same = np.sign(child.driver_parameters) == np.sign(first["driver_parameters"])
        assert same.mean() > 0.5


def test_the_novel_become_parents_more_often(library, measures, settings, parents, evolve):
    many = bred(library, measures, settings, parents, evolve.model_copy(update={"tournament_size": 8}), 300)
    chosen = many[many["operator"] == MUTATED]["parents"]
    rank = dict(zip(parents.rows["system"], range(len(parents.rows)), strict=True))
    assert chosen.map(rank).mean() > 0.75 * len(rank)


def test_without_parents_all_come_from_founders(library, measures, settings, parents, evolve):
    nobody = Parents(parents.rows.head(0), np.empty(0))
    alone = bred(library, measures, settings, nobody, evolve, 12)
    assert set(alone["operator"]) == {FOUNDERS} and set(alone["parents"]) == {""}


def test_the_same_seed_breeds_the_same_and_another_generation_another(
    library, measures, settings, parents, evolve, children
):
    again = bred(library, measures, settings, parents, evolve)
    pd.testing.assert_frame_equal(children, again, check_exact=True)
    fewer = bred(library, measures, settings, parents, evolve, 30)
    pd.testing.assert_frame_equal(children.head(30), fewer, check_exact=True)
    other = bred(library, measures, settings, parents, evolve, generation=3)
    assert not children["parents"].equals(other["parents"])


def test_bred_candidates_are_searched_like_others_and_keep_their_lineage(
    library, measures, settings, children, smoke
):
    few = children.head(9)
    found = pd.concat(search_bred(library, few, settings, SEED), ignore_index=True)
    assert sorted(found["system"]) == sorted(few["system"])
    known = few.set_index("system").loc[found["system"]]
    for column in LINEAGE:
        assert found[column].tolist() == known[column].tolist()
    for (driver, response), rows in found.groupby(["driver", "response"]):
        drawn = from_rows(known[(known["driver"] == driver) & (known["response"] == response)])
        assert np.array_equal(from_rows(rows).driver_parameters, drawn.driver_parameters)
    first = search(
        library, measures, groups(("Lorenz",), settings.model_copy(update={"n_pairs": 0}), 1), settings, 1
    )
    catalogue = select(pd.concat([first, found]), smoke.discover.select, smoke.discover.founders)
    assert catalogue["generation"].tolist().count(2) == len(found)
    assert set(catalogue.loc[catalogue["response"] == "", "operator"]) == {"founders"}
    assert catalogue["parents"].map(type).eq(str).all()


@pytest.mark.parametrize(("n_pairs", "generations"), [(10, 1), (10, 3), (7, 7), (8, 4)])
def test_generations_share_the_candidates(settings, n_pairs: int, generations: int):
    shared = settings.model_copy(update={"n_pairs": n_pairs, "generations": generations})
    total = shared.first_pairs * shared.n_perturbations + (generations - 1) * shared.n_bred
    assert total == n_pairs * shared.n_perturbations and shared.n_bred > 0


@pytest.fixture(scope="module")
def little(smoke, settings):
    """A comparison of some dozen candidates, in which every complete one counts as accepted."""
    discover = smoke.discover
    comparison = discover.comparison.model_copy(
        update={"generations": 2, "n_pairs": 6, "n_pairs_evolved": 6, "n_perturbations": 4, "n_spectra": 3}
    )
    anything = discover.select.selections["certified"].model_copy(update={"filters": ("integrated",)})
    return discover.model_copy(
        update={
            "search": settings,
            "founders": discover.founders.model_copy(
                update={"names": NAMES, "held_out": ("Rossler",), "validation": ()}
            ),
            "comparison": comparison,
            "evolve": discover.evolve.model_copy(update={"n_calibration": 2, "litter_size": 4}),
            "select": discover.select.model_copy(update={"selections": {"certified": anything}}),
        }
    )


def test_methods_are_compared_when_the_quickest_is_done(library, measures, little):
    searches = {
        (method, seed): run_search(library, measures, little, method, seed)
        for method in ("one_generation", "evolution")
        for seed in (1, 2)
    }
    for (method, _), table in searches.items():
        wanted = settings_of(little, method)
        assert len(table) == wanted.n_pairs * wanted.n_perturbations
        assert all(a <= b for a, b in pairwise(table["cpu_s"])) and table["cpu_s"].iloc[0] > 0
        assert table["system"].is_unique
        # Cut off at any time, a search must not have seen the alphabet's first founders only.
        first = table["name"].drop_duplicates().tolist()[: wanted.first_pairs]
        assert first != sorted(first)
        bred_ones = table["generation"].notna() if "generation" in table else pd.Series(False, table.index)
        assert bred_ones.sum() == (12 if method == "evolution" else 0)
    width = searches["evolution", 1]["signature"].map(len).max()
    metric = Metric(np.ones(width), 1.0)
    budget, found = accepted_in_budget(searches, little.founders, little.select)
    assert budget == min(table["cpu_s"].max() for table in searches.values())
    spectra = sampled_spectra(library, found, little)
    measured, curve = compare(searches, budget, found, spectra, metric, little.comparison, 10.0)
    assert measured["budget_cpu_s"].eq(budget).all()
    for row in measured.itertuples():
        table = searches[row.method, row.seed]
        within = table["cpu_s"] <= budget
        able = within & (table["status"] == "complete") & (table["largest_exponent"] > 0)
        able &= table["exponent_error"] > 0  # unknown where the exponent's integration did not get far
        assert row.n_candidates == within.sum() and row.n_accepted == able.sum()
        samples = 1 / (table["largest_exponent"] * table["dt"])
        assert row.n_resolved == (able & (samples >= 10)).sum() <= row.n_accepted
        own = spectra[row.method, row.seed]
        assert len(own) == min(3, row.n_accepted) and set(own["system"]) <= set(table["system"][able])
        assert row.dimension_spread == pytest.approx(np.std(own["kaplan_yorke"], ddof=1))
        assert row.confirmed == pytest.approx(np.mean(own["confirmed"]))
        assert row.chaotic_responses == pytest.approx(np.mean(own["response_kind"] == "chaotic"))
        last = curve[(curve["method"] == row.method) & (curve["seed"] == row.seed)].iloc[-1]
        assert last["n_accepted"] == row.n_accepted
        assert last["effective_number"] == pytest.approx(row.effective_number)
    assert measured["n_equal"].eq(measured["n_accepted"].min()).all()
    assert (measured["effective_number_resolved"] <= measured["n_resolved"] + 1e-9).all()
    assert (measured["effective_number_equal"] <= measured["n_equal"] + 1e-9).all()


def test_too_few_accepted_systems_have_no_unit_of_distance(library, measures, little, settings):
    table = run_search(library, measures, little, "one_generation", 1)
    demanding = little.evolve.model_copy(update={"n_calibration": 1000})
    nobody = breeding.parents_of(library, table, little.founders, little.select, settings, demanding, 1)
    assert len(nobody.rows) == 0


def test_no_system_becomes_a_parent_whose_lyapunov_time_has_few_samples(library, measures, little, settings):
    table = run_search(library, measures, little, "one_generation", 1)

    def parents(min_samples: float) -> pd.DataFrame:
        evolve = little.evolve.model_copy(update={"min_samples": min_samples})
        return breeding.parents_of(library, table, little.founders, little.select, settings, evolve, 1).rows

    everyone = parents(0.0)
    samples = 1 / (everyone["largest_exponent"] * everyone["dt"])
    bound = float(samples.median())
    assert set(parents(bound)["system"]) == set(everyone["system"][samples >= bound])
    assert 2 <= len(parents(bound)) < len(everyone)
