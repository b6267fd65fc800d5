"""Fixtures of all tests: the golden data, the compiled founders, one thread."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

# Before numpy and torch start their pools: bits and times depend on the number of threads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

ROOT = Path(__file__).resolve().parents[1]
# `make test-pythons` tests other versions of Python without it; N-BEATS, which all presets name, is checked with it.
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="needs PyTorch")
GOLDEN = ROOT.parent / "shared" / "golden"


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of the reference implementation's outputs; tests that need it are skipped without it."""
    if not GOLDEN.is_dir():
        pytest.skip("no golden data beside this checkout")
    return GOLDEN


@pytest.fixture(scope="session")
def library_folder() -> Path:
    """The folder of all founders, compiled once on this machine, shared with the workflow."""
    from panda.config.founder_names import founder_names
    from panda.discovery.search.warm import ensure_library

    folder = ROOT / ".cache" / "founders"
    ensure_library(folder, founder_names())
    return folder


@pytest.fixture(scope="session")
def library(library_folder: Path):
    """The compiled founders."""
    from panda.systems.library import FounderLibrary

    return FounderLibrary.open(library_folder)


def preset_config(preset: str):
    """The configuration of a preset."""
    from panda.config.load import load_config

    return load_config(ROOT / "config.yaml", preset=preset)


@pytest.fixture(scope="session")
def smoke():
    """The configuration of the smoke preset."""
    return preset_config("smoke")
