"""One live line for every long job: done, rate and time left."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Any, Self


class Progress:
    """Counts work done and says so: a rich bar on a terminal, a plain line now and then in a log.

    In a log (Snakemake jobs, CI) a line appears at most every `interval_s` seconds, and one at the end.
    Notes given to `advance` (`loss=0.31`) stand at the end of the line.
    """

    def __init__(self, total: int, description: str, unit: str, *, interval_s: float = 15.0) -> None:
        self.total, self.description, self.unit, self.interval_s = total, description, unit, interval_s
        self.done = 0
        self._notes: dict[str, Any] = {}
        self._bar: Any = None

    def __enter__(self) -> Self:
        self._start = self._last = time.monotonic()
        if sys.stderr.isatty() and not os.environ.get("CI"):
            self._bar = _rich_bar()
            self._bar.start()
            self._task = self._bar.add_task(self.description, total=self.total, unit=self.unit, notes="")
        return self

    def start_at(self, done: int) -> None:
        """Tell that `done` units were finished or made by an earlier run; they do not count in the rate."""
        self.done = self._resumed = done
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
        elif 0 < done < self.total:
            line = f"{self.description}: goes on after {done} of {self.total} {self.unit}"
            print(line, file=sys.stderr, flush=True)

    _resumed = 0

    def advance(self, n: int = 1, **notes: Any) -> None:
        """Count `n` more units; `notes` replaces what stands at the end of the line."""
        self.done += n
        self._notes.update(notes)
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, notes=self._note_text())
        elif time.monotonic() - self._last >= self.interval_s:
            self._print_line()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif kind is None and 0 < self._resumed == self.done == self.total:
            print(
                f"{self.description}: all {self.total} {self.unit} are there already",
                file=sys.stderr,
                flush=True,
            )
        else:
            self._print_line()

    def _note_text(self) -> str:
        return " ".join(
            f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in self._notes.items()
        )

    def _print_line(self) -> None:
        self._last = time.monotonic()
        elapsed = self._last - self._start
        rate = (self.done - self._resumed) / elapsed if elapsed > 0 else 0.0
        left = f"{(self.total - self.done) / rate:.0f} s left" if rate > 0 else "no rate yet"
        line = f"{self.description}: {self.done}/{self.total} {self.unit}, {rate:.3g}/s, {left}"
        notes = self._note_text()
        print(f"{line}  {notes}" if notes else line, file=sys.stderr, flush=True)


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[notes]}"),
        console=Console(stderr=True),
    )
