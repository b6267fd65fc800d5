"""The registry: names, settings, and imports that wait until they are needed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

import baselines
from baselines import registry
from panda.config import section
from panda.core.code_version import code_version
from panda.core.errors import PandaError


def test_every_baseline_has_a_module_and_reads_keys_that_there_are(smoke) -> None:
    for name in registry.names():
        entry = registry.info(name)
        assert importlib.util.find_spec(entry.module) is not None
        assert tuple(section(smoke, *entry.reads)) == entry.reads


def test_the_readme_lists_every_baseline() -> None:
    readme = (Path(baselines.__file__).parent / "README.md").read_text(encoding="utf-8")
    for name in registry.names():
        assert f"| `{name}` |" in readme


def test_configured_forecasters_exist(smoke) -> None:
    for name in set(chain(*smoke.forecasters().values())) - set(smoke.train.models):
        assert registry.info(name)


def test_unknown_names_are_refused_with_the_nearest(smoke) -> None:
    with pytest.raises(PandaError, match="did you mean 'parrot_anchored'"):
        registry.info("parot_anchored")
    with pytest.raises(PandaError, match="there are: context_mean, darts_nbeats"):
        registry.create("zzz", smoke.baselines, state=None, seed=1, standardise_eps=1e-10, threads=1)


def test_training_is_asked_for_where_it_is_needed(smoke) -> None:
    with pytest.raises(PandaError, match="must be trained"):
        registry.create("darts_nbeats", smoke.baselines, state=None, seed=1, standardise_eps=1e-10, threads=1)
    with pytest.raises(PandaError, match="nothing to train"):
        registry.fit(
            "parrot", smoke.baselines, None, None, state=Path(), seed=1, standardise_eps=1e-10, threads=1
        )


def test_the_registry_imports_neither_torch_nor_darts() -> None:
    code = "import sys, baselines.registry; print(sorted({'torch', 'darts', 'numba'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_baseline_s_code_version_knows_its_own_file_only() -> None:
    source = Path(baselines.__file__).parents[1]
    versions = {code_version([registry.info(name).module], source) for name in registry.names()}
    assert len(versions) == len({registry.info(name).module for name in registry.names()})
