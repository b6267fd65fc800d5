"""Names are one pattern, whatever they name: nothing that a shell, a file system or a message would take otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from baselines import registry
from panda.config.families import families
from panda.config.founder_names import founder_names
from panda.config.load import overlay, read_yaml, validate
from panda.config.types import FOUNDER_PATTERN, NAME_PATTERN, Name
from panda.config.whole import RESERVED_RUNS
from panda.core.errors import PandaError
from tests.conftest import ROOT

FILES = [ROOT / "config.yaml", ROOT / "presets" / "smoke.yaml"]
VALUES = overlay(read_yaml(FILES[0]), read_yaml(FILES[1]))
HOSTILE = [
    "w`touch PWNED`",
    "a& touch PWNED #",
    "$(touch PWNED)",
    "../../../../escaped",
    "/tmp/escaped",
    "a/b",
    "..",
    ".hidden",
    "-rf",
    "a b",
    "a+b",
    "a{b}",
    "a'b",
    'a"b',
    "a;b",
    "a\nb",
    "a\n",
    "a\0b",
    "=1+1",
    "é",
    "",
    "x" * 101,
]
DEFINITION = {"embedding": "linear", "head": "forecast", "encoder_from": None, "n_steps": 2}


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


# Where a name can stand: the key, and the values that put it there.
PLACES = {
    "run": lambda name: nested("run", name),
    "preset": lambda name: nested("preset", name),
    "figures": lambda name: nested("figures", [name]),
    "train.models": lambda name: nested("train.models", [name]),
    "train.definitions": lambda name: nested("train.definitions", {name: DEFINITION}),
    "train.definitions.panda_mlm_sft.encoder_from": lambda name: nested(
        "train.definitions.panda_mlm_sft.encoder_from", name
    ),
    "train.recipe": lambda name: nested("train.recipe", name),
    "train.recipes": lambda name: nested("train.recipes", {name: VALUES["train"]["recipes"]["paper"]}),
    "evaluate.forecasters": lambda name: nested("evaluate.forecasters", [name]),
    "evaluate.reference": lambda name: nested("evaluate.reference", name),
    "evaluate.completion_model": lambda name: nested("evaluate.completion_model", name),
    "evaluate.datasets": lambda name: nested("evaluate.datasets", {name: {"series": "test"}}),
    "evaluate.datasets.test.forecasters": lambda name: nested("evaluate.datasets.test.forecasters", [name]),
    "scaling.definitions": lambda name: nested("scaling.definitions", [name]),
    "discover.select.selection": lambda name: nested("discover.select.selection", name),
    "discover.select.selections": lambda name: nested(
        "discover.select.selections", {name: {"filters": ["bounded"], "founders_enter": True}}
    ),
    "discover.select.own_enter": lambda name: nested("discover.select.own_enter", [name]),
    "discover.founders.names": lambda name: nested("discover.founders.names", [name]),
    "discover.founders.held_out": lambda name: nested("discover.founders.held_out", [name]),
    "discover.founders.held_out_families": lambda name: nested("discover.founders.held_out_families", [name]),
    "discover.founders.validation": lambda name: nested("discover.founders.validation", [name]),
}


def refusal(change: dict[str, Any]) -> str:
    with pytest.raises(PandaError) as error:
        validate(overlay(VALUES, change), FILES, baselines=registry.names())
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_none(name: str):
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


@pytest.mark.parametrize("name", ["seed7", "paper_2", "a.b-c", "7", "x" * 100])
def test_a_plain_name_is_one(name: str):
    assert TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_name_is_refused_wherever_a_name_can_stand(place: str):
    message = refusal(PLACES[place]("w`touch PWNED`\n"))
    assert re.match(rf"command line: {re.escape(place)}(\.0)?: letters, digits", message)
    assert message.endswith(r"(got 'w`touch PWNED`\n')")


def test_every_text_of_the_configuration_is_a_name_or_a_path():
    """Free text among the types of a section would be a name that nobody checks."""
    from panda.config import Config, NamedModel, Section

    def sections(cls: type) -> list[type]:
        return [cls, *(found for below in cls.__subclasses__() for found in sections(below))]

    # measured.yaml comes with the package; what a user writes has no part of it.
    ours = [
        cls
        for cls in sections(Section)
        if cls not in (Section, NamedModel) and cls.__module__ != "panda.config.measured"
    ]
    assert Config in ours
    free = []
    for cls in ours:
        schema = cls.model_json_schema()
        for key, value in schema.get("properties", {}).items():
            free += [f"{cls.__name__}.{key}" for part in parts(value) if unchecked(part)]
    assert not free


def parts(value: Any) -> list[dict[str, Any]]:
    """A part of a JSON schema and all parts below it."""
    if isinstance(value, list):
        return [part for one in value for part in parts(one)]
    if not isinstance(value, dict):
        return []
    return [value, *(part for one in value.values() for part in parts(one))]


def unchecked(part: dict[str, Any]) -> bool:
    if part.get("type") == "string":
        return not ({"pattern", "enum", "const"} & part.keys())
    # A mapping whose keys are free has neither properties of its own nor a pattern for them.
    return part.get("type") == "object" and "additionalProperties" in part and "patternProperties" not in part


def test_a_key_in_a_file_is_named_by_its_line(tmp_path: Path):
    extra = tmp_path / "names.yaml"
    extra.write_text(yaml.safe_dump({"train": {"definitions": {"a b": DEFINITION}}}))
    with pytest.raises(PandaError) as error:
        validate(overlay(VALUES, read_yaml(extra)), [*FILES, extra])
    assert str(error.value) == (
        f"{extra}:3: train.definitions: letters, digits, '.', '_' and '-' only, a letter or digit first "
        "(got 'a b')"
    )


def test_what_is_wrong_below_a_hostile_key_is_one_line_too():
    message = refusal({"train": {"definitions": {"panda": {"a\nb": 1}}}})
    assert message.startswith("command line: train.definitions.panda.'a\\nb': unknown key")


@pytest.mark.parametrize("run", [*RESERVED_RUNS, "Published"])
def test_a_run_does_not_write_into_what_the_repository_keeps(run: str):
    assert refusal({"run": run}).startswith(f"command line: run {run!r}: results/")


def test_all_that_the_repository_keeps_in_results_is_reserved():
    ignored = (ROOT / ".gitignore").read_text()
    kept = re.findall(r"^!/?results/([^/\n]+)", ignored, re.M)
    assert set(kept) == set(RESERVED_RUNS)


def test_a_model_takes_no_name_of_the_sweep_or_of_a_baseline():
    for name, words in (("panda_split0", "scaling sweep"), ("persistence", "name of a baseline")):
        definition = {"models": [*VALUES["train"]["models"], name], "definitions": {name: DEFINITION}}
        message = refusal({"train": definition})
        assert f"{name!r} is" in message and words in message


@pytest.mark.parametrize(
    ("key", "value"), [("integrate.import_from", ""), ("discover.founders.own", ["a\nb.py"])]
)
def test_a_path_that_would_break_a_line_is_refused(key: str, value: Any):
    message = refusal(nested(key, value))
    assert message.startswith(f"command line: {key}") and "a path, not empty" in message


@pytest.mark.parametrize("stem", ["w`touch PWNED`", "a_b", "x" * 101])
def test_a_founders_file_has_a_founders_name(tmp_path: Path, stem: str):
    (tmp_path / f"{stem}.py").write_text("")
    message = refusal(nested("discover.founders.own", [str(tmp_path / f"{stem}.py")]))
    assert "is no founder's name" in message


def test_our_own_names_follow_the_pattern():
    figures = yaml.safe_load((ROOT / "paper" / "figures.yaml").read_text())["figures"]
    presets = [path.stem for path in (ROOT / "presets").glob("*.yaml")]
    for name in (*figures, *presets, *registry.names(), *families(), *founder_names()):
        assert re.fullmatch(NAME_PATTERN, name)
    assert all(re.fullmatch(FOUNDER_PATTERN, name) for name in founder_names())
