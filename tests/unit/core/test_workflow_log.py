"""What a person and a log see of Snakemake's run."""

from __future__ import annotations

import io
import logging
import os
import pty
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from panda.core.workflow_log import RunProgress, WorkflowLog, duration
from panda.core.workflow_plan import Planned, plan_text

STATS = {"search_candidates": 2, "train_model": 1, "total": 3}


def record(event: LogEvent | None, message: str | None = None, level: int = logging.INFO, **fields: Any):
    made = logging.LogRecord("snakemake.logging", level, __file__, 1, message, (), None)
    made.__dict__.update(fields)
    if event is not None:
        made.event = event
    return made


def started(number: int, rule: str, title: str | None, command: str | None = "python -m panda"):
    fields = {"jobid": number, "rule_name": rule, "rule_msg": title, "shellcmd": command, "threads": 1}
    return record(LogEvent.JOB_INFO, f"Rule: {rule}", resources={"mem_mb": 3000}, reason="", **fields)


def failed(number: int, rule: str, log: Path):
    fields = {"jobid": number, "rule_name": rule, "log": [str(log)]}
    return record(LogEvent.JOB_ERROR, f"Error in rule {rule}", logging.ERROR, **fields)


def run(stream: Any, log: Path) -> WorkflowLog:
    """The records of a run of three jobs, of which one fails."""
    handler = WorkflowLog(stream)
    for one in (
        record(None, "Assuming unrestricted shared filesystem usage."),
        record(LogEvent.WORKFLOW_STARTED, "Workflow has started!"),
        record(LogEvent.RUN_INFO, "Job stats:\ntotal  3", stats=STATS),
        record(None, "Select jobs to execute..."),
        started(1, "search_candidates", "Search shard 0 of the candidates"),
        started(2, "train_model", "Train panda"),
        record(LogEvent.JOB_FINISHED, "Finished jobid: 1", job_id=1),
        record(LogEvent.PROGRESS, done=1, total=3),
        failed(2, "train_model", log),
        record(
            LogEvent.ERROR, "CalledProcessError: 'set -e' returned non-zero exit status 1.", logging.ERROR
        ),
        started(0, "all", None, None),
        record(LogEvent.JOB_FINISHED, "Finished jobid: 0", job_id=0),
        failed(2, "train_model", log),
        record(None, "Complete log(s): x.log"),
    ):
        handler.handle(one)
    handler.close()
    return handler


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "panda.log"
    path.write_text("\n".join([*map(str, range(30)), "error: no space left on the disk"]))
    return path


def test_a_log_has_a_short_line_a_job(log: Path):
    stream = io.StringIO()
    run(stream, log)
    lines = [line[9:] if line[2:3] == ":" else line for line in stream.getvalue().splitlines()]
    assert lines[:6] == [
        "Job stats:",
        "total  3",
        "start: Search shard 0 of the candidates",
        "start: Train panda",
        "done (1 of 3): Search shard 0 of the candidates, 0 s",
        f"failed: Train panda (train_model), log {log}",
    ]
    # The end of the job's log once, and what follows.
    assert lines[6:14] == [*(f"    {n}" for n in range(23, 30)), "    error: no space left on the disk"]
    assert lines[-1] == "Complete log(s): x.log" and not any("exit status" in line for line in lines)
    assert stream.getvalue().count("no space left") == 1


def test_work_that_pauses_has_not_failed(log: Path):
    log.write_text("train panda: 5/9 steps\npaused: after step 5 of 9\n")
    stream = io.StringIO()
    run(stream, log)
    assert "paused: Train panda (train_model)" in stream.getvalue() and "failed:" not in stream.getvalue()


def shown_on_a_terminal(log: Path) -> str:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        run(terminal, log)
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(master)
    return text.decode()


