"""Other settings in the same run folder: every job works with the configuration of the call that planned it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from panda.config.load import load_config
from panda.core.files import read_json
from panda.core.provenance import record_path
from panda.core.resolved import digest
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
RUN = Path("results/tiny")
SCORES = RUN / "forecasts/kuramoto_sivashinsky/persistence.npz"
START = "evaluate.datasets.kuramoto_sivashinsky.start"
MEASURES = RUN / "discover/measures.parquet"
OTHERS = ("seed=5", "evaluate={datasets: {kuramoto_sivashinsky: {start: 600}}}")
# A simulation that begins when it is told to, as one does that has waited for a core.
WAITING = """
import pathlib, sys, time
if "simulate" in sys.argv:
    pathlib.Path("waiting").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
"""


def test_at_the_same_time_each_has_its_own(fresh: Sandbox):
    main = fresh.folder / "panda" / "__main__.py"
    text = main.read_text()
    main.write_text(text.replace("import sys\n", f"import sys\n{WAITING}", 1))
    assert main.read_text() != text
    first = fresh.start("--cores", "1", "--", str(SCORES))
    try:
        deadline = time.monotonic() + 120
        while not (fresh.folder / "waiting").exists():
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        fresh.snakemake("--cores", "1", "--config", *OTHERS, "--", str(MEASURES))
    finally:
        (fresh.folder / "go").touch()
        first.wait(timeout=300)
    assert first.returncode == 0
    config = fresh.config()
    newest = load_config(fresh.folder / RUN / "config.yaml")
    starts = [found.evaluate.datasets["kuramoto_sivashinsky"].start for found in (newest, config)]
    assert (newest.seed, starts[0]) == (5, 600) != (config.seed, starts[1])
    for path, key, value in (
        (SCORES, START, starts[1]),
        (RUN / "pde/fields.npz", "seed", config.seed),
    ):
        record = read_json(record_path(fresh.folder / path))
        assert (record["seed"], record["section"][key]) == (config.seed, value)
        assert record["whole_config"] == digest(config)
        kept = fresh.folder / RUN / "config" / f"{record['whole_config']}.yaml"
        assert load_config(kept) == config
    assert read_json(record_path(fresh.folder / MEASURES))["whole_config"] == digest(newest)
    assert "Nothing to be done" in fresh.snakemake("-n", "--", str(SCORES)).stdout


def test_a_job_on_another_machine_has_it_too_whatever_has_become_of_the_files(fresh: Sandbox, monkeypatch):
    def planned(*words: str) -> set[str]:
        text = fresh.snakemake("-n", "-p", *words, "--", str(SCORES)).stdout
        return set(re.findall(r"--config (\S+)", text[text.index("Building DAG") :]))

    (given,) = planned()
    # Written as at the start of a run, which a dry run has not.
    from panda.core.resolved import write_by_content

    write_by_content(fresh.config(), fresh.folder / RUN)
    assert (fresh.folder / given).is_file()
    config = fresh.folder / "config.yaml"
    config.write_text(re.sub(r"^seed: .*$", "seed: 5", config.read_text(), flags=re.M))
    (other,) = planned()
    assert other != given
    monkeypatch.setenv("PANDA_RESOLVED", given)
    assert planned("--mode", "remote") == {given}
    # A call of the user's own is given nothing.
    assert planned() == {other}
