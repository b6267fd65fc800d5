"""The log of a training for TensorBoard: event files in a folder, beside the log that every training has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from panda.core.errors import PandaError


class Events:
    """Scalars by step, written by torch's `SummaryWriter`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, row: Mapping[str, float]) -> None:
        """Write a row of the log: its `step`, and a scalar for every other entry."""
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(f"train/{name}", value, int(row["step"]))


def check_tensorboard() -> None:
    """Refuse to log for TensorBoard without its package, before a training starts.

    Raises:
        PandaError: it is not installed.
    """
    if find_spec("tensorboard") is None:
        raise PandaError(
            "training: tensorboard is true, but the package 'tensorboard' is not installed; install it (pip install "
            "tensorboard), or set it to false"
        )


@contextmanager
def written(folder: str | Path | None, *, done: int) -> Iterator[Events | None]:
    """Events to `folder`, or none. What an interrupted run has written there after step `done` is taken back."""
    if folder is None:
        yield None
        return
    from torch.utils.tensorboard.writer import SummaryWriter

    with SummaryWriter(str(folder), purge_step=done + 1 if done else None) as writer:
        yield Events(writer)
