"""Benchmark files as Snakemake writes them, and an estimate against arithmetic and a counted forward pass."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from panda.analysis.costs import TrainingRun, UnitCosts, Workload, cost_table, estimate_cost, training_flops
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


def test_no_benchmarks_is_an_empty_table_with_its_columns() -> None:
    assert {"rule", "n_jobs", "wall_s", "cpu_s", "max_rss_mb", "share"} <= set(cost_table({}).columns)


@pytest.mark.parametrize(
    "text", ["", "a\tb\n1\t2\n", HEADER, HEADER + line(1.0, "1", "1").replace("1.0", "-", 1)]
)
def test_what_is_no_benchmark_is_refused_by_name(text: str) -> None:
    with pytest.raises(PandaError, match=r"rule/1\.tsv"):
        cost_table({"rule/1.tsv": text})


RUN = TrainingRun(
    name="panda",
    n_parameters=21_354_624,
    n_layers=8,
    d_model=512,
    n_steps=100_000,
    batch_size=1024,
    n_channels=3,
    n_patches=32,
)


def test_training_flops_of_the_paper_by_hand() -> None:
    """100,000 steps of 1024 windows of 3 x 32 tokens, 6 operations a parameter: 1.26e18 and the attention."""
    tokens = 100_000 * 1024 * 96
    attention = 3 * 4 * 8 * 512 * 35 * tokens
    assert training_flops(RUN) == pytest.approx(6 * 21_354_624 * tokens + attention)
    assert 1.26e18 < training_flops(RUN) < 1.30e18


def test_training_flops_against_counted_ones() -> None:
    """Forward and backward of an encoder of the same shape, counted by torch operation by operation."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    n_layers, d, n_channels, n_patches, batch = 2, 32, 3, 8, 2
    weights = [torch.nn.Parameter(torch.randn(d, d)) for _ in range(10 * n_layers)]

    def attend(x, q, k, v, o):
        scores = (x @ q) @ (x @ k).transpose(-1, -2)
        return (scores @ (x @ v)) @ o

    with FlopCounterMode(display=False) as counter:
        x = torch.randn(batch, n_channels, n_patches, d, requires_grad=True)
        for i in range(n_layers):
            w = weights[10 * i : 10 * i + 10]
            x = attend(x, *w[:4])
            x = attend(x.transpose(1, 2), *w[4:8]).transpose(1, 2)
            x = x @ w[8] @ w[9]
        x.sum().backward()
    run = dataclasses.replace(
        RUN,
        n_parameters=10 * n_layers * d * d,
        **{"n_layers": n_layers, "d_model": d, "n_steps": 1, "batch_size": batch},
        **{"n_channels": n_channels, "n_patches": n_patches},
    )
    assert training_flops(run) == pytest.approx(counter.get_total_flops(), rel=0.02)


WORKLOAD = Workload(
    n_candidates=1000,
    n_trajectories=100,
    n_points=4096,
    mean_dimension=3.5,
    training=(RUN,),
    n_head_calls=6000,
    head_call_parameters=21_354_624,
    head_call_patches=32,
    n_forecasts=500,
)
UNIT = UnitCosts(
    candidate_cpu_s=0.36,
    trajectory_cpu_s=0.72,
    forecast_cpu_s=0.0072,
    training_flops_per_s=1e14,
    inference_flops_per_s=1e13,
    training_on_gpu=True,
    n_cpus_per_gpu=4,
    candidate_bytes=2000.0,
    value_bytes=4.0,
    optimiser_values_per_parameter=2.0,
)


def estimated(workload: Workload = WORKLOAD, unit: UnitCosts = UNIT) -> pd.DataFrame:
    return estimate_cost(workload, unit).set_index("stage")


def test_estimate_by_hand() -> None:
    table = estimated()
    assert table.loc["search", "cpu_hours"] == pytest.approx(0.1)
    assert table.loc["integrate", "cpu_hours"] == pytest.approx(0.02)
    assert table.loc["integrate", "disk_gb"] == pytest.approx(100 * 4096 * 3.5 * 4 / 1e9)
    assert table.loc["train", "gpu_hours"] == pytest.approx(training_flops(RUN) / 1e14 / 3600)
    assert table.loc["train", "cpu_hours"] == pytest.approx(4 * table.loc["train", "gpu_hours"])
    assert table.loc["train", "disk_gb"] == pytest.approx(3 * 4 * 21_354_624 / 1e9)
    calls = 2 * 21_354_624 * 32 * 6000 / 1e13 / 3600
    assert table.loc["evaluate", "gpu_hours"] == pytest.approx(calls)
    assert table.loc["evaluate", "cpu_hours"] == pytest.approx(4 * calls + 0.001)
    np.testing.assert_allclose(table.loc["total"], table.drop(index="total").sum())


def test_without_a_gpu_all_hours_are_those_of_cores() -> None:
    table = estimated(unit=dataclasses.replace(UNIT, training_on_gpu=False))
    assert (table["gpu_hours"] == 0).all()
    assert table.loc["train", "cpu_hours"] == pytest.approx(estimated().loc["train", "gpu_hours"])


def test_twice_the_counts_cost_twice() -> None:
    counts = ("n_candidates", "n_trajectories", "n_head_calls", "n_forecasts")
    more = {name: 2 * getattr(WORKLOAD, name) for name in counts}
    double = dataclasses.replace(WORKLOAD, **more, training=(RUN, RUN))
    np.testing.assert_allclose(estimated(double), 2 * estimated())


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(PandaError, match="n_candidates is -1"):
        estimated(dataclasses.replace(WORKLOAD, n_candidates=-1))
    with pytest.raises(PandaError, match="training_flops_per_s"):
        estimated(unit=dataclasses.replace(UNIT, training_flops_per_s=0.0))
    with pytest.raises(PandaError, match="n_steps is nan"):
        estimated(dataclasses.replace(WORKLOAD, training=(dataclasses.replace(RUN, n_steps=float("nan")),)))
