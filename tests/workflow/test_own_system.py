"""A founder of the user's own and a held-out family, through the workflow: the catalogue, and what an edit reruns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from panda.core.files import read_table
from tests.conftest import ROOT
from tests.workflow.conftest import TINY
from tests.workflow.sandbox import Sandbox
from tests.workflow.test_reruns import planned

pytestmark = pytest.mark.workflow
CATALOGUE = Path("results/tiny/discover/catalogue.parquet")
DUPLICATES = Path("results/tiny/discover/duplicates.parquet")
NAME = "LotkaVolterra"
OVERLAY = f"""
discover:
  founders:
    own: [my_systems/{NAME}.py]
    names: [Aizawa, Chen, Chua, Halvorsen, Lorenz, RayleighBenard, Rossler, Thomas]
    held_out: [Rossler]
    held_out_families: [chen]
  search: {{n_pairs: 40, n_perturbations: 1, n_founder_perturbations: 1}}
  duplicates: {{n_calibration: 6}}
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, library_folder: Path) -> Sandbox:
    """The tiny chain's discovery, with the tutorial's founder beside a few of dysts', and the family of Chen held out."""
    folder = tmp_path_factory.mktemp("own")
    overlay = folder / "own.yaml"
    overlay.write_text(OVERLAY)
    sandbox = Sandbox(folder / "sandbox", TINY, overlay)
    text = (ROOT / "docs" / "own-system.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    (sandbox.folder / "my_systems").mkdir()
    (sandbox.folder / "my_systems" / f"{NAME}.py").write_text(block)
    sandbox.snakemake("--cores", "2", "--", str(DUPLICATES))
    return sandbox


def test_it_is_driver_response_and_perturbed(searched: Sandbox):
    catalogue = read_table(searched.folder / CATALOGUE)
    alone = catalogue[catalogue["name"] == NAME].set_index("perturbation")
    assert alone.loc[0, "accepted"] and alone.loc[0, "split"] == "train" and len(alone) == 2
    assert (catalogue["response"] == NAME).any()
    assert ((catalogue["driver"] == NAME) & (catalogue["response"] != "")).any()
    assert (catalogue.loc[catalogue["response"] == NAME, "dimension"] == 4).all()


def test_no_member_of_a_held_out_family_trains(searched: Sandbox):
    catalogue = read_table(searched.folder / CATALOGUE)
    held_out = {"Chen", "RayleighBenard", "Rossler"}
    touched = catalogue["driver"].isin(held_out) | catalogue["response"].isin(held_out)
    assert touched.any() and (catalogue.loc[touched, "split"] == "test").all()
    assert not (catalogue.loc[~touched, "split"] == "test").any()
    train = catalogue[catalogue["split"] == "train"]
    assert {"Lorenz", NAME} <= set(train["driver"])


def test_near_duplicates_are_counted_of_every_split(searched: Sandbox):
    counts = read_table(searched.folder / DUPLICATES)
    catalogue = read_table(searched.folder / CATALOGUE)
    n = catalogue[catalogue["accepted"]].groupby("split").size()
    whole = counts[(counts["criterion"] == "parameters") & (counts["family"] == "all")]
    assert whole.groupby("split")["n_systems"].first().to_dict() == n.to_dict()
    assert (searched.folder / DUPLICATES.with_name("nearest.parquet")).is_file()


def test_an_edit_reruns_the_discovery_and_a_comment_nothing(searched: Sandbox):
    path, target = searched.folder / "my_systems" / f"{NAME}.py", ("--", str(DUPLICATES))
    text = path.read_text()
    assert planned(searched, *target) == set()
    path.write_text(f"# a remark\n{text}")
    assert planned(searched, *target) == set()
    path.write_text(text.replace("0.72", "0.73"))
    rules = planned(searched, *target)
    assert {"compile_founders", "measure_founders", "search_candidates", "select_systems"} <= rules
    searched.snakemake("--cores", "2", "--", str(CATALOGUE))
    edited = read_table(searched.folder / CATALOGUE).set_index("system")
    assert edited.loc[f"{NAME}-pp0", "driver_parameters"][17] == 0.73
    path.write_text(text)


def test_a_broken_file_stops_a_dry_run_with_its_line(searched: Sandbox):
    path = searched.folder / "my_systems" / f"{NAME}.py"
    text = path.read_text()
    path.write_text(text + "\n)\n")
    done = searched.snakemake("-n", check=False)
    path.write_text(text)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert re.search(rf"my_systems/{NAME}\.py:\d+: not Python", done.stdout)
