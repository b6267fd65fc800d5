"""Data-parallel training: processes that each take a part of every batch and average their gradients."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

from panda.core.errors import PandaError

_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together: rank 0 alone saves, logs and decides about pauses."""

    rank: int = 0
    n: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    def part(self, values: Tensor) -> Tensor:
        """This rank's share of a batch: one of `n` pieces of equal length."""
        return values.chunk(self.n)[self.rank]

    def average(self, gradients: Sequence[Tensor], *further: Tensor) -> list[Tensor]:
        """Replace gradients by their means over ranks; return the means of the further numbers.

        All go as one tensor: at the size of a small model, a message costs more to send than to fill.

        Raises:
            PandaError: another rank is gone.
        """
        if self.n == 1:
            return list(further)
        numbers = [number.reshape(1).to(gradients[0]) for number in further]
        flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), *numbers])
        try:
            dist.all_reduce(flat)
        except RuntimeError as error:
            line = str(error).splitlines()[0]
            raise PandaError(
                f"training: another of the {self.n} ranks is gone ({line}); the last saved state is kept, "
                "run the same command again"
            ) from error
        flat /= self.n
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
        return list(flat[start:].unbind())

    def check_same(self, step: int) -> None:
        """Refuse to go on from different states.

        Raises:
            PandaError: another rank has read a state of another step.
        """
        if self.n == 1:
            return
        found = torch.tensor([step, -step], dtype=torch.int64)
        if dist.get_backend() == "nccl":
            found = found.cuda()
        dist.all_reduce(found, op=dist.ReduceOp.MAX)
        if found[0] != -found[1]:
            raise PandaError(
                f"training: ranks go on from different states (steps {int(-found[1])} and {int(found[0])}); "
                "do all machines see the same state folder?"
            )


@contextmanager
def joined(n_ranks: int, *, device: str) -> Iterator[Ranks]:
    """The ranks that train together, this process among them.

    Where torchrun has started this process (RANK and WORLD_SIZE are set), these are its ranks. Else this process
    is rank 0 of `n_ranks`, and starts the others with its own command line; they end when it does.

    Raises:
        PandaError: fewer GPUs than ranks on this machine.
    """
    rank, world = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if rank is not None and world is not None:
        with _group(Ranks(int(rank), int(world)), device=device) as ranks:
            yield ranks
    elif n_ranks == 1:
        yield Ranks()
    else:
        if device == "cuda" and torch.cuda.device_count() < n_ranks:
            raise PandaError(
                f"train.ranks is {n_ranks}, but there are {torch.cuda.device_count()} GPUs here; ask for fewer ranks"
            )
        with _started(n_ranks, device=device) as ranks:
            yield ranks


def is_follower() -> bool:
    """Whether this process was started to help rank 0: it records and writes nothing."""
    return os.environ.get("RANK", "0") != "0"


@contextmanager
def _started(n_ranks: int, *, device: str) -> Iterator[Ranks]:
    # The store picks a free port, which the others are told: no two trainings on a machine collide.
    store = TCPStore(_HOST, 0, n_ranks, is_master=True, wait_for_workers=False)
    shared = {"WORLD_SIZE": str(n_ranks), "MASTER_ADDR": _HOST, "MASTER_PORT": str(store.port)}
    command = [sys.executable, "-m", "panda", *sys.argv[1:]]
    others = [
        subprocess.Popen(
            command,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for rank in range(1, n_ranks)
    ]
    try:
        with _group(Ranks(0, n_ranks), device=device, store=store) as ranks:
            yield ranks
    finally:
        for other in others:
            try:
                other.wait(timeout=_LAST_STEP_S)
            except subprocess.TimeoutExpired:
                other.kill()


# For the others to finish what they are at, once rank 0 has.
_LAST_STEP_S = 20.0


@contextmanager
def _group(ranks: Ranks, *, device: str, store: TCPStore | None = None) -> Iterator[Ranks]:
    backend = "nccl" if device == "cuda" else "gloo"
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if store is None and "MASTER_PORT" in os.environ and "TORCHELASTIC_RUN_ID" not in os.environ:
        store = TCPStore(_HOST, int(os.environ["MASTER_PORT"]), ranks.n, is_master=False)
    dist.init_process_group(backend, store=store, rank=ranks.rank, world_size=ranks.n)
    try:
        yield ranks
    finally:
        dist.destroy_process_group()
