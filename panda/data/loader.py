"""Batches made ahead, by processes beside the one that trains."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from panda.core.errors import PandaError
from panda.data.windows import TrainingWindows

# Batches that each process has ready, or at work.
_AHEAD = 2


class _Steps(Dataset[Tensor | PandaError]):
    """The batch of every step, by its number; or what is wrong, which crosses processes as a value."""

    def __init__(self, windows: TrainingWindows) -> None:
        self._windows = windows

    def __getitem__(self, step: int) -> Tensor | PandaError:
        try:
            return torch.from_numpy(self._windows.batch(step))
        except PandaError as error:
            return error


def batches_of(
    windows: TrainingWindows, steps: Sequence[int], *, n_loaders: int
) -> Generator[Float[Tensor, "batch time channel"], None, None]:
    """The batches of these steps, in their order.

    With `n_loaders` processes several are made at the same time, without any each when it is asked for. A batch is a
    function of (seed, step), so the number of processes changes no bit of it. They are forks of this process: the
    trajectories, mapped from their files, and the moments are there without a copy. Ask for batches in a thread beside
    the main one: there, torch would have a lost process raise wherever the training just is.

    Raises:
        PandaError: a process is gone, or the windows cannot be made.
    """
    source = _Steps(windows)
    made: Iterator[Tensor | PandaError] = map(source.__getitem__, steps)
    if n_loaders:
        made = iter(
            DataLoader(
                source,
                batch_size=None,
                sampler=steps,
                num_workers=n_loaders,
                prefetch_factor=_AHEAD,
                multiprocessing_context="fork",
                worker_init_fn=_leave_signals_to_the_trainer,
                # Its own, so that none is drawn from torch's common stream.
                generator=torch.Generator(),
            )
        )
    try:
        for _ in steps:
            batch = _next(made)
            if isinstance(batch, PandaError):
                raise batch
            yield batch
    finally:
        del made  # ends the processes, also where a traceback keeps this frame


def _next(made: Iterator[Tensor | PandaError]) -> Tensor | PandaError:
    try:
        return next(made)
    except RuntimeError as error:
        line = (str(error).splitlines() or ["no reason given"])[0]
        raise PandaError(
            f"training: a process that makes batches is gone ({line}); the last saved state is kept, run the same "
            "command again, with fewer train.loaders if memory is short"
        ) from error


def _leave_signals_to_the_trainer(_: int) -> None:
    """Ctrl-C and a batch system's signals reach all processes of a job; the training pauses, and ends its loaders.

    SIGTERM counts if the training sends it: a thread waits for it, because a handler would not learn who did.
    """
    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    threading.Thread(target=_end_with_the_trainer, args=(os.getppid(),), daemon=True).start()


def _end_with_the_trainer(trainer: int) -> None:
    while signal.sigwaitinfo([signal.SIGTERM]).si_pid != trainer:
        pass
    os._exit(0)
