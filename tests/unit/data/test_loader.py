from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from panda.core.errors import PandaError
from panda.data.loader import batches_of
from panda.data.store import TrajectoryStore, write_trajectories
from panda.data.windows import TrainingWindows


@pytest.fixture
def windows(tmp_path, make_settings, make_trajectory) -> TrainingWindows:
    write_trajectories(tmp_path / "rows.arrow", [make_trajectory(i, dimension=3 + i % 4) for i in range(8)])
    return TrainingWindows(
        TrajectoryStore.open(tmp_path / "rows.arrow"),
        make_settings(),
        window_length=64,
        batch_size=16,
        founder_probability=None,
        seed=1,
    )


@pytest.fixture
def in_thread():
    """Calls in one thread beside the main one, as a training makes them."""
    with ThreadPoolExecutor(1) as thread:
        yield lambda call, *words: thread.submit(call, *words).result()


@pytest.mark.parametrize("n_loaders", [0, 3])
def test_batches_come_in_order_whoever_makes_them(windows, in_thread, n_loaders):
    steps = range(5, 19)
    made = in_thread(list, batches_of(windows, steps, n_loaders=n_loaders))
    assert len(made) == len(steps)
    for step, batch in zip(steps, made, strict=True):
        np.testing.assert_array_equal(batch.numpy(), windows.batch(step))


def test_no_process_is_left(windows, in_thread):
    made = batches_of(windows, range(100), n_loaders=2)
    in_thread(next, made)
    assert len(multiprocessing.active_children()) == 2
    in_thread(made.close)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("n_loaders", [0, 2])
def test_what_is_wrong_with_a_trajectory_is_one_line(windows, monkeypatch, in_thread, n_loaders):
    def damaged(step):
        raise PandaError("rows.arrow: trajectory 'A_B-pp3' is damaged")

    monkeypatch.setattr(windows, "batch", damaged)
    with pytest.raises(PandaError, match=r"^rows.arrow: trajectory 'A_B-pp3' is damaged$"):
        in_thread(next, batches_of(windows, range(4), n_loaders=n_loaders))
    assert not multiprocessing.active_children()


def test_a_lost_process_is_one_line(windows, in_thread):
    made = batches_of(windows, range(10_000), n_loaders=1)
    in_thread(next, made)
    (process,) = multiprocessing.active_children()
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(PandaError, match="makes batches is gone"):
        in_thread(list, made)


def test_a_batch_systems_signals_do_not_reach_them(windows, in_thread):
    made = batches_of(windows, range(50), n_loaders=1)
    in_thread(next, made)
    (process,) = multiprocessing.active_children()
    for name in ("TERM", "INT", "USR1"):
        subprocess.run(["sh", "-c", f"kill -{name} {process.pid}"], check=True)
    assert len(in_thread(list, made)) == 49


def test_the_trainers_own_signal_does(windows, in_thread):
    made = batches_of(windows, range(50), n_loaders=1)
    in_thread(next, made)
    (process,) = multiprocessing.active_children()
    process.terminate()
    process.join(10)
    assert process.exitcode == 0
    in_thread(made.close)
