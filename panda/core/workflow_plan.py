"""What a dry run says: jobs by rule, what each asks for, and why it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

# How Snakemake begins each part of a job's reason.
_HEADS = (
    "Forced execution",
    "Missing output files",
    "Incomplete output files",
    "Updated input files",
    "Input files updated by another job",
    "Set of input files has changed since last execution",
    "Code has changed since last execution",
    "Params have changed since last execution",
    "Software environment definition has changed since last execution",
)
_SHOWN, _WIDTH = 3, 120


class Planned(NamedTuple):
    """A job as a dry run tells of it."""

    rule: str
    title: str
    threads: int
    resources: Mapping[str, Any]
    reason: str


def plan_text(jobs: Sequence[Planned]) -> str:
    """The plan in a few lines a rule, in the order of the rules' first jobs."""
    rules: dict[str, list[Planned]] = {}
    for job in jobs:
        rules.setdefault(job.rule, []).append(job)
    return "\n".join(line for name, some in rules.items() for line in _rule_lines(name, some))


def _rule_lines(name: str, jobs: Sequence[Planned]) -> list[str]:
    asked = " or ".join(dict.fromkeys(_asked(job) for job in jobs))
    lines = [f"{name}: {len(jobs)} {'job' if len(jobs) == 1 else 'jobs'} ({asked})"]
    titles = _ordered(job.title for job in jobs if job.title != name)
    if titles:
        lines.append(f"    {_some(titles, '; ')}")
    return [*lines, *(f"    {why}" for why in _reasons(jobs))]


def _asked(job: Planned) -> str:
    """What a job asks for: `1 thread, 3000 MB, 240 min, 1 GPU`."""
    words = [f"{job.threads} {'thread' if job.threads == 1 else 'threads'}"]
    for key, unit in (("mem_mb", "MB"), ("runtime", "min"), ("gpu", "GPU")):
        if job.resources.get(key):
            words.append(f"{job.resources[key]} {unit}")
    return ", ".join(words)


def _reasons(jobs: Sequence[Planned]) -> list[str]:
    """Each reason once, with the number of jobs that have it and what the first of them says."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        parts = re.split(rf"(?:^|; )({'|'.join(_HEADS)})", job.reason)
        for head, detail in zip(parts[1::2], parts[2::2], strict=True):
            found.setdefault(head, []).append(detail.removeprefix(":").strip())
    lines = []
    for head, details in found.items():
        count = f" ({len(details)} of {len(jobs)})" if len(jobs) > 1 else ""
        text = f"{head[:1].lower()}{head[1:]}{count}"
        if head.startswith("Params"):
            lines += [text, *(f"    {line}" for line in _change(details[0]))]
        else:
            files = [file for detail in details for file in detail.split(", ") if file]
            lines.append(f"{text}: {_some(_ordered(files), ', ')}" if files else text)
    return lines


def _ordered(words: Iterable[str]) -> list[str]:
    """Each word once, shard 2 before shard 10."""
    return sorted(set(words), key=lambda word: [part.zfill(9) for part in re.split(r"(\d+)", word)])


def _some(words: Sequence[str], between: str) -> str:
    more = f"{between}and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"{between.join(_cut(words[:_SHOWN]))}{more}"


def _cut(words: Iterable[str]) -> list[str]:
    return [word if len(word) <= _WIDTH else f"{word[: _WIDTH - 3]}..." for word in words]


def _change(detail: str) -> list[str]:
    """Old and new value of what changed, from a little before the first place where they differ."""
    both = re.search(r"before: (.*?);?\s+now: (.*)", detail, re.DOTALL)
    if both is None:
        return _cut([" ".join(detail.split())])
    before, now = (" ".join(text.split()) for text in both.groups())
    differs = next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), 0)
    start = max(0, differs - _WIDTH // 2)
    lead = "..." if start else ""
    return [f"{word}: {lead}{_cut([text[start:]])[0]}" for word, text in (("before", before), ("now", now))]
