"""Two processes that share every batch: the training of one, to rounding."""

import multiprocessing
import os
import socket
from pathlib import Path

import pytest
import torch

from panda.config.load import load_config
from panda.core.errors import PandaError, Paused
from panda.training.checkpoint import StateFolder
from panda.training.ranks import Ranks, joined
from tests.unit.training import tiny
from tests.unit.training.test_loop import StopAt

# Muon's bfloat16 would make of a last bit of a gradient one in 256 of a step.
EXACT = {"recipe": tiny.recipe(optimiser="adamw"), "precision": "float32"}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _work(rank: int, port: int, store_path: Path, folder: Path, head: str, stop_after: int | None) -> None:
    """One rank, as torchrun would start it."""
    os.environ |= {
        "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "test",
    }  # fmt: skip
    torch.set_num_threads(1)
    with joined(2, device="cpu") as ranks:
        pause = None if stop_after is None else StopAt(stop_after)
        try:
            trained = tiny.run_whole(store_path, folder, head=head, ranks=ranks, pause=pause, **EXACT)
        except Paused:
            return
        torch.save(trained.model.state_dict(), folder / f"rank{rank}.pt")


def _together(
    store_path: Path, folder: Path, *, head: str = "forecast", stop_after: int | None = None
) -> list:
    folder.mkdir(exist_ok=True)
    port, context = _free_port(), multiprocessing.get_context("spawn")
    ranks = [
        context.Process(target=_work, args=(rank, port, store_path, folder, head, stop_after))
        for rank in (0, 1)
    ]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(timeout=120)
    assert [rank.exitcode for rank in ranks] == [0, 0]
    return [torch.load(path) for path in sorted(folder.glob("rank*.pt"))]


def _close(one: dict, other: dict) -> bool:
    # A weight has moved by up to 0.02 in these steps.
    return max((tensor - other[name]).abs().max().item() for name, tensor in one.items()) < 2e-4


@pytest.mark.slow
@pytest.mark.parametrize("head", ["forecast", "mlm"])
def test_two_ranks_train_as_one_does_to_rounding(store_path, tmp_path, head):
    alone = tiny.run(store_path, tmp_path / "alone", head=head, **EXACT)[0].state_dict()
    first, second = _together(store_path, tmp_path / "together", head=head)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert _close(first, alone)
    untrained = tiny.run(store_path, tmp_path / "none", head=head, n_steps=1, **EXACT)[0].state_dict()
    assert not _close(first, untrained)


@pytest.mark.slow
def test_a_training_goes_on_with_another_number_of_ranks(store_path, tmp_path):
    alone = tiny.run(store_path, tmp_path / "alone", **EXACT)[0].state_dict()
    assert _together(store_path, tmp_path / "parts", stop_after=9) == []
    assert StateFolder(tmp_path / "parts", "f").load().step == 9
    finished = tiny.run(store_path, tmp_path / "parts", **EXACT)[0].state_dict()
    assert _close(finished, alone)


def test_parts_of_a_batch_are_the_batch():
    batch = torch.arange(24.0).view(6, 4)
    assert torch.equal(torch.cat([Ranks(rank, 3).part(batch) for rank in range(3)]), batch)
    assert torch.equal(Ranks().part(batch), batch)


def test_alone_nothing_is_averaged():
    gradient = torch.ones(3)
    (loss,) = Ranks().average([gradient], torch.tensor(2.0))
    assert loss == 2.0 and torch.equal(gradient, torch.ones(3))
    Ranks().check_same(7)


def test_more_ranks_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(PandaError, match=r"train\.ranks is 2, but there are 1 GPUs"),
        joined(2, device="cuda"),
    ):
        pass


def test_ranks_must_divide_the_batch():
    with pytest.raises(PandaError, match=r"ranks 3 does not divide batch_size 32"):
        load_config("config.yaml", given={"train": {"ranks": 3, "batch_size": 32}})
