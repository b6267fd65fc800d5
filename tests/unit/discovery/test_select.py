"""The catalogue: founders whatever their certificate, splits by founder, order and shards without meaning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.discovery.search.candidates import groups, shard
from panda.discovery.search.select import acceptance, select, selections
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
        (candidate("Lorenz", "", 0, largest_deviation=99.0), True),
        (candidate("Lorenz", "", 0, status="budget"), False),
        (candidate("Lorenz", "", 1, largest_deviation=99.0), False),
        (candidate("Lorenz", "Thomas", 0, largest_deviation=99.0), False),
        (candidate("Lorenz", "Thomas", 0), True),
    ],
)
def test_only_a_founder_itself_is_accepted_without_certificate(smoke, founders, row: dict, accepted: bool):
    catalogue = select(pd.DataFrame([row]), smoke.discover.select, founders)
    assert catalogue["accepted"].tolist() == [accepted]
    assert catalogue["certified"].tolist() == [row["largest_deviation"] < 99 and row["status"] == "complete"]


OSCILLATOR = """
parameters = {"w": 2.0}
initial_condition = [1.0, 0.0]


def rhs(state, t, *, w):
    return [w * state[1], -w * state[0]]
"""


@pytest.mark.parametrize(("named", "accepted"), [((), [False, True, True]), (("Mine",), [True, True, True])])
def test_a_founder_of_your_own_enters_with_a_certificate_or_by_name(
    smoke, founders, tmp_path, named, accepted
):
    path = tmp_path / "Mine.py"
    path.write_text(OSCILLATOR)
    with_own = founders.model_copy(update={"own": (str(path),)})
    rows = [
        candidate("Mine", "", 0, largest_exponent=0.0),
        candidate("Mine", "", 1),
        candidate("Lorenz", "", 0, largest_exponent=0.0),
    ]
    settings = smoke.discover.select.model_copy(update={"own_enter": named})
    catalogue = select(pd.DataFrame(rows), settings, with_own).set_index("system")
    assert catalogue.loc[["Mine-pp0", "Mine-pp1", "Lorenz-pp0"], "accepted"].tolist() == accepted
    assert not catalogue.loc["Mine-pp0", "certified"]


CYCLE = {"return_distance": 1e-3}


def followed(rows: list[dict], **changes: dict) -> pd.DataFrame:
    """The table of `follow` in which all candidates are chaotic for good, but for `changes` by system."""
    found = {
        "verdict": "chaotic", "why_undecided": "", "followed_periods": 60.0, "followed_exponent": 1.0,
        "followed_error": 0.1, "follow_status": "complete", "escape_periods": np.nan, "growth": 1.0,
        "late_verdict": "chaotic", "late_exponent": 1.0, "late_error": 0.1, "fine_verdict": "chaotic",
        "fine_status": "complete", "fine_late_verdict": "chaotic", "fine_periods": 180.0, "fine_exponent": 1.1,
        "fine_error": 0.05, "fine_growth": 1.0,
    }  # fmt: skip
    table = [
        found | {"system": row["system"], "end_state": np.zeros(3)} | changes.get(row["system"], {})
        for row in rows
    ]
    return pd.DataFrame(table)


def choices(smoke, founders, selection: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Under `selection`: the catalogue of a founder, one that fails, a limit cycle, and orders out of chaos."""
    rows = [
        candidate("Lorenz", "", 0),
        candidate("Thomas", "", 0, max_zscore=99.0, largest_deviation=99.0),
        candidate("Lorenz", "Thomas", 1, **CYCLE),
        candidate("Lorenz", "Thomas", 2, largest_exponent=-1.0),
        candidate("Lorenz", "Thomas", 3, largest_exponent=0.1, exponent_error=0.1),
        candidate("Lorenz", "Thomas", 4),
        candidate("Lorenz", "Thomas", 5, drive_share=1e-4),
        candidate("Chua", "Thomas", 1, largest_exponent=3.0, drive_share=0.0),
        candidate("Thomas", "Rossler", 1, largest_exponent=3.0),
    ]
    longer = followed(
        rows,
        **{
            "Lorenz_Thomas-pp1": {"verdict": "regular", "follow_status": "", "late_verdict": ""},
            "Lorenz_Thomas-pp2": {"verdict": "regular", "follow_status": "", "late_verdict": ""},
            "Lorenz_Thomas-pp3": {"verdict": "undecided", "follow_status": "", "late_verdict": ""},
            "Lorenz_Thomas-pp4": {"follow_status": "diverged", "escape_periods": 700.0, "late_verdict": ""},
        },
    )
    settings = smoke.discover.select.model_copy(update={"selection": selection})
    table = pd.DataFrame(rows).assign(period=2.0)
    catalogue = select(table, settings, founders, longer)
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
    named = ["n_accepted", "n_limit_cycle", "n_chaotic", "n_regular", "n_undecided", "n_not_persistent"]
    assert reference[named].tolist() == [7, 1, 4, 2, 1, 1]
    assert reference[["n_not_driven", "n_fast"]].tolist() == [2, 2]
    assert counts.loc[("certified", "skew"), ["n_accepted", "n_not_driven", "n_fast"]].tolist() == [1, 0, 1]
    assert counts.loc[("certified", "founder"), "n_accepted"] == 2
    assert counts.loc[("reference", "founder"), "median_exponent_per_period"] == pytest.approx(2.15)


