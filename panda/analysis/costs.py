"""What a run has cost, rule by rule, and what a preset will cost before it starts."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from panda.core.errors import PandaError

_HOUR_S = 3600.0
_GB = 1e9


def cost_table(benchmarks: Mapping[str, str]) -> pd.DataFrame:
    """Costs by rule from Snakemake's benchmark files.

    Args:
        benchmarks: text of each file by its path below the folder of benchmarks: `<rule>.tsv` or
            `<rule>/<wildcards>.tsv`. A file with several rows is a job that was repeated: its times add up.

    Returns:
        One row a rule, the dearest first: rule, n_jobs, wall_s (summed over jobs), cpu_s, max_rss_mb (largest
        job, MiB), share (of all wall time), n_unmeasured: jobs that ended before their CPU time and memory
        could be measured and are left out of these (NaN where that is all of them).

    Raises:
        PandaError: a file is no benchmark file.
    """
    jobs = [_read(path, text) for path, text in benchmarks.items()]
    if not jobs:
        return pd.DataFrame(columns=list(_COLUMNS))
    frame = pd.DataFrame(jobs)
    groups = frame.groupby("rule", sort=True)
    table = pd.DataFrame(
        {
            "n_jobs": groups.size(),
            "wall_s": groups["wall_s"].sum(),
            "cpu_s": groups["cpu_s"].sum(min_count=1),
            "max_rss_mb": groups["max_rss_mb"].max(),
            "n_unmeasured": groups["cpu_s"].agg(lambda values: int(values.isna().sum())),
        }
    ).reset_index()
    total = table["wall_s"].sum()
    table["share"] = table["wall_s"] / total if total > 0 else 0.0
    table = table.sort_values(["wall_s", "rule"], ascending=[False, True], ignore_index=True)
    return table[list(_COLUMNS)]


_COLUMNS = ("rule", "n_jobs", "wall_s", "cpu_s", "max_rss_mb", "share", "n_unmeasured")


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One model to train: what its floating-point operations depend on."""

    name: str
    n_parameters: int
    n_layers: int
    d_model: int
    n_steps: int
    batch_size: int
    n_channels: int
    n_patches: int


@dataclass(frozen=True, kw_only=True)
class Workload:
    """How much a preset asks for.

    `n_head_calls` counts calls of a model's head on one channel's context: windows times channels times
    ceil(horizon / prediction length), over all forecasters that are models. `n_forecasts` counts windows
    times forecasters that are not.
    """

    n_candidates: int
    n_trajectories: int
    n_points: int
    mean_dimension: float
    training: tuple[TrainingRun, ...]
    n_head_calls: int
    head_call_parameters: int
    head_call_patches: int
    n_forecasts: int


@dataclass(frozen=True, kw_only=True)
class UnitCosts:
    """What one piece of work costs on a machine; measure them there (the smoke preset's cost table will do).

    CPU seconds are those of one core. `training_flops_per_s` and `inference_flops_per_s` are sustained rates
    of the device that trains, not its peak; `training_on_gpu` says whether its hours are GPU or CPU hours,
    and `n_cpus_per_gpu` how many cores stand beside a GPU.
    """

    candidate_cpu_s: float
    trajectory_cpu_s: float
    forecast_cpu_s: float
    training_flops_per_s: float
    inference_flops_per_s: float
    training_on_gpu: bool
    n_cpus_per_gpu: int
    candidate_bytes: float
    value_bytes: float
    optimiser_values_per_parameter: float


def training_flops(run: TrainingRun) -> float:
    """Floating-point operations of a training run: forward and backward are three forward passes.

    One forward pass of one patch of one channel costs 2 operations a parameter (a multiplication and an
    addition), and 4 d_model a layer for each patch and each channel that its two attentions look at:

        3 * (2 n_parameters + 4 n_layers d_model (n_patches + n_channels)) * tokens,
        tokens = n_steps * batch_size * n_channels * n_patches.
    """
    tokens = float(run.n_steps) * run.batch_size * run.n_channels * run.n_patches
    attention = 4.0 * run.n_layers * run.d_model * (run.n_patches + run.n_channels)
    return 3.0 * (2.0 * run.n_parameters + attention) * tokens


