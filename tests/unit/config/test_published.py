"""Published configurations load, or say at which commit they do; other resolved ones of other code are told apart."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from panda.config.load import load_config
from panda.core.errors import PandaError
from panda.core.resolved import commit_of, write_resolved
from tests.conftest import ROOT

PUBLISHED = sorted(ROOT.glob("results/published/*/*.yaml"))


def git(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)


def keys(values: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items() if isinstance(values, dict) else ():
        yield (*above, key)
        yield from keys(value, (*above, key))


def test_there_are_published_configurations():
    assert {path.parent.name for path in PUBLISHED} >= {"discovery", "laptop"}


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_published_configuration_loads_here_or_at_a_commit_that_is_there(path: Path):
    values = yaml.safe_load(path.read_text())
    assert values.pop("resolved") is True
    try:
        load_config(path)
    except PandaError as error:
        commit = commit_of(path)
        assert commit is not None, f"{path}: {error}"
        assert f"it loads at commit {commit[:12]}" in str(error) and "\n" not in str(error)
    else:
        return
    if git("rev-parse", "HEAD").returncode or git("rev-parse", "--is-shallow-repository").stdout != "false\n":
        pytest.skip("no git history")
    assert git("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0, f"{path}: no commit {commit}"
    # A resolved configuration has the keys of config.yaml, and more only where names are free (presets).
    there = yaml.safe_load(git("show", f"{commit}:config.yaml").stdout)
    assert set(keys(there)) <= set(keys(values)), f"{path} does not load at {commit}"
    assert set(values) == set(there)


@pytest.fixture
def resolved(smoke, tmp_path: Path) -> Path:
    write_resolved(smoke, tmp_path / "config.yaml")
    return tmp_path / "config.yaml"


def test_a_resolved_configuration_says_its_commit_and_loads_as_it_was(smoke, resolved: Path):
    assert load_config(resolved) == smoke
    head = git("rev-parse", "HEAD")
    assert commit_of(resolved) == (head.stdout.strip() if head.returncode == 0 else None)


@pytest.mark.parametrize("first_line", ["# commit: 0123456789abcdef\n", ""])
def test_one_of_other_code_is_refused_in_one_line(resolved: Path, first_line: str):
    values = yaml.safe_load(resolved.read_text())
    del values["discover"]["evolve"], values["seed"]
    values["train"]["speed"] = 3
    resolved.write_text(first_line + yaml.safe_dump(values))
    with pytest.raises(PandaError) as error:
        load_config(resolved)
    message = str(error.value)
    assert "\n" not in message and "and 2 more such" in message
    assert ("it loads at commit 0123456789ab:" in message) == bool(first_line)


def test_a_wrong_value_in_a_resolved_configuration_has_its_line(resolved: Path):
    resolved.write_text(resolved.read_text().replace("seed: 99", "seed: -1", 1))
    with pytest.raises(PandaError, match=r"config\.yaml:\d+: seed: "):
        load_config(resolved)
