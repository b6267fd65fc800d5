"""When to stop on purpose: a signal asks for it, or a batch job's time limit is near."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


def job_end() -> float | None:
    """When this batch job's time limit ends it, in Unix seconds; None outside a job or without a limit.

    SLURM says so in SLURM_JOB_END_TIME; older versions do not set it, and are asked with squeue.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if not job:
        return None
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    if end.isdigit():
        return float(end)
    try:
        answer = subprocess.run(
            ["squeue", "--noheader", "--job", job, "--format", "%L"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    left = re.fullmatch(r"(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+)", answer.strip())
    if left is None:
        # "UNLIMITED", "NOT_SET" and the like.
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in left.groups())
    return time.time() + ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class PauseWatch:
    """Notes SIGTERM, SIGUSR1 and SIGINT while it is entered, and knows how long a SLURM job may still run.

    A second Ctrl-C (SIGINT) does what it does elsewhere: it interrupts at once.

    The time limit counts inside a batch job only, see `job_end`. `margin_s` seconds before that end, work is
    to be paused; they must suffice for a step and for saving a state. Signals are noted when it is entered in
    the main thread (Python allows handlers nowhere else).
    """

    def __init__(self, *, margin_s: float) -> None:
        self._reason: str | None = None
        self._previous: dict[signal.Signals, Any] = {}
        end = job_end()
        self._deadline = None if end is None else end - margin_s

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._reason = signal.Signals(number).name
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, self._previous[signal.SIGINT])

    def reason(self) -> str | None:
        """Why to pause now ("SIGTERM", "SIGUSR1", "SIGINT", "the job's time limit is near"), or None to go on."""
        if self._reason is None and self._deadline is not None and time.time() >= self._deadline:
            self._reason = "the job's time limit is near"
        return self._reason
