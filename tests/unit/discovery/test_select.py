"""The catalogue: founders whatever their certificate, splits by founder, order and shards without meaning."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.discovery.candidates import groups, shard
from panda.discovery.select import acceptance, select, selections
from tests.unit.discovery.test_filters import GOOD

NAMES = ["Aizawa", "Chua", "Lorenz", "Rossler", "Thomas"]


def candidate(driver: str, response: str, perturbation: int, **changes) -> dict:
    """A candidate that passes every filter, but for `changes`."""
    name = f"{driver}_{response}" if response else driver
    return GOOD | {
        **{"system": f"{name}-pp{perturbation}", "name": name, "driver": driver, "response": response},
        **{"population": "skew" if response else "founder", "perturbation": perturbation},
        **changes,
    }


@pytest.fixture(scope="module")
def founders(smoke):
    return smoke.discover.founders.model_copy(update={"held_out": ("Rossler",), "validation": ("Chua",)})


@pytest.mark.parametrize(
    ("row", "accepted"),
    [
        (candidate("Lorenz", "", 0, max_zscore=99.0), True),
        (candidate("Lorenz", "", 0, status="budget"), False),
        (candidate("Lorenz", "", 1, max_zscore=99.0), False),
        (candidate("Lorenz", "Thomas", 0, max_zscore=99.0), False),
        (candidate("Lorenz", "Thomas", 0), True),
    ],
)
def test_only_a_founder_itself_is_accepted_without_certificate(smoke, founders, row: dict, accepted: bool):
    catalogue = select(pd.DataFrame([row]), smoke.discover.select, founders)
    assert catalogue["accepted"].tolist() == [accepted]
    assert catalogue["certified"].tolist() == [row["max_zscore"] < 99 and row["status"] == "complete"]


CYCLE = {
    "recurrence_n_recurrences": 500.0,
    "recurrence_endpoint": 1.0,
    "recurrence_max_count": 300.0,
    "recurrence_longest_block": 200.0,
}


def choices(smoke, founders, selection: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Under `selection`: the catalogue of a founder, one that fails, a limit cycle, and orders out of chaos."""
    rows = [
        candidate("Lorenz", "", 0),
        candidate("Thomas", "", 0, max_zscore=99.0),
        candidate("Lorenz", "Thomas", 1, **CYCLE),
        candidate("Lorenz", "Thomas", 2, largest_exponent=-1.0),
        candidate("Lorenz", "Thomas", 3, largest_exponent=0.1, exponent_error=0.1),
        candidate("Lorenz", "Thomas", 4, drive_share=1e-4),
        candidate("Chua", "Thomas", 1, largest_exponent=3.0, drive_share=0.0),
        candidate("Thomas", "Rossler", 1, largest_exponent=3.0),
    ]
    settings = smoke.discover.select.model_copy(update={"selection": selection})
    table = pd.DataFrame(rows).assign(period=2.0)
    catalogue = select(table, settings, founders)
    return catalogue.set_index("system"), selections(catalogue, settings)


def test_the_reference_selection_knows_neither_limit_cycles_nor_exponents_nor_founders_rights(
    smoke, founders
):
    catalogue, _ = choices(smoke, founders, "reference")
    assert catalogue["accepted"].equals(catalogue["in_reference"].rename("accepted"))
    assert catalogue.index[~catalogue["accepted"]].tolist() == ["Thomas-pp0"]
    assert catalogue["rejected_by"]["Thomas-pp0"] == "bounded"
    other, _ = choices(smoke, founders, "certified")
    assert other["in_reference"].equals(catalogue["in_reference"])
    assert other.index[other["accepted"]].tolist() == ["Lorenz-pp0", "Thomas-pp0", "Thomas_Rossler-pp1"]


def test_what_the_reference_accepts_and_is_not_chaotic_is_counted(smoke, founders):
    _, table = choices(smoke, founders, "certified")
    counts = table.set_index(["selection", "population"])
    reference = counts.loc[("reference", "skew")]
    assert reference[["n_accepted", "n_limit_cycle", "n_not_certain", "n_not_positive"]].tolist() == [
        6,
        1,
        2,
        1,
    ]
    assert reference[["n_not_driven", "n_fast"]].tolist() == [2, 2]
    assert counts.loc[("certified", "skew"), ["n_accepted", "n_not_driven", "n_fast"]].tolist() == [1, 0, 1]
    assert counts.loc[("certified", "founder"), "n_accepted"] == 2
    assert counts.loc[("reference", "founder"), "median_exponent_per_period"] == 2.0


def test_systems_are_counted_by_name_founder_and_split_too(smoke, founders):
    catalogue, table = choices(smoke, founders, "certified")
    counts = table.set_index(["selection", "population"])
    names = ["n_accepted", "n_names", "n_founders"]
    assert counts.loc[("reference", "skew"), names].tolist() == [6, 3, 4]
    assert counts.loc[("certified", "skew"), names].tolist() == [1, 1, 2]
    assert counts.loc[("certified", "founder"), names].tolist() == [2, 2, 2]
    splits = [f"n_{split}{what}" for split in ("train", "validation", "test") for what in ("", "_names")]
    assert counts.loc[("reference", "skew"), splits].tolist() == [4, 1, 1, 1, 1, 1]
    settings = smoke.discover.select
    filters = acceptance(catalogue.reset_index(), settings).groupby("population").last()
    assert filters.loc["skew", ["filter", *names]].tolist() == ["driven", 1, 1, 2]
    assert filters.loc["founder", names].tolist() == [2, 2, 2]


def test_a_held_out_founder_reaches_neither_training_nor_validation(smoke, founders):
    pairs = [(a, b) for a in NAMES for b in ["", *NAMES] if a != b]
    catalogue = select(pd.DataFrame([candidate(a, b, 0) for a, b in pairs]), smoke.discover.select, founders)
    held_out = (catalogue["driver"] == "Rossler") | (catalogue["response"] == "Rossler")
    chosen_on = (catalogue["driver"] == "Chua") | (catalogue["response"] == "Chua")
    assert (catalogue["split"] == "test").equals(held_out)
    assert (catalogue["split"] == "validation").equals(chosen_on & ~held_out)


def test_the_order_of_the_shards_does_not_matter(smoke, founders):
    rows = pd.DataFrame(
        [candidate(a, b, i) for a in NAMES for b in ("", "Thomas") for i in range(3) if a != b]
    )
    one, other = (
        select(table, smoke.discover.select, founders)
        for table in (rows, rows.sample(frac=1.0, random_state=1))
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@given(st.integers(1, 40))
def test_the_groups_are_the_same_for_any_number_of_shards(settings, n_shards: int):
    search = settings.model_copy(update={"n_pairs": 8, "n_shards": n_shards})
    found = [group for i in range(n_shards) for group in shard(groups(NAMES, search, 1), i, n_shards)]
    assert sorted(found, key=lambda g: g.name) == sorted(
        groups(NAMES, settings.model_copy(update={"n_pairs": 8}), 1), key=lambda g: g.name
    )
