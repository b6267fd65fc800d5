from __future__ import annotations

import logging
import subprocess
import sys
import textwrap

import pytest
import torch

from panda.core.errors import PandaError
from panda.training.checkpoint import State, StateFolder, StateLock


def state(step: int) -> State:
    generator = torch.Generator().manual_seed(step)
    return State(
        step,
        {"a.weight": torch.randn(5, 7, generator=generator), "n": torch.tensor(step), "b": torch.zeros(0, 3)},
        {"rows": [[step, 0.1 + step / 3]], "empty": []},
    )


def same(left: State | None, right: State) -> bool:
    return (
        left is not None
        and (left.step, left.notes) == (right.step, right.notes)
        and left.tensors.keys() == right.tensors.keys()
        and all(
            torch.equal(t, right.tensors[k]) and t.dtype == right.tensors[k].dtype
            for k, t in left.tensors.items()
        )
    )


@pytest.fixture
def folder(tmp_path):
    return StateFolder(tmp_path, "abc")


def names(folder):
    return sorted(path.name for path in folder.path.iterdir())


def test_the_newest_state_comes_back_and_two_are_kept(folder):
    assert folder.load() is None
    for step in (5, 10, 1500):
        folder.save(state(step))
    assert same(folder.load(), state(1500))
    assert names(folder) == [f"step-{n:09d}.{end}" for n in (10, 1500) for end in ("json", "safetensors")]


@pytest.mark.parametrize("end", ["json", "safetensors"])
@pytest.mark.parametrize("harm", ["flip", "truncate", "empty", "remove"])
def test_a_damaged_newest_state_gives_the_one_before_with_one_line(folder, caplog, end, harm):
    folder.save(state(10))
    folder.save(state(20))
    path = folder.path / f"step-000000020.{end}"
    data = bytearray(path.read_bytes())
    if harm == "flip":
        data[len(data) // 2] ^= 4
    path.write_bytes({"flip": data, "truncate": data[: len(data) // 2]}.get(harm, b""))
    if harm == "remove":
        path.unlink()
    with caplog.at_level(logging.WARNING):
        assert same(folder.load(), state(10))
    # A record that is gone is no state at all: nothing to warn of.
    expected = 0 if (harm, end) == ("remove", "json") else 1
    assert len(caplog.records) == expected
    assert all("\n" not in record.getMessage() for record in caplog.records)
    folder.save(state(20))
    assert same(folder.load(), state(20))


def test_every_flipped_bit_of_a_record_is_seen(folder):
    folder.save(state(3))
    path = folder.path / "step-000000003.json"
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        found = folder.load()
        # White space may change without harm.
        assert found is None or same(found, state(3))
    path.write_bytes(whole)
    assert same(folder.load(), state(3))


def test_a_state_of_another_training_is_not_taken(folder, tmp_path):
    folder.save(state(3))
    other = StateFolder(tmp_path, "xyz")
    folder.path.rename(other.path)
    assert other.load() is None


def test_leftovers_of_killed_writers_go(folder):
    folder.save(state(3))
    (folder.path / "step-000000009.safetensors").write_bytes(b"never came to count")
    (folder.path / ".step-000000009.77.part.safetensors").write_bytes(b"half")
    assert same(folder.load(), state(3))
    folder.save(state(6))
    assert names(folder) == [f"step-{n:09d}.{end}" for n in (3, 6) for end in ("json", "safetensors")]


def test_loaded_tensors_are_their_own_aligned_memory(folder):
    folder.save(state(3))
    for tensor in folder.load().tensors.values():
        assert tensor.data_ptr() % 64 == 0


def test_one_writer_at_a_time_across_processes(tmp_path):
    program = textwrap.dedent("""
        import sys
        from panda.training.checkpoint import StateLock
        with StateLock(sys.argv[1]):
            print("held", flush=True)
            sys.stdin.readline()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(PandaError, match=f"process {process.pid} on .* is training this model already"):
            StateLock(tmp_path).__enter__()
        process.kill()
    # The kernel gave the lock of the killed process back.
    with StateLock(tmp_path) as lock:
        assert lock.path.read_text().startswith("process ")
    with StateLock(tmp_path):
        pass


def test_states_have_the_permissions_of_other_files(folder):
    folder.save(state(5))
    (other := folder.path / "other").touch()
    assert {path.stat().st_mode for path in folder.path.iterdir()} == {other.stat().st_mode}
