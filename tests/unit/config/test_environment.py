"""The environments agree: pyproject.toml, requirements.lock, environment.yml, and the page on dependencies."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import pythons
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKED_EXTRAS = ("dev", "baselines", "slurm")


def requirements(*extras: str) -> list[Requirement]:
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


@cache
def locked() -> dict[str, tuple[Version, int]]:
    """Version and number of hashes of every package in the lock that this Python would install."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        pin, *hashes = re.split(r"\s--hash=", line)
        if not re.match(r"[A-Za-z0-9]", pin):
            continue
        requirement = Requirement(pin.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            (only,) = requirement.specifier
            assert only.operator == "==", line
            found[canonicalize_name(requirement.name)] = (Version(only.version), len(hashes))
    return found


def environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_conda_takes_the_pythons_of_the_project():
    (python,) = (d for d in environment()["dependencies"] if str(d).startswith("python"))
    assert SpecifierSet(str(python).removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


def test_the_makefile_and_the_metadata_name_the_pythons_of_the_project():
    allowed = SpecifierSet(PROJECT["requires-python"])
    versions = {f"3.{minor}" for minor in range(30) if f"3.{minor}.0" in allowed}
    makefile = re.search(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert makefile is not None and makefile.group(1).split() == sorted(versions, key=Version, reverse=True)
    assert {line.rpartition(" ")[2] for line in PROJECT["classifiers"]} == versions
    assert sorted(versions, key=Version) == pythons.VERSIONS
    assert "{}.{}".format(*sys.version_info) in versions


def test_conda_takes_all_else_from_the_lock():
    names = environment()["dependencies"]
    assert {"pip", "graphviz"} <= {name for name in names if isinstance(name, str)}
    assert [name["pip"] for name in names if isinstance(name, dict)] == [["-r requirements.lock"]]
    assert (ROOT / "requirements.lock").is_file()


@pytest.mark.parametrize("requirement", requirements(*LOCKED_EXTRAS), ids=lambda r: r.name)
def test_the_lock_holds_every_dependency(requirement: Requirement):
    name = canonicalize_name(requirement.name)
    if name == "torch":
        # Its builds differ between machines: the Makefile's TORCH installs it first.
        assert name not in locked()
        return
    assert name in locked(), f"{name} is not in requirements.lock; run `make lock`"
    version, n_hashes = locked()[name]
    assert version in requirement.specifier, f"locked {name} {version}, wanted {requirement.specifier}"
    assert n_hashes > 0


def test_everything_locked_has_a_hash():
    assert len(locked()) > 50
    assert [name for name, (_, n_hashes) in locked().items() if n_hashes == 0] == []


def test_the_makefile_installs_the_torch_of_the_project():
    (torch,) = (r for r in requirements() if r.name == "torch")
    default = re.search(r"^TORCH\s*\?=\s*(\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert default is not None and Requirement(default.group(1)) == torch


def test_every_dependency_has_its_reason():
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    described = set(re.findall(r"`([\w.-]+)`", page))
    for requirement in requirements(*PROJECT["optional-dependencies"]):
        assert requirement.name in described, f"docs/dependencies.md does not say why {requirement.name}"


def test_no_reason_without_a_dependency():
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[\w.-]+`(?:, )?)+) \|", page, re.M)
    described = {name for row in rows for name in re.findall(r"`([\w.-]+)`", row)}
    known = {requirement.name for requirement in requirements(*PROJECT["optional-dependencies"])}
    assert described - known == set()


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
