"""A run in short: one live line on a terminal, one line per job elsewhere, a plan by rule for `-n`.

It takes the place of Snakemake's handler for the terminal alone. The whole log is in `.snakemake/log/` as always, and on
the terminal with `--verbose` or `-p`; a `--logger` of the user's choice and `--quiet` are left as they are.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from panda.core.workflow_plan import Planned, plan_text

# Of Snakemake's messages without an event, those that say nothing to who has started it.
_NOISE = (
    r"Config file .* is extended",
    r"Assuming unrestricted shared filesystem",
    r"(Select jobs to execute|Execute \d+ jobs)",
    r"(Provided (cores|nodes|resources|remote nodes)|Rules claiming more threads|Using shell|host: )",
    r"Reasons:\n",
    r"Storing output in storage",
    r"\s*$",
)
# Of a cluster's, on a terminal: the live line counts them.
_SUBMITTED = r"(Job|Group job|Jobs) .* (has|have) been submitted"
_TAIL = 8


def install(settings: Any) -> None:
    """Replace Snakemake's handler by ours; `settings` are its output settings."""
    logger = logging.getLogger("snakemake.logging")
    if settings.quiet or settings.verbose or settings.debug_dag or settings.printshellcmds:
        return
    for handler in list(logger.handlers):
        if handler.name == "DefaultStreamHandler" and isinstance(handler, logging.StreamHandler):
            ours = WorkflowLog(handler.stream, dry_run=settings.dryrun)
            for known in handler.filters:
                ours.addFilter(known)
            logger.removeHandler(handler)
            logger.addHandler(ours)


class WorkflowLog(logging.Handler):
    """Writes short lines of Snakemake's log records; on a terminal with a live line below them."""

    def __init__(self, stream: TextIO, *, dry_run: bool = False) -> None:
        super().__init__()
        self.name = "PandaHandler"
        self.stream, self.dry_run = stream, dry_run
        self.progress = RunProgress()
        self._planned: list[Planned] = []
        self._told: set[int] = set()
        self._live: Any = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.text_of(record)
            if text:
                self._write(text)
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        self._end_live()
        super().close()

    def text_of(self, record: logging.LogRecord) -> str | None:
        """What is written of a record; None for nothing."""
        event = str(getattr(record, "event", None) or "message")
        tell = getattr(self, f"_{event}", None)
        return tell(record) if tell is not None else None

    def _message(self, record: logging.LogRecord) -> str | None:
        text = record.getMessage() if record.msg is not None else ""
        if record.levelno < logging.WARNING and any(re.match(noise, text) for noise in _NOISE):
            return None
        if self._live is not None and re.match(_SUBMITTED, text):
            return None
        if record.levelno >= logging.ERROR or text.startswith(("Complete log", "Nothing to be done")):
            self._end_live()
        return text

    def _error(self, record: logging.LogRecord) -> str | None:
        # The job's own line says it, with the end of its log.
        if "returned non-zero exit status" in str(record.msg):
            return None
        self._end_live()
        return str(record.msg)

    def _run_info(self, record: logging.LogRecord) -> str | None:
        if self._planned:
            return f"\n{plan_text(self._planned)}\n"
        self.progress.expect(record.stats)  # type: ignore[attr-defined]
        if not self.dry_run and self._on_terminal():
            self._begin_live()
            return None
        return str(record.msg)

    def _job_info(self, record: logging.LogRecord) -> str | None:
        job = record.__dict__
        title = job["rule_msg"] or job["rule_name"]
        if self.dry_run and job["shellcmd"]:
            resources = dict(job["resources"].items())
            self._planned.append(Planned(job["rule_name"], title, job["threads"], resources, job["reason"]))
        if self.dry_run:
            return None
        self.progress.begin(job["jobid"], job["rule_name"], title)
        return None if self._live is not None or not job["shellcmd"] else f"{_clock()} start: {title}"

    def _job_finished(self, record: logging.LogRecord) -> str | None:
        job = self.progress.finish(record.job_id)  # type: ignore[attr-defined]
        if job is None or self._live is not None:
            return None
        done = f"{self.progress.n_done} of {self.progress.n_jobs}"
        return f"{_clock()} done ({done}): {job.title}, {duration(job.seconds)}"

    def _job_error(self, record: logging.LogRecord) -> str | None:
        return self._failure(record.__dict__)

    def _group_error(self, record: logging.LogRecord) -> str | None:
        logs = list(record.aux_logs)  # type: ignore[attr-defined]
        lines = [
            self._failure({**job, "log": [*job["log"], *logs]})
            for job in record.job_error_info  # type: ignore[attr-defined]
        ]
        return "\n".join(lines)

    def _failure(self, job: dict[str, Any]) -> str:
        """A line that says which job failed, and the end of its log, once."""
        running = self.progress.fail(job["jobid"])
        lines = _tail(job["log"])
        word = "paused" if lines and lines[-1].startswith("paused:") else "failed"
        title = f"{running.title} ({job['rule_name']})" if running else job["rule_name"]
        line = f"{_clock()} {word}: {title}, log {', '.join(job['log']) or 'none'}"
        if running is None and job["jobid"] in self._told:
            return line  # Snakemake's repetition at the end
        self._told.add(job["jobid"])
        return "\n".join([line, *(f"    {text}" for text in lines)])

    def _on_terminal(self) -> bool:
        terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        return terminal and not os.environ.get("CI")

    def _begin_live(self) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self.stream)
        self._live = Live(self.progress, console=console, refresh_per_second=2, transient=True)
        self._live.start()
        atexit.register(self._end_live)

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._write(self.progress.done())

    def _write(self, text: str) -> None:
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            self.stream.write(f"{text}\n")
            self.stream.flush()


