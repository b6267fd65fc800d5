"""Commands take the layers that the workflow takes: files over files, settings over all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from panda.config.command_line import read_settings
from panda.core.errors import PandaError
from tests.conftest import ROOT, needs_torch
from tests.unit.cli.test_wrong_calls import call, refusal

BASE = ["--config", str(ROOT / "config.yaml")]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("train:\n  batch_size: 32\n")
    return path


def shown(*words: object) -> dict:
    done = call("config", "show", *words)
    assert done.exit_code == 0, done
    return yaml.safe_load(done.stdout)


@needs_torch
def test_a_part_of_a_configuration_lies_over_config_yaml_and_its_preset(mine: Path, monkeypatch):
    monkeypatch.chdir(ROOT)
    for words in (["--config", mine], ["--configfile", mine], [*BASE, "--config", mine]):
        found = shown(*words, "--preset", "laptop")
        assert found["preset"] == "laptop" and found["train"]["batch_size"] == 32
    assert call("config", "check", "--config", mine).exit_code == 0
    assert call("config", "cost", "--config", mine).exit_code == 0


def test_the_preset_that_a_part_names_is_applied(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("preset: laptop\n")
    assert shown(*BASE, "--config", path) == shown(*BASE, "--preset", "laptop")
    assert shown(*BASE, "--set", "preset=laptop") == shown(*BASE, "--preset", "laptop")


def test_a_part_without_config_yaml_says_what_to_do(mine: Path, monkeypatch):
    monkeypatch.chdir(mine.parent)
    message = refusal("config", "check", "--config", mine)
    assert "has not all of a configuration" in message and "--config FILE" in message


def test_a_missing_file_is_one_line(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert refusal("config", "check").startswith("config.yaml: no such configuration file; ")
    assert refusal("config", "cost", *BASE, "--config", "no.yaml").startswith("no.yaml: no such")


def test_settings_stand_over_files(mine: Path):
    found = shown(*BASE, "--config", mine, "--set", "train.batch_size=9", "--set", "run=x")
    assert found["train"]["batch_size"] == 9 and found["run"] == "x"


def test_every_command_with_a_configuration_takes_settings(tmp_path: Path):
    import typer.main

    from panda.cli import app

    root = typer.main.get_command(app)
    for word, group in root.commands.items():  # type: ignore[attr-defined]
        for name, command in getattr(group, "commands", {word: group}).items():
            options = {option for parameter in command.params for option in parameter.opts}
            assert ("--config" in options) == ("--set" in options), name
    message = refusal("discover", "measure", *BASE, "--set", "seed=x", "--output", tmp_path / "m.parquet")
    assert message.startswith("command line: seed: ")


@pytest.mark.parametrize(
    ("entries", "start"),
    [
        (["trian.batch_size=3"], "command line: trian: unknown key; did you mean 'train'?"),
        (["train.batch_sise=3"], "command line: train.batch_sise: unknown key; did you mean 'batch_size'?"),
        (["train.batch_size=x"], "command line: train.batch_size: input should be a valid integer"),
        (["train.batch_size"], "command line: --set 'train.batch_size' is no KEY=VALUE, such as"),
        (["train..batch_size=3"], "command line: --set 'train..batch_size=3' is no KEY=VALUE"),
        (["=3"], "command line: --set '=3' is no KEY=VALUE"),
        (["train={a: "], "command line: train: not valid YAML: '{a: '"),
        (["train.n=2020-99-99"], "command line: train.n: not valid YAML"),
        (["train=3", "train.batch_size=3"], "command line: train is set as a whole and by the keys below"),
        # The value that a file has, too, is the command line's all the same.
        (["evaluate.context_length=5000", "seed=0"], "command line: "),
        (["train.definitions.foo={}"], "command line: train.definitions.foo.embedding: is missing"),
        (["preset=labtop"], "preset: no preset 'labtop'; did you mean 'laptop'?"),
    ],
)
def test_a_wrong_setting_is_the_command_lines(entries: list[str], start: str):
    words = [word for entry in entries for word in ("--set", entry)]
    error = call("config", "check", *BASE, *words).exception
    assert isinstance(error, PandaError)
    assert str(error).startswith(start)


def test_a_setting_over_a_resolved_configuration(tmp_path: Path):
    path = tmp_path / "resolved.yaml"
    path.write_text(yaml.safe_dump({"resolved": True, **shown(*BASE)}))
    assert shown("--config", path, "--set", "train.batch_size=7")["train"]["batch_size"] == 7
    message = refusal("config", "check", "--config", path, "--set", "trian=1")
    assert message.startswith("command line: trian: unknown key")


def test_keys_in_quotes_may_hold_dots():
    assert read_settings(['a."b.c".d=1', "a.'b.c'.e=2"]) == {"a": {"b.c": {"d": 1, "e": 2}}}
    assert read_settings(["a.b=1", "a={c: 2}", "a.b=", "x=a=b"]) == {"a": {"b": None, "c": 2}, "x": "a=b"}


def test_a_mapping_that_misses_keys_is_blamed_where_it_stands(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("train:\n  definitions:\n    foo: {n_steps: 1}\n")
    error = call("config", "check", *BASE, "--config", path).exception
    assert str(error).startswith(f"{path}:3: train.definitions.foo.embedding: is missing")