def test_a_terminal_has_one_live_line(log: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CI", raising=False)
    text = shown_on_a_terminal(log)
    assert "start:" not in text and "done (" not in text and "Job stats" not in text
    assert "failed: Train panda (train_model)" in text and "no space left on the disk" in text
    assert "2 of 3 jobs done, 1 failed\r\n" in text and "Complete log(s)" in text


@pytest.mark.parametrize("variable", [("CI", "true"), ("TERM", "dumb")])
def test_ci_and_dumb_terminals_have_plain_lines(log: Path, monkeypatch, variable: tuple[str, str]):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv(*variable)
    text = shown_on_a_terminal(log)
    assert "start: Train panda" in text and "\x1b" not in text


def test_the_live_line_counts_and_estimates(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = RunProgress()
    progress.expect({"a": 3, "b": 2, "total": 5})
    progress.begin(1, "a", "Job 1")
    assert progress.line() == "0 of 5 jobs done, 1 running: Job 1"
    now[0] = 60.0
    progress.finish(1)
    progress.begin(2, "a", "Job 2")
    progress.begin(3, "b", "Job 3")
    # Two of a and two of b, a minute each, two at a time.
    assert progress.line() == "1 of 5 jobs done, 2 running, about 2 min 0 s left: Job 2; Job 3"
    progress.fail(3)
    assert progress.line() == "1 of 5 jobs done, 1 failed, 1 running, about 3 min 0 s left: Job 2"


def test_a_job_that_is_tried_again_has_not_failed(log: Path):
    stream = io.StringIO()
    handler = WorkflowLog(stream)
    handler.handle(record(LogEvent.RUN_INFO, "Job stats:", stats=STATS))
    for _ in range(2):
        handler.handle(started(2, "train_model", "Train panda"))
        handler.handle(failed(2, "train_model", log))
    assert stream.getvalue().count("no space left") == 2
    assert handler.progress.done() == "0 of 3 jobs done, 1 failed"
    handler.handle(started(2, "train_model", "Train panda"))
    handler.handle(record(LogEvent.JOB_FINISHED, "Finished jobid: 2", job_id=2))
    assert handler.progress.done() == "1 of 3 jobs done"


@pytest.mark.parametrize(("seconds", "words"), [(8.4, "8 s"), (250, "4 min 10 s"), (7500, "2 h 5 min")])
def test_durations(seconds: float, words: str):
    assert duration(seconds) == words


def planned(rule: str, shard: int, reason: str) -> Planned:
    return Planned(rule, f"Search shard {shard}", 1, {"mem_mb": 3000, "runtime": 240}, reason)


def test_a_plan_is_a_few_lines_a_rule():
    reason = "Missing output files: {}.parquet; Input files updated by another job: measures.parquet"
    jobs = [planned("search_candidates", n, reason.format(n)) for n in range(64)]
    assert plan_text(jobs).splitlines() == [
        "search_candidates: 64 jobs (1 thread, 3000 MB, 240 min)",
        "    Search shard 0; Search shard 1; Search shard 2; and 61 more",
        "    missing output files (64 of 64): 0.parquet, 1.parquet, 2.parquet, and 61 more",
        "    input files updated by another job (64 of 64): measures.parquet",
    ]


def test_a_changed_value_is_shown_where_it_differs():
    long = ", ".join(f"'key_{n}': {n}" for n in range(500))
    reason = (
        "Code has changed since last execution; Params have changed since last execution: Union of exclusive params "
        f"before and now across all output: before: {{{long}, 'min': 0.01}} now: {{{long}, 'min': 0.05}} "
    )
    lines = plan_text([planned("select_systems", 0, reason)]).splitlines()
    assert lines[2:4] == [
        "    code has changed since last execution",
        "    params have changed since last execution",
    ]
    assert lines[4].startswith("        before: ...") and lines[4].endswith("'min': 0.01}")
    assert lines[5].startswith("        now: ...") and lines[5].endswith("'min': 0.05}")
    assert max(map(len, lines)) < 200