class Job:
    """A job that has started."""

    def __init__(self, rule: str, title: str) -> None:
        self.rule, self.title, self.start = rule, title, time.monotonic()
        self.seconds = 0.0


class RunProgress:
    """How far a run is; rendered by rich as its live line."""

    def __init__(self) -> None:
        self.n_jobs, self.n_done = 0, 0
        self._left: Counter[str] = Counter()
        self._running: dict[int, Job] = {}
        self._seconds: dict[str, list[float]] = {}
        self._failed: set[int] = set()

    def expect(self, stats: dict[str, int]) -> None:
        """Take the numbers of jobs by rule, with their `total`."""
        self._left = Counter({rule: n for rule, n in stats.items() if rule != "total"})
        self.n_jobs = stats.get("total", sum(self._left.values()))

    def begin(self, number: int, rule: str, title: str) -> None:
        """Count a job as running; one that had failed is tried again."""
        if number in self._failed:
            self._failed.remove(number)
            self._left[rule] += 1
        self._running[number] = Job(rule, title)

    def finish(self, number: int) -> Job | None:
        """Count a job as done; the job, if it was running."""
        job = self._running.pop(number, None)
        if job is not None:
            job.seconds = time.monotonic() - job.start
            self._seconds.setdefault(job.rule, []).append(job.seconds)
            self._left[job.rule] -= 1
            self.n_done += 1
        return job

    def fail(self, number: int) -> Job | None:
        """Count a running job as failed; the job, if it was running."""
        job = self._running.pop(number, None)
        if job is not None:
            self._left[job.rule] -= 1
            self._failed.add(number)
        return job

    def seconds_left(self) -> float | None:
        """From the mean durations of each rule's jobs, and of all jobs for rules of which none has ended."""
        known = [seconds for some in self._seconds.values() for seconds in some]
        if not known or not self._running:
            return None
        mean = sum(known) / len(known)
        means = {rule: sum(some) / len(some) for rule, some in self._seconds.items()}
        total = sum(n * means.get(rule, mean) for rule, n in self._left.items())
        now = time.monotonic()
        spent = sum(min(now - job.start, means.get(job.rule, mean)) for job in self._running.values())
        return max(0.0, total - spent) / len(self._running)

    def done(self) -> str:
        """`12 of 50 jobs done, 1 failed`."""
        failed = f", {len(self._failed)} failed" if self._failed else ""
        return f"{self.n_done} of {self.n_jobs} jobs done{failed}"

    def line(self) -> str:
        """`12 of 50 jobs done, 1 failed, 2 running, about 4 min left: Train panda; Train panda_mlm`."""
        left = self.seconds_left()
        words = "" if left is None else f", about {duration(left)} left"
        titles = "; ".join(job.title for job in self._running.values())
        return f"{self.done()}, {len(self._running)} running{words}{': ' if titles else ''}{titles}"

    def __rich__(self) -> Any:
        from rich.text import Text

        return Text(self.line(), no_wrap=True, overflow="ellipsis")


def duration(seconds: float) -> str:
    """Seconds in words: `8 s`, `4 min 10 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _clock() -> str:
    return time.strftime("%H:%M:%S")


def _tail(logs: list[str]) -> list[str]:
    """The last lines of the logs of a job that failed."""
    lines: list[str] = []
    for log in map(Path, logs):
        if log.is_file():
            lines += log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
    return lines
