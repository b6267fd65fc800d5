"""Published trajectories in the place of our own: imported, trained on, scored; and plans that say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda.core.files import read_table
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
RUN = Path("results/tiny")
TRAIN = ["Aizawa-pp0", "Lorenz-pp3", "Lorenz_Dadras-pp1", "Chua_Lorenz-pp0"]
TEST = ["Rossler-pp0", "Rossler_Lorenz-pp2", "Lorenz_SprottB-pp1", "Lorenz_Aizawa-pp0"]


def write_published(folder: Path, n_points: int = 4096) -> None:
    """A data set in the Hub's layout, of smooth noise, two initial conditions a system."""
    rng = np.random.default_rng(0)
    for split, systems in (("train", TRAIN), ("test", TEST)):
        rows = [(system, i) for system in systems for i in (1, 2)]
        series = [np.cumsum(rng.normal(size=(3, n_points)), axis=1).ravel() for _ in rows]
        table = pa.table(
            {
                "target": pa.array(series, pa.list_(pa.float32())),
                "target._np_shape": [[3, n_points]] * len(rows),
                "_source_directory": [system for system, _ in rows],
                "_source_filename": [f"{i}_T-{n_points}.arrow" for _, i in rows],
            }
        )
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")


def test_a_model_is_trained_and_scored_on_imported_data(fresh: Sandbox, tmp_path: Path):
    folder = tmp_path / "published data"
    write_published(folder)
    words = [
        "--config",
        f"integrate={{import_from: '{folder}'}}",
        "evaluate={forecasters: [panda, persistence]}",
    ]
    summary = RUN / "evaluate" / "test" / "summary.parquet"
    done = fresh.snakemake("--cores", "2", *words, "--", str(summary))
    assert "search_candidates" not in done.stdout and "compile_founders" not in done.stdout
    table = read_table(fresh.folder / summary)
    assert set(table["forecaster"]) == {"panda", "persistence"}
    smape = table[(table["metric"] == "smape") & (table["population"] == "all")]
    assert np.isfinite(smape["median"]).all()
    # Lorenz_Aizawa is in the publisher's test set without a held-out founder: it is neither trained nor tested on.
    scores = read_table(fresh.folder / RUN / "scores" / "test" / "_all.parquet")
    scores = scores[scores["forecaster"] == "persistence"]
    assert set(scores["name"]) == {"Rossler", "Rossler_Lorenz", "Lorenz_SprottB"}
    # No exponent and no time step is known: the valid time cannot be told in Lyapunov times, and says so.
    assert (
        scores["valid_time"].isna().all()
        and table.loc[table["metric"] == "valid_time", "median"].isna().all()
    )
    again = fresh.snakemake("-n", *words, "--", str(summary))
    assert "Nothing to be done" in again.stdout


def test_a_missing_folder_is_one_line(fresh: Sandbox):
    done = fresh.snakemake("-n", "--config", "integrate={import_from: nowhere}", check=False)
    assert done.returncode != 0
    assert "error: integrate.import_from: nowhere: no such folder" in done.stdout
    assert "Traceback" not in done.stdout
