"""What a run has cost, rule by rule."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from panda.core.errors import PandaError


def process_times(
    records: Iterable[Mapping[str, Any]], commands: Mapping[str, str]
) -> dict[str, list[float]]:
    """CPU seconds of whole processes by rule, from provenance records.

    Args:
        records: provenance records; those of other commands, or without `process_cpu_s`, do not count.
        commands: the rule by the words of its command, `discover search` for one.
    """
    times: dict[str, list[float]] = {}
    for record in records:
        rule = commands.get(" ".join(map(str, record.get("command", [])[1:3])))
        if rule and "process_cpu_s" in record:
            times.setdefault(rule, []).append(float(record["process_cpu_s"]))
    return times


def cost_table(
    benchmarks: Mapping[str, str], measured: Mapping[str, Sequence[float]] | None = None
) -> pd.DataFrame:
    """Costs by rule from Snakemake's benchmark files.

    Args:
        benchmarks: text of each file by its path below the folder of benchmarks: `<rule>.tsv` or
            `<rule>/<wildcards>.tsv`. A file with several rows is a job that was repeated: its times add up.
        measured: `process_times`. Where it has all jobs of a rule it is their CPU time. Snakemake's own, taken
            otherwise, is a sample every half minute, and misses what a job did after the last. Of a job that was
            killed and went on, a record knows the last process only, as the benchmark file does.

    Returns:
        One row a rule, the dearest first: rule, n_jobs, wall_s (summed over jobs), cpu_s, max_rss_mb (largest
        job, MiB), share (of all wall time), n_unmeasured: jobs that ended before their CPU time could be
        measured and are left out of it (NaN where that is all of them; so is the memory).

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
    for row, rule in enumerate(table["rule"]):
        times = (measured or {}).get(rule, [])
        if len(times) >= table.loc[row, "n_jobs"]:
            table.loc[row, "cpu_s"] = sum(times)
            table.loc[row, "n_unmeasured"] = 0
    total = table["wall_s"].sum()
    table["share"] = table["wall_s"] / total if total > 0 else 0.0
    table = table.sort_values(["wall_s", "rule"], ascending=[False, True], ignore_index=True)
    return table[list(_COLUMNS)]


_COLUMNS = ("rule", "n_jobs", "wall_s", "cpu_s", "max_rss_mb", "share", "n_unmeasured")


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
