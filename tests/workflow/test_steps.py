"""Every step reads what it declares, and nothing else: the chain runs under a configuration that records each access."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from panda.config.arena import MEASURED
from panda.config.step_keys import BY_NAME, FILTERS, WITHOUT_EFFECT
from panda.config.steps import STEPS
from tests.conftest import ROOT
from tests.workflow.conftest import TINY
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
# All that the study can do, at the smallest size, with a founder of one's own and two generations.
OVERLAY = """
discover:
  founders:
    own: [my_systems/LotkaVolterra.py]
    held_out_families: [chua]
  search: {n_pairs: 12, n_perturbations: 2, generations: 2}
  audit: {n_systems: 2, n_periods: 40, last_periods: 20, transient_periods: 5, n_shards: 1}
  duplicates: {enabled: true, n_calibration: 4}
  comparison: {seeds: [1], n_pairs: 6, n_pairs_evolved: 6, n_perturbations: 2, generations: 2, n_spectra: 2,
               n_draws: 2, n_curve_points: 2}
evaluate: {forecasters: [panda, persistence, context_mean, parrot, linear_ar, fourier, darts_nbeats]}
train: {n_snapshots: 2}
scaling: {enabled: true}
"""
# Every baseline is given these, whether or not it says that it reads them.
HANDED_ON = ("seed", "evaluate.standardise_eps", "train.threads", "baselines.own")
# A data set's own, without effect as `evaluate.batch_size` is.
BATCHES = tuple(
    f"evaluate.datasets.{name}.batch_size" for name in ("test", "learning", "kuramoto_sivashinsky", *MEASURED)
)
TARGETS = ("dataset", "audit", "duplicates", "evolution", "spectra", "scaling", "learning", "realdata")


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory, library_folder: Path) -> dict[str, list[dict]]:
    """By step, what each of its jobs read, and what it declared for the names that it was given."""
    folder = tmp_path_factory.mktemp("steps")
    overlay, records = folder / "all.yaml", folder / "records"
    overlay.write_text(OVERLAY)
    records.mkdir()
    sandbox = Recording(folder / "sandbox", TINY, overlay)
    sandbox.records = records
    text = (ROOT / "docs" / "own-system.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    (sandbox.folder / "my_systems").mkdir()
    (sandbox.folder / "my_systems" / "LotkaVolterra.py").write_text(block)
    sandbox.snakemake("--cores", "2", "--", "all", *TARGETS)
    found = defaultdict(list)
    for path in records.glob("*.json"):
        record = json.loads(path.read_text())
        found[record["step"]].append(record)
    return found


class Recording(Sandbox):
    """A sandbox whose jobs write what they read."""

    records: Path

    @property
    def environment(self) -> dict[str, str]:
        inherited = super().environment
        recording = ROOT / "tests" / "workflow" / "recording"
        path = os.pathsep.join([str(recording), inherited["PYTHONPATH"]])
        return inherited | {"PYTHONPATH": path, "PANDA_RECORD_READS": str(self.records)}


def below(key: str, declared: str) -> bool:
    return key == declared or key.startswith(f"{declared}.")


def of_rules() -> set[str]:
    """The steps that a rule carries out in the run of `reads`, where imports do not take the place of integration.

    Those of later generations are followed by the command that follows the first.
    """
    return {name for name, step in STEPS.items() if step.outputs} - {"import_trajectories", "follow_bred"}


def test_every_step_is_run(reads):
    assert set(reads) == of_rules()


@pytest.mark.parametrize("step", sorted(of_rules()))
def test_it_reads_no_more_than_it_declares(reads, step: str):
    unknown = set()
    for record in reads[step]:
        declared = (*STEPS[step].reads, *record["declared"], *WITHOUT_EFFECT, *STEPS[step].without_effect)
        if any(name in path for path in STEPS[step].outputs.values() for name in ("{model}", "{forecaster}")):
            declared += (*BY_NAME, *HANDED_ON)
        if step == "measure_learning" or any("{dataset}" in path for path in STEPS[step].outputs.values()):
            # Which of the forecasters that it asks for are at hand.
            declared += (*BATCHES, *BY_NAME)
        if step == "list_models":
            declared += BY_NAME
        unknown |= {key for key in record["reads"] if not any(below(key, name) for name in declared)}
    assert not unknown


@pytest.mark.parametrize("step", sorted(of_rules()))
def test_it_declares_no_more_than_it_reads(reads, step: str):
    read = {key for record in reads[step] for key in record["reads"]}
    if read & set(FILTERS):  # in so few candidates none may get as far as the last filter
        read |= set(FILTERS)
    declared = {*STEPS[step].reads, *(name for record in reads[step] for name in record["declared"])}
    assert not {name for name in declared if not any(below(key, name) for key in read)}
