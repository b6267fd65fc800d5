"""What the records of the jobs, their logs and their outputs show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Records = dict[str, dict[str, str]]
ON_GPU = (
    "train_model_wildcards_",
    "score_completions",
    "forecast_series_wildcards_test_panda",
    "forecast_series_wildcards_kuramoto_sivashinsky_panda",
)


@dataclass
class Check:
    """One thing to show: what was found, and whether anything contradicts it."""

    name: str
    shown: bool = True
    evidence: list[str] = field(default_factory=list)

    def note(self, holds: bool, found: str) -> None:
        """Note a finding that must hold."""
        self.shown &= bool(holds)
        self.evidence.append(found if holds else f"NOT SO: {found}")


def _of_rule(records: Records, start: str) -> Iterator[dict[str, str]]:
    """The records of a rule's jobs in the order of submission; the comment names rule and wildcards."""
    for _, record in sorted(records.items(), key=lambda item: int(item[0])):
        if record.get("Comment", "").startswith(f"rule_{start}"):
            yield record


def check_chain(code: int, records: Records, run: Path, toy: Path) -> Check:
    """The whole chain ran as batch jobs, and those and only those that compute with torch asked for a GPU."""
    check = Check("1 the chain as batch jobs")
    check.note(code == 0 and (run / "report.html").is_file(), "Snakemake ended well, the report is there")
    chain = [record for record in _of_rule(records, "") if "toy" not in record["Comment"]]
    wrong = [
        record["Comment"]
        for record in chain
        if record["Comment"].startswith(tuple(f"rule_{name}" for name in ON_GPU))
        != ("gpu:1" in record.get("TresPerJob", ""))
    ]
    n_gpu = sum("gpu:1" in record.get("TresPerJob", "") for record in chain)
    check.note(
        n_gpu > 0 and not wrong,
        f"{n_gpu} of {len(chain)} jobs asked for gres:gpu:1"
        + (f"; wrong: {', '.join(wrong)}" if wrong else ""),
    )
    for style in ("gpu", "gres"):
        visible = _text(toy / f"{style}.txt")
        asked = {"gpu": "TresPerJob", "gres": "TresPerNode"}[style]
        record = next(_of_rule(records, f"toy_see_{style}"), {})
        check.note(
            visible.isdigit() and record.get(asked) == "gres:gpu:1",
            f"`{style}`: {asked} is {record.get(asked)}, CUDA_VISIBLE_DEVICES in the job {visible or 'unknown'}",
        )
    return check


def check_array(records: Records) -> Check:
    """All shards of the search were tasks of one job array."""
    check = Check("2 one job array")
    tasks = [record for record in _of_rule(records, "search_candidates") if "ArrayJobId" in record]
    arrays = {record["ArrayJobId"] for record in tasks}
    done = all(record["JobState"] == "COMPLETED" for record in tasks)
    numbers = ", ".join(sorted(record["ArrayTaskId"] for record in tasks))
    check.note(
        len(arrays) == 1 and len(tasks) > 1 and done,
        f"search_candidates: array {', '.join(arrays) or 'none'}, tasks {numbers or 'none'}, all completed",
    )
    return check


def check_memory(code: int, records: Records, toy: Path) -> Check:
    """The first attempt was killed for its memory, the second had twice as much and ended well."""
    check = Check("3 retry with more memory")
    attempts = list(_of_rule(records, "toy_need_memory"))
    asked = [record.get("MinMemoryNode", "?") for record in attempts]
    states = [record["JobState"] for record in attempts]
    check.note(code == 0 and states[1:] == ["COMPLETED"] and asked == ["700M", "1400M"], f"{asked}: {states}")
    log = "".join(_text(path) for path in (toy / ".snakemake" / "slurm_logs").rglob("*.log"))
    killed = re.search(r"exceeded memory limit \(\d+ > \d+\)", log)
    check.note(killed is not None, f"slurmd said: {killed[0] if killed else 'nothing of memory'}")
    check.note(_text(toy / "grown.txt") == "1400", "the output is the second attempt's")
    return check


def check_pause(records: Records, run: Path, output: Path, model: str) -> Check:
    """Training stopped before its limit by itself, and the retry went on from where it had stopped."""
    check = Check("4 pause and resume")
    attempts = list(_of_rule(records, f"train_model_wildcards_{model}"))
    attempts = [record for record in attempts if record["Comment"].endswith(f"_{model}")]
    states = [f"{record['JobState']} of limit {record['TimeLimit']}" for record in attempts]
    check.note(
        [record["JobState"] for record in attempts] == ["FAILED", "COMPLETED"],
        f"jobs: {', then '.join(states)}",
    )
    paused = re.search(r"paused after step (\d+) of (\d+) \(the job's time limit is near\)", _text(output))
    check.note(paused is not None, f"first attempt: {paused[0] if paused else 'no pause in any log'}")
    log = _text(run / "logs" / "train_model" / f"{model}.log")
    resumed = re.search(r"goes on after (\d+) of (\d+)", log)
    check.note(
        paused is not None and resumed is not None and paused.groups() == resumed.groups(),
        f"second attempt: {resumed[0] if resumed else 'does not say that it resumes'}",
    )
    check.note((run / "train" / model / "model.safetensors").is_file(), "the weights are there")
    return check


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
