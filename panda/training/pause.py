"""When to stop on purpose: a signal asks for it, or a batch job's time limit is near."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class PauseWatch:
    """Notes SIGTERM and SIGUSR1 while it is entered, and knows how long a SLURM job may still run.

    The time limit counts inside a batch job only: SLURM_JOB_ID and SLURM_JOB_END_TIME (Unix seconds) are
    both set. `margin_s` seconds before that end, work is to be paused; they must suffice for a step and for
    saving a state. Signals are noted when it is entered in the main thread (Python allows handlers nowhere
    else).
    """

    def __init__(self, *, margin_s: float) -> None:
        self._reason: str | None = None
        self._previous: dict[signal.Signals, Any] = {}
        end = os.environ.get("SLURM_JOB_END_TIME", "")
        self._deadline: float | None = None
        if os.environ.get("SLURM_JOB_ID") and end.isdigit():
            self._deadline = int(end) - margin_s

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

    def reason(self) -> str | None:
        """Why to pause now ("SIGTERM", "SIGUSR1", "the job's time limit is near"), or None to go on."""
        if self._reason is None and self._deadline is not None and time.time() >= self._deadline:
            self._reason = "the job's time limit is near"
        return self._reason
