"""The same catalogue, bit for bit, whatever the shards and cores."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda.core.files import read_json, read_table
from panda.core.provenance import record_path, sha256
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
CATALOGUE = Path("results/tiny/discover/catalogue.parquet")


@pytest.mark.parametrize(("n_shards", "cores"), [(1, 1), (7, 2)])
def test_shards_and_cores_do_not_matter(fresh: Sandbox, finished: Sandbox, n_shards: int, cores: int):
    shards = f"discover={{search: {{n_shards: {n_shards}}}}}"
    fresh.snakemake("--cores", str(cores), "--config", shards, "--", str(CATALOGUE))
    assert sha256(fresh.folder / CATALOGUE) == sha256(finished.folder / CATALOGUE)


def test_spectra_do_not_depend_on_their_shards(fresh: Sandbox):
    table = fresh.folder / "results/tiny/discover/spectra.parquet"
    found = []
    for n_shards in (1, 3):
        shards = f"discover={{spectrum: {{n_shards: {n_shards}}}}}"
        done = fresh.snakemake("--cores", "1", "--config", shards, "--", "spectra")
        found.append(sha256(table))
        assert len(list(table.with_suffix("").glob("*.parquet"))) >= n_shards
    # The search was not run again for it.
    assert "Search shard" not in done.stdout
    assert found[0] == found[1]
    assert (fresh.folder / "results/tiny/figures/spectra.png").is_file()


def test_no_held_out_founder_reaches_training(finished: Sandbox):
    from panda.core.files import read_table
    from panda.data.store import TrajectoryStore

    config = finished.config()
    held_out = set(config.discover.founders.held_out)
    validation = set(config.discover.founders.validation)
    catalogue = read_table(finished.folder / CATALOGUE)
    train = catalogue[catalogue["split"] == "train"]
    assert len(train)
    assert not (set(train["driver"]) | set(train["response"])) & (held_out | validation)
    stored = TrajectoryStore.open(finished.folder / "results/tiny/integrate/train/0.arrow").table
    assert len(stored)
    assert not (set(stored["driver"]) | set(stored["response"])) & (held_out | validation)
    test = catalogue[catalogue["split"] == "test"]
    assert all({row.driver, row.response} & held_out for row in test.itertuples())


def test_every_result_has_a_provenance_record(finished: Sandbox):
    for result in ("discover/catalogue.parquet", "train/panda/model.safetensors", "evaluate/summary.parquet"):
        path = finished.folder / "results/tiny" / result
        record = read_json(record_path(path))
        assert record["outputs"][path.name] == sha256(path)
        assert record["config_hash"] and record["code_version"] and record["inputs"]


def test_costs_are_the_cpu_times_of_the_processes(finished: Sandbox):
    run = finished.folder / "results" / "tiny"
    table = read_table(run / "costs.parquet").set_index("rule")
    for rule, command in (("search_candidates", ["discover", "search"]), ("train_model", ["train", "model"])):
        records = [read_json(path) for path in run.rglob("*.provenance.json")]
        times = [one["process_cpu_s"] for one in records if one["command"][1:3] == command]
        assert len(times) == table.loc[rule, "n_jobs"] and table.loc[rule, "n_unmeasured"] == 0
        assert table.loc[rule, "cpu_s"] == pytest.approx(sum(times)), rule
