"""SIGKILL half-way: the next run finishes, with the bits of an undisturbed one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from panda.core.digest import sha256
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
RUN = Path("results/tiny")
CATALOGUE = RUN / "discover/catalogue.parquet"
WEIGHTS = RUN / "train/panda/model.safetensors"


def kill_when(sandbox: Sandbox, target: Path, ready: Callable[[], bool]) -> None:
    """Start making `target`, and kill Snakemake and its jobs as soon as `ready`."""
    process = sandbox.start("--cores", "2", "--", str(target))
    deadline = time.monotonic() + 180
    try:
        while not ready():
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline, "it never came to the point where it is killed"
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(sandbox: Sandbox, target: Path) -> None:
    sandbox.snakemake("--unlock")
    sandbox.snakemake("--cores", "2", "--", str(target))


def test_a_killed_training_resumes_to_the_bit(fresh: Sandbox, finished: Sandbox):
    states = fresh.folder / RUN / "state" / "train" / "panda"
    kill_when(fresh, WEIGHTS, lambda: any(states.glob("*/*.safetensors")))
    assert not (fresh.folder / WEIGHTS).exists()
    finish(fresh, WEIGHTS)
    assert sha256(fresh.folder / WEIGHTS) == sha256(finished.folder / WEIGHTS)


def test_a_killed_search_and_integration_leave_the_same_catalogue(fresh: Sandbox, finished: Sandbox):
    log = fresh.folder / RUN / "logs" / "search_candidates"
    kill_when(fresh, CATALOGUE, lambda: any(log.glob("*.log")))
    assert not (fresh.folder / CATALOGUE).exists()
    finish(fresh, CATALOGUE)
    assert sha256(fresh.folder / CATALOGUE) == sha256(finished.folder / CATALOGUE)
    shard = RUN / "integrate/train/0.arrow"
    kill_when(fresh, shard, lambda: (fresh.folder / RUN / "logs/integrate_systems/0.log").exists())
    finish(fresh, shard)
    assert sha256(fresh.folder / shard) == sha256(finished.folder / shard)
