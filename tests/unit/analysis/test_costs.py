"""Costs from benchmark files as Snakemake writes them."""

from __future__ import annotations

import numpy as np
import pytest

from panda.analysis.costs import cost_table, process_times
from panda.core.errors import PandaError

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def line(wall: float, rss: str, cpu: str) -> str:
    return f"{wall}\t0:00:10\t{rss}\t900.0\t100.0\t100.0\t0.0\t0.0\t99.0\t{cpu}\n"


def test_costs_add_up_by_rule() -> None:
    table = cost_table(
        {
            "search_candidates/0.tsv": HEADER + line(10.0, "200.0", "9.0"),
            "search_candidates/1.tsv": HEADER + line(20.0, "300.0", "19.0"),
            "train_model/panda.tsv": HEADER + line(60.0, "500.0", "100.0") + line(30.0, "400.0", "50.0"),
            "list_models.tsv": HEADER + line(0.2, "NA", "NA"),
        }
    ).set_index("rule")
    assert table.index.tolist() == ["train_model", "search_candidates", "list_models"]
    assert table.loc["search_candidates", ["n_jobs", "wall_s", "cpu_s", "max_rss_mb"]].tolist() == [
        2,
        30,
        28,
        300,
    ]
    assert table.loc["train_model", ["n_jobs", "wall_s", "cpu_s", "max_rss_mb"]].tolist() == [1, 90, 150, 500]
    assert np.isnan(table.loc["list_models", "cpu_s"]) and table.loc["list_models", "n_unmeasured"] == 1
    assert table["share"].sum() == pytest.approx(1.0)
    assert table.loc["train_model", "share"] == pytest.approx(90 / 120.2)


def test_records_have_the_cpu_time_that_samples_miss() -> None:
    def record(command: str, cpu: float | None) -> dict[str, object]:
        return {"command": ["panda", *command.split(), "--shard", "0"], "process_cpu_s": cpu}

    times = process_times(
        [
            record("discover search", 15.0),
            record("discover search", 16.5),
            record("train model", 95.0),
            record("discover check", 7.0),
            {"command": ["panda", "train", "list"]},
            {},
        ],
        {"discover search": "search_candidates", "train model": "train_model", "train list": "list_models"},
    )
    assert times == {"search_candidates": [15.0, 16.5], "train_model": [95.0]}
    table = cost_table(
        {
            "search_candidates/0.tsv": HEADER + line(16.0, "200.0", "3.0"),
            "search_candidates/1.tsv": HEADER + line(17.0, "200.0", "NA"),
            "train_model/panda.tsv": HEADER + line(50.0, "500.0", "80.0"),
            "train_model/other.tsv": HEADER + line(60.0, "500.0", "90.0"),
        },
        times,
    ).set_index("rule")
    assert table.loc["search_candidates", ["cpu_s", "n_unmeasured"]].tolist() == [31.5, 0]
    # One of two models has no record: both are taken from the samples.
    assert table.loc["train_model", "cpu_s"] == 170.0


def test_no_benchmarks_is_an_empty_table_with_its_columns() -> None:
    assert {"rule", "n_jobs", "wall_s", "cpu_s", "max_rss_mb", "share"} <= set(cost_table({}).columns)


@pytest.mark.parametrize(
    "text", ["", "a\tb\n1\t2\n", HEADER, HEADER + line(1.0, "1", "1").replace("1.0", "-", 1)]
)
def test_what_is_no_benchmark_is_refused_by_name(text: str) -> None:
    with pytest.raises(PandaError, match=r"rule/1\.tsv"):
        cost_table({"rule/1.tsv": text})
