"""Founders in the configuration: the user's own by file, families held out together."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from panda.config import Founders, section
from panda.config.families import families, family_of, twins
from panda.config.founder_names import founder_names

BODY = "parameters = {}\ninitial_condition = [1.0]\n\n\ndef rhs(state, t):\n    return -state\n"


@pytest.fixture
def values(smoke) -> dict:
    return smoke.discover.founders.model_dump()


def write(path: Path, text: str = BODY) -> str:
    path.write_text(text)
    return str(path)


def refusal(values: dict, **changes) -> str:
    with pytest.raises(ValidationError) as error:
        Founders.model_validate({**values, **changes})
    return error.value.errors()[0]["msg"]


def test_an_own_founder_is_one_of_all_and_may_be_in_any_split(values: dict, tmp_path: Path):
    path = write(tmp_path / "Ueda.py")
    founders = Founders.model_validate({**values, "own": [path], "validation": ["Ueda"]})
    assert set(founders.all_names) == {*founder_names(), "Ueda"}
    assert "Ueda" not in founders.library_names
    assert founders.split("Lorenz", "Ueda") == "validation"
    listed = Founders.model_validate(
        {**values, "names": ["Lorenz", "Thomas"], "own": [path], "held_out": ["Ueda"], "validation": []}
    )
    assert listed.all_names == ("Lorenz", "Thomas", "Ueda")
    assert listed.split("Ueda", "Lorenz") == "test"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Ueda.txt", BODY, "no such Python file"),
        ("lorenz.py", BODY, "there is a founder 'Lorenz' already"),
        ("my_ueda.py", BODY, "'my_ueda' is no founder's name"),
        ("Ueda.py", "def rhs(:\n", "Ueda.py:1: not Python"),
        ("Ueda.py", "parameters = {}\nrhs = None\n", "defines no `initial_condition`"),
        ("Ueda.py", BODY + "family = 'lorentz'\n", "Ueda.py:7: no family 'lorentz'; did you mean 'lorenz'?"),
    ],
)
def test_a_wrong_own_founder_is_refused(values: dict, tmp_path: Path, name: str, text: str, words: str):
    assert words in refusal(values, own=[write(tmp_path / name, text)])


def test_two_own_founders_of_one_name_are_refused(values: dict, tmp_path: Path):
    (tmp_path / "b").mkdir()
    own = [write(tmp_path / "Ueda.py"), write(tmp_path / "b" / "Ueda.py")]
    assert "there is a founder 'Ueda' already" in refusal(values, own=own)


def test_the_content_counts_and_neither_path_nor_comments(smoke, values: dict, tmp_path: Path):
    def part(path: str) -> str:
        founders = Founders.model_validate({**values, "own": [path]})
        discover = smoke.discover.model_copy(update={"founders": founders})
        return json.dumps(section(smoke.model_copy(update={"discover": discover}), "discover.founders"))

    (tmp_path / "b").mkdir()
    first = part(write(tmp_path / "Ueda.py"))
    assert part(write(tmp_path / "b" / "Ueda.py", '"""Text."""\n# remark\n' + BODY)) == first
    assert part(write(tmp_path / "Ueda.py", BODY.replace("-state", "-2 * state"))) != first


def test_a_held_out_family_reaches_neither_training_nor_validation(values: dict, tmp_path: Path):
    own = write(tmp_path / "Mine.py", BODY + "family = 'chua'\n")
    founders = Founders.model_validate({**values, "own": [own], "held_out_families": ["chua", "lorenz"]})
    members = {"Mine", *families()["chua"], *families()["lorenz"]}
    assert {"Chua", "MultiChua", "Lorenz", "LorenzBounded", "Mine"} <= members
    for name in members:
        assert (
            founders.split(name) == founders.split("Thomas", name) == founders.split(name, "Thomas") == "test"
        )
    assert founders.split("HenonHeiles") == "train"
    # Chua stands in `validation`: test comes before.
    assert "Chua" in founders.validation
    # The same founders by name are the same configuration to what follows.
    named = Founders.model_validate(
        {**values, "own": [own], "held_out": founders.test_names, "validation": []}
    ).resolved()
    assert {**named, "validation": list(founders.validation)} == founders.resolved()


def test_wrong_families_are_refused_with_a_hint(values: dict):
    assert "no family 'lorentz'; did you mean 'lorenz'?" in refusal(values, held_out_families=["lorentz"])
    few = {"names": ["Lorenz", "Thomas"], "held_out": [], "validation": []}
    assert "no founder of 'chua' is among `names`" in refusal(values, **few, held_out_families=["chua"])
    every = {"names": ["Lorenz", "LorenzStenflo"], "held_out": [], "validation": []}
    assert "at least one must be left" in refusal(values, **every, held_out_families=["lorenz"])


def test_families_hold_founders_of_dysts_each_with_a_reason():
    from importlib.util import find_spec

    data = Path(str(find_spec("dysts").origin)).parent / "data" / "chaotic_attractors.json"
    known = set(json.loads(data.read_text()))
    listed = [name for members in families().values() for name in members]
    assert set(listed) <= known and len(listed) == len(set(listed))
    assert all(len(members) > 1 and all(members.values()) for members in families().values())
    assert family_of("HyperRossler") == "rossler" and family_of("Torus") == "Torus"


def test_systems_of_one_class_in_dysts_are_one_family():
    from dysts import base, flows

    classes = {name: value for name, value in vars(flows).items() if isinstance(value, type)}
    for name, value in classes.items():
        parent = value.__mro__[1]
        if (
            parent not in (base.DynSys, base.DynSysDelay)
            and parent.__name__ in classes
            and name in founder_names()
        ):
            assert family_of(name) == family_of(parent.__name__) in families()


def _rhs(name: str, state: np.ndarray, **changes: float) -> np.ndarray:
    from dysts import flows

    function = getattr(flows, name)._rhs
    known = {**getattr(flows, name)().params, **changes}
    order = list(signature(getattr(function, "py_func", function)).parameters)
    return np.array(function(*state, 0.0, *(known[key] for key in order[len(state) + 1 :])))


@pytest.mark.parametrize(
    ("one", "other", "matrix", "changes"),
    [
        ("SprottF", "SprottH", [[1, 1, 1], [1, -1.5, 0], [1, 0, 0]], {}),
        ("SprottN", "SprottJ", [[-1, 0, 0], [0, 0, 1], [0, 1, 0]], {}),
        ("SprottQ", "GenesioTesi", [[0, -1, 0], [-1, 1, 0], [1, -1, 1]], {"a": 0.5, "b": 2.6, "c": 3.1}),
        ("SprottS", "GenesioTesi", [[0, 0, -4], [-4, 0, 0], [4, 16, 0]], {"a": 1, "b": 4, "c": 8}),
        ("RayleighBenard", "LuChen", np.eye(3), {"a": 30, "b": 5, "c": 18}),
        ("VallisElNino", "Lorenz", np.diag([1, 34, -34]), {"beta": 1, "rho": 34, "sigma": 3}),
        (
            *("ChenLee", "LiuChen", np.eye(3)),
            {"a": 5, "h": 0, "s": -1, "b": 10, "p": 0, "q": 1, "c": -0.38, "r": -1 / 3},
        ),
        (
            *("ChenLee", "WangSun", np.diag([1, 1, -1])),
            {"a": 5, "b": 0, "d": -10, "e": -0.38, "f": -1 / 3, "q": 1},
        ),
        (
            *("ChenLee", "ZhouChen", np.diag([-(3**-0.5), 3**-0.5, 1])),
            {"a": 5, "b": 0, "c": -10, "d": 0, "e": -0.38},
        ),
        (
            *("QiChen", "LiuChen", np.eye(3)),
            {"a": -38, "h": 38, "s": 1, "b": -1, "p": -80, "q": -1, "c": -2.666, "r": -1},
        ),
        (
            *("NewtonLiepnik", "LiuChen", np.eye(3)),
            {"a": -0.4, "h": 1, "s": 10, "b": 0.4, "p": 1, "q": 5, "c": 0.175, "r": 5},
        ),
        ("SprottJ", "SprottI", np.array([[-1, 2, 0], [0, 8, 0], [1, -10, 4]]) / 32, {"a": 0.25}),
    ],
)
def test_systems_said_to_be_one_in_other_coordinates_are(one, other, matrix, changes):
    """v = M u + s: the other's right-hand side at v is M times the one's at u, but for the unit of time."""
    shifts = {"SprottN": [-0.25, -0.5, 0], "SprottS": [4, -4, 0], "VallisElNino": [0, 0, 34]}
    shift, speed = shifts.get(one, np.zeros(3)), 2 if one == "SprottJ" else 1
    for state in np.random.default_rng(0).normal(size=(5, 3)):
        moved = speed * _rhs(other, np.array(matrix) @ state + shift, **changes)
        np.testing.assert_allclose(moved, np.array(matrix) @ _rhs(one, state), rtol=1e-9, atol=1e-12)
    assert family_of(one) == family_of(other) and other in twins()[one]


def test_a_coordinate_of_one_sprott_case_solves_the_equation_of_another():
    """2 y of case I, with x' = -a y, is x + b/a of case R at a = 0.4, b = 0.08: so its (x, y, z) move as R says."""
    for x, y, z in np.random.default_rng(0).normal(size=(5, 3)):
        dx, dy, dz = _rhs("SprottI", np.array([x, y, z]), a=0.2)
        first, second = dy, dx + dz
        third = -0.2 * dy + dx + 2 * y * dy - dz
        state = np.array([2 * y - 0.2, 0.4 - 2 * first, -2 * second - 0.08])
        moved = _rhs("SprottR", state, a=0.4, b=0.08)
        np.testing.assert_allclose(moved, [2 * first, -2 * second, -2 * third], rtol=1e-9, atol=1e-12)
    assert "SprottI" in twins()["SprottR"]