@pytest.mark.parametrize(
    ("change", "filter_name"),
    [
        ({"verdict": "undecided"}, "chaotic"),
        ({"verdict": "regular"}, "chaotic"),
        ({"follow_status": "diverged"}, "persistent"),
        ({"follow_status": "sliding"}, "persistent"),
        ({"growth": 3.1}, "persistent"),
        ({"growth": np.nan}, "persistent"),
        ({"late_verdict": "regular"}, "persistent"),
        ({"late_verdict": "undecided"}, "persistent"),
        ({"fine_verdict": "regular", "fine_late_verdict": ""}, "converged"),
        ({"fine_verdict": ""}, "converged"),
        ({"fine_status": "diverged"}, "converged"),
        ({"fine_late_verdict": "undecided"}, "converged"),
        ({"fine_growth": 3.1}, "converged"),
        # Three errors of both, each 0.1, are 0.42.
        ({"fine_exponent": 1.43, "fine_error": 0.1}, "converged"),
        ({"fine_exponent": np.nan}, "converged"),
    ],
)
def test_a_certificate_asks_for_chaos_that_lasts(smoke, founders, change: dict, filter_name: str):
    rows = [candidate("Lorenz", "Thomas", 0)]
    catalogue = select(
        pd.DataFrame(rows), smoke.discover.select, founders, followed(rows, **{rows[0]["system"]: change})
    )
    assert catalogue["rejected_by"].tolist() == [filter_name]
    kept = select(pd.DataFrame(rows), smoke.discover.select, founders, followed(rows))
    assert kept["certified"].tolist() == [True]


def test_exponents_of_longer_runs_take_the_place_of_the_searched_ones(smoke, founders):
    rows = [candidate("Lorenz", "Thomas", 0, largest_exponent=7.0)]
    (row,) = select(pd.DataFrame(rows), smoke.discover.select, founders, followed(rows)).to_dict("records")
    # 60 periods at 1.0 +- 0.1, and 180 at the finer tolerance at 1.1 +- 0.05.
    assert (row["largest_exponent"], row["searched_exponent"]) == (pytest.approx(1.075), 7.0)
    assert row["exponent_error"] == pytest.approx(np.hypot(0.25 * 0.1, 0.75 * 0.05))
    # Two that differ by more than their errors say are as uncertain as they differ.
    apart = {rows[0]["system"]: {"fine_exponent": 1.4}}
    (row,) = select(pd.DataFrame(rows), smoke.discover.select, founders, followed(rows, **apart)).to_dict(
        "records"
    )
    assert row["exponent_error"] == pytest.approx(np.sqrt(0.25 * 0.75) * 0.4)
    # Who is followed at one tolerance alone has that exponent.
    alone = {rows[0]["system"]: {"fine_exponent": np.nan, "fine_error": np.nan, "fine_periods": np.nan}}
    (row,) = select(pd.DataFrame(rows), smoke.discover.select, founders, followed(rows, **alone)).to_dict(
        "records"
    )
    assert (row["largest_exponent"], row["exponent_error"]) == (1.0, 0.1)


def test_who_should_have_been_followed_must_have_been(smoke, founders):
    rows = [candidate("Lorenz", "Thomas", i) for i in range(3)]
    for table, words in (
        (followed(rows[:2]), "1 of the 3 candidates to be followed were not, Lorenz_Thomas-pp2"),
        (followed([*rows, rows[0]]), "Lorenz_Thomas-pp0 was followed twice"),
        (followed([*rows, candidate("Chua", "Thomas", 0)]), "Chua_Thomas-pp0 is no candidate"),
    ):
        with pytest.raises(PandaError, match=words):
            select(pd.DataFrame(rows), smoke.discover.select, founders, table)


def test_systems_are_counted_by_name_founder_and_split_too(smoke, founders):
    catalogue, table = choices(smoke, founders, "certified")
    counts = table.set_index(["selection", "population"])
    names = ["n_accepted", "n_names", "n_founders"]
    assert counts.loc[("reference", "skew"), names].tolist() == [7, 3, 4]
    assert counts.loc[("certified", "skew"), names].tolist() == [1, 1, 2]
    assert counts.loc[("certified", "founder"), names].tolist() == [2, 2, 2]
    splits = [f"n_{split}{what}" for split in ("train", "validation", "test") for what in ("", "_names")]
    assert counts.loc[("reference", "skew"), splits].tolist() == [5, 1, 1, 1, 1, 1]
    settings = smoke.discover.select
    filters = acceptance(catalogue.reset_index(), settings).groupby("population").last()
    assert filters.loc["skew", ["filter", *names]].tolist() == ["converged", 1, 1, 2]
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