def estimate_cost(workload: Workload, unit: UnitCosts) -> pd.DataFrame:
    """CPU hours, GPU hours and disk of a preset before it starts, linear in its counts.

    Returns:
        One row a stage (search, integrate, train, evaluate) and one for the total: stage, cpu_hours,
        gpu_hours, disk_gb. Hours are of one core and one GPU; a job on a GPU also holds n_cpus_per_gpu cores.
        Disk is what stays: catalogues, trajectories, and weights with the optimiser's state.

    Raises:
        PandaError: a count or a cost is negative, or a rate is not positive.
    """
    _check(workload, unit)
    train_s = sum(training_flops(run) for run in workload.training) / unit.training_flops_per_s
    # A head call reads n_patches tokens once, forward only.
    calls_s = (
        2.0
        * workload.head_call_parameters
        * workload.head_call_patches
        * workload.n_head_calls
        / unit.inference_flops_per_s
    )
    train_cpu_s, train_gpu_s = _on_device(train_s, unit)
    calls_cpu_s, calls_gpu_s = _on_device(calls_s, unit)
    stored = workload.n_trajectories * workload.n_points * workload.mean_dimension * unit.value_bytes
    n_weights = sum(run.n_parameters for run in workload.training)
    saved = n_weights * (1.0 + unit.optimiser_values_per_parameter) * unit.value_bytes
    rows = [
        (
            "search",
            workload.n_candidates * unit.candidate_cpu_s,
            0.0,
            workload.n_candidates * unit.candidate_bytes,
        ),
        ("integrate", workload.n_trajectories * unit.trajectory_cpu_s, 0.0, stored),
        ("train", train_cpu_s, train_gpu_s, saved),
        ("evaluate", calls_cpu_s + workload.n_forecasts * unit.forecast_cpu_s, calls_gpu_s, 0.0),
    ]
    rows.append(("total", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True))))
    return pd.DataFrame(
        [(stage, cpu / _HOUR_S, gpu / _HOUR_S, size / _GB) for stage, cpu, gpu, size in rows],
        columns=["stage", "cpu_hours", "gpu_hours", "disk_gb"],
    )


def _on_device(seconds: float, unit: UnitCosts) -> tuple[float, float]:
    return (seconds * unit.n_cpus_per_gpu, seconds) if unit.training_on_gpu else (seconds, 0.0)


def _read(path: str, text: str) -> dict[str, float | str]:
    """Rule, wall time, CPU time and largest memory of one benchmark file (`NA` or `-`: unmeasured)."""
    rows = pd.read_csv(io.StringIO(text), sep="\t", na_values=["-", "NA"]) if text.strip() else pd.DataFrame()
    missing = [name for name in ("s", "cpu_time", "max_rss") if name not in rows.columns]
    if missing or rows.empty:
        what = f"no column {missing[0]!r}" if missing else "no row"
        raise PandaError(
            f"{path}: not a benchmark file of Snakemake ({what}); delete it and run the job again"
        )
    numbers = rows[["s", "cpu_time", "max_rss"]].apply(pd.to_numeric, errors="coerce")
    if numbers["s"].isna().any():
        raise PandaError(f"{path}: a benchmark without a running time; delete it and run the job again")
    return {
        "rule": PurePosixPath(path).with_suffix("").parts[0],
        "wall_s": float(numbers["s"].sum()),
        "cpu_s": float(numbers["cpu_time"].sum(min_count=1)),
        "max_rss_mb": float(numbers["max_rss"].max()),
    }


def _check(workload: Workload, unit: UnitCosts) -> None:
    values: Sequence[tuple[str, object]] = [
        *vars(workload).items(),
        *vars(unit).items(),
        *(item for run in workload.training for item in vars(run).items()),
    ]
    for name, value in values:
        if isinstance(value, int | float) and not (np.isfinite(value) and value >= 0):
            raise PandaError(f"cost estimate: {name} is {value}; it must be finite and not negative")
    for name in ("training_flops_per_s", "inference_flops_per_s"):
        if getattr(unit, name) <= 0:
            raise PandaError(f"cost estimate: {name} must be positive")
