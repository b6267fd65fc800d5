"""Commands of `panda` as processes, each with a log, within the time that is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gpu.machine import environment
from panda.core.errors import PandaError

# Of `panda`, for work that was paused with its state saved.
PAUSED = 75


class Clock:
    """The minutes of one call: all of them, less those kept for its end."""

    def __init__(self, minutes: float, *, reserve: float) -> None:
        self._began = time.monotonic()
        self._end = self._began + 60 * (minutes - reserve)

    @property
    def spent_s(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self._began

    @property
    def left_s(self) -> float:
        """Seconds that are left for work, 0 at least."""
        return max(0.0, self._end - time.monotonic())


@dataclass(frozen=True)
class Job:
    """A command of `panda`, by its words, and the log of what it says."""

    words: Sequence[str]
    log: Path

    def run(self, *, limit_s: float | None = None, grace_s: float = 120.0) -> bool:
        """Run it; whether it came to its end.

        After `limit_s` seconds it is asked to pause (SIGTERM), and `grace_s` seconds later it is killed.

        Raises:
            PandaError: it failed; the last line of its log says why.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "panda", *self.words], env=environment(), stdout=log, stderr=log
            )
            try:
                code = _wait(process, limit_s, grace_s)
            finally:
                # Ctrl-C, or an error of our own: no training goes on unseen.
                if process.poll() is None:
                    process.kill()
        if code in (PAUSED, -signal.SIGTERM, -signal.SIGKILL) and limit_s is not None:
            return False
        if code:
            lines = [line for line in self.log.read_text(encoding="utf-8").splitlines() if line.strip()]
            reason = lines[-1].removeprefix("error: ") if lines else f"exit code {code}"
            raise PandaError(f"`panda {' '.join(self.words[:2])}` failed: {reason} (log: {self.log})")
        return True


def _wait(process: subprocess.Popen[bytes], limit_s: float | None, grace_s: float) -> int:
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def run_all(jobs: Iterable[Job], *, cores: int, clock: Clock | None = None) -> int:
    """Run jobs side by side, as many as there are cores; the number that was not begun because time was over.

    Raises:
        PandaError: one failed; those that had begun are waited for.
    """

    def run(job: Job) -> bool:
        if clock is not None and clock.left_s == 0:
            return False
        return job.run()

    with ThreadPoolExecutor(cores) as pool:
        return sum(not done for done in pool.map(run, jobs))
