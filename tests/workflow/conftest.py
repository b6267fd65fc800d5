"""Sandboxes for the workflow tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.sandbox import Sandbox

TINY = ROOT / "tests" / "tiny.yaml"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, library_folder: Path) -> Sandbox:
    """The tiny chain, run to its end once, undisturbed; tests that change it copy it first."""
    sandbox = Sandbox(tmp_path_factory.mktemp("finished"), TINY)
    sandbox.snakemake("--cores", "2")
    return sandbox


@pytest.fixture
def fresh(tmp_path: Path, library_folder: Path) -> Sandbox:
    """A sandbox of the tiny chain in which nothing has run."""
    return Sandbox(tmp_path / "fresh", TINY)
