"""Two generations, and their comparison with one, through the workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda.core.files import read_table
from tests.workflow.conftest import TINY
from tests.workflow.sandbox import Sandbox
from tests.workflow.test_reruns import planned

pytestmark = pytest.mark.workflow
RUN = Path("results/tiny")
OVERLAY = """
discover:
  search: {n_pairs: 48, n_perturbations: 4, n_founder_perturbations: 1, generations: 2}
  evolve:
    n_calibration: 2
    founder_share: 0.1
  comparison: {generations: 2, n_pairs: 24, n_pairs_evolved: 24, n_perturbations: 4, n_spectra: 3, seeds: [1, 2]}
  duplicates: {n_calibration: 4}
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, library_folder: Path) -> Sandbox:
    """The discovery of the tiny chain in two generations, and the comparison."""
    folder = tmp_path_factory.mktemp("generations")
    overlay = folder / "generations.yaml"
    overlay.write_text(OVERLAY)
    sandbox = Sandbox(folder / "sandbox", TINY, overlay)
    sandbox.snakemake("--cores", "2", "--", "systems", "evolution")
    return sandbox


def test_half_of_the_candidates_are_bred(sandbox: Sandbox):
    catalogue = read_table(sandbox.folder / RUN / "discover" / "catalogue.parquet")
    skew = catalogue[catalogue["population"] == "skew"]
    assert skew["generation"].value_counts().to_dict() == {1: 96, 2: 96}
    assert skew["system"].is_unique
    # Some candidates of the first generation became parents: chaotic by what the search knew, before any was followed.
    bred = skew[skew["parents"] != ""]
    parents = set(" ".join(bred["parents"]).split())
    accepted = skew[skew["passes_positive_exponent"] & (skew["generation"] == 1)]
    assert parents and parents <= set(accepted["system"])
    for row in bred.itertuples():
        splits = set(accepted.set_index("system").loc[row.parents.split(), "split"])
        assert len(splits) == 1, row.system


def test_methods_are_compared_by_seed(sandbox: Sandbox):
    table = read_table(sandbox.folder / RUN / "discover" / "evolution.parquet")
    assert sorted(zip(table["method"], table["seed"], strict=True)) == [
        ("evolution", 1),
        ("evolution", 2),
        ("one_generation", 1),
        ("one_generation", 2),
    ]
    assert (table["n_accepted"] > 0).all() and table["budget_cpu_s"].nunique() == 1
    assert table["dimension_spread"].gt(0).all() and table["confirmed"].gt(0).any()
    assert (sandbox.folder / RUN / "figures" / "evolution.pdf").stat().st_size > 1000


def test_what_parents_are_chosen_by_breeds_again_and_searches_no_first_generation(sandbox: Sandbox):
    rules = planned(sandbox, "--config", "discover={evolve: {tournament_size: 2}}", "--", "systems")
    assert rules == {"breed_candidates", "search_bred", "follow_bred", "select_systems", "systems"}


def test_what_only_the_comparison_reads_searches_nothing_again(sandbox: Sandbox):
    rules = planned(sandbox, "--config", "discover={comparison: {n_draws: 3}}", "--", "evolution")
    assert rules == {"compare_searches", "draw_figure", "evolution"}