def test_twins_are_each_others_and_of_one_family():
    for name, others in twins().items():
        assert others and name not in others
        for other in others:
            assert name in twins()[other] and family_of(name) == family_of(other)


@pytest.mark.parametrize("relatives", ["twins", "family"])
@given(
    held_out=st.sets(st.sampled_from(founder_names()), min_size=1, max_size=40),
    validation=st.sets(st.sampled_from(founder_names()), max_size=10),
    held_out_families=st.sets(st.sampled_from(sorted(families())), max_size=3),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_unseen_founder_of_a_strict_test_has_a_relative_in_training(
    values: dict, relatives, held_out: set, validation: set, held_out_families: set
):
    founders = Founders.model_validate(
        {
            **values,
            "held_out": sorted(held_out),
            "validation": sorted(validation - held_out),
            "held_out_families": sorted(held_out_families),
        }
    )
    strict, names = founders.strict_test(relatives), founders.all_names
    train = [name for name in names if founders.split(name) == "train"]
    for pair in [(name,) for name in names] + list(zip(names, names[7:], strict=False)):
        if not strict(*pair):
            continue
        assert founders.split(*pair) == "test"
        for unseen in set(pair) - set(train) - set(founders.validation):
            if relatives == "family":
                assert family_of(unseen) not in map(family_of, train)
            assert not twins().get(unseen, frozenset()) & set(train)
    # Where a whole family is held out none of its members has a relative that was seen.
    for family in held_out_families:
        assert all(strict(name) for name in families()[family])
    assert not any(strict(name) for name in train)


def test_of_the_papers_twenty_fourteen_have_no_twin_and_two_no_relative(values: dict):
    """The six, as read from the equations: the tests above."""
    founders = Founders.model_validate(values)
    twinned = {"Bouali", "ChenLee", "Coullet", "QiChen", "SprottF", "SprottR"}
    assert set(founders.test_names) - set(founders.strict_names("twins")) == twinned
    assert set(founders.strict_names("family")) == {"CircadianRhythm", "KawczynskiStrizhak"}
    strict = founders.strict_test("twins")
    assert strict("Rossler", "Lorenz") and strict("Lorenz", "Rossler") and strict("Rossler", "Duffing")
    assert not strict("Rossler", "SprottF") and not strict("Lorenz", "Thomas")


def test_results_depend_on_the_strict_founders_by_name(smoke):
    select = smoke.discover.select.model_copy(update={"strict": "family"})
    changed = smoke.model_copy(update={"discover": smoke.discover.model_copy(update={"select": select})})
    parts = [section(config, "discover.select", "discover.search") for config in (smoke, changed)]
    assert (
        len(parts[0]["discover.select"]["strict"]) == 14 and len(parts[1]["discover.select"]["strict"]) == 2
    )
    assert parts[0]["discover.search"] == parts[1]["discover.search"]
