"""The same results, bit for bit, whatever the shards and cores."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda.core.digest import sha256
from panda.core.files import read_json, read_table
from panda.core.provenance import record_path
from panda.data.store import TrajectoryStore
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
CATALOGUE = Path("results/tiny/discover/catalogue.parquet")
# Files that say when, for how long or with what settings something ran, and those that are shards.
OF_THE_CALL = ("config.yaml", "report.html", "*.provenance.json", "costs.*")
SHARDS = ("discover/candidates/*", "discover/followed/*", "integrate/*/*")
FOLDERS = {"benchmarks", "config", "logs", "state"}
# Tables that say it in some columns; they are compared without those, and without their copies for people.
TIMED = ("train/*/log.parquet", "train/models.parquet")
TIMES = ["samples_per_s", "tflops_per_s", "mfu", "wall_s"]


def test_shards_and_cores_do_not_matter_to_the_catalogue(fresh: Sandbox, finished: Sandbox):
    fresh.snakemake("--cores", "1", "--config", "discover={search: {n_shards: 1}}", "--", str(CATALOGUE))
    assert sha256(fresh.folder / CATALOGUE) == sha256(finished.folder / CATALOGUE)


def test_shards_and_cores_do_not_matter_to_any_stage(fresh: Sandbox, finished: Sandbox):
    assert finished.config().integrate.n_shards == 1
    shards = ("discover={search: {n_shards: 7}}", "integrate={n_shards: 3}")
    fresh.snakemake("--cores", "1", "--config", *shards)
    for split in ("train", "test"):
        paths = list((fresh.folder / f"results/tiny/integrate/{split}").glob("*.arrow"))
        assert len(paths) == 3 and sum(len(TrajectoryStore.open(path)) > 0 for path in paths) > 1
    assert contents(fresh) == contents(finished)


def contents(sandbox: Sandbox) -> dict[str, str]:
    """Digests of what a run computed, by file."""
    run = sandbox.folder / "results" / "tiny"
    found = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        name = path.relative_to(run)
        skipped = any(name.match(pattern) for pattern in (*OF_THE_CALL, *SHARDS))
        if skipped or name.parts[0] in FOLDERS:
            continue
        if not any(name.with_suffix(".parquet").match(pattern) for pattern in TIMED):
            found[str(name)] = sha256(path)
        elif name.suffix == ".parquet":
            found[str(name)] = read_table(path).drop(columns=TIMES, errors="ignore").to_csv()
    assert {"train/panda/model.safetensors", "evaluate/test/summary.parquet", "figures/forecasts.png"} <= set(
        found
    )
    return found


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
    for result in (
        "discover/catalogue.parquet",
        "train/panda/model.safetensors",
        "evaluate/test/summary.parquet",
    ):
        path = finished.folder / "results/tiny" / result
        record = read_json(record_path(path))
        assert record["outputs"][path.name] == sha256(path)
        assert record["config_hash"] and record["code_version"] and record["inputs"]
        assert (finished.folder / f"results/tiny/config/{record['whole_config']}.yaml").is_file()


def test_costs_are_the_cpu_times_of_the_processes(finished: Sandbox):
    run = finished.folder / "results" / "tiny"
    table = read_table(run / "costs.parquet").set_index("rule")
    for rule, command in (("search_candidates", ["discover", "search"]), ("train_model", ["train", "model"])):
        records = [read_json(path) for path in run.rglob("*.provenance.json")]
        times = [one["process_cpu_s"] for one in records if one["command"][1:3] == command]
        assert len(times) == table.loc[rule, "n_jobs"] and table.loc[rule, "n_unmeasured"] == 0
        assert table.loc[rule, "cpu_s"] == pytest.approx(sum(times)), rule
