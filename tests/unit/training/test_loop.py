from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch

from panda.config.estimate import flops
from panda.core.errors import PandaError, Paused
from panda.data.store import TrajectoryStore
from panda.training import hardware
from panda.training.checkpoint import StateFolder
from panda.training.loop import window_length
from panda.training.pause import PauseWatch
from tests.unit.training import tiny

ROOT = Path(__file__).resolve().parents[3]
LOSSES = ["step", "loss", "learning_rate", "gradient_norm"]


def assert_same(run, other):
    (model, log), (other_model, other_log) = run, other
    pd.testing.assert_frame_equal(log[LOSSES], other_log[LOSSES], check_exact=True)
    theirs = other_model.state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name


class StopAt:
    """Asks for a pause once, after some steps of this process."""

    def __init__(self, n_steps: int) -> None:
        self.left = n_steps

    def reason(self) -> str | None:
        self.left -= 1
        return "the test says so" if self.left == 0 else None


@pytest.fixture(scope="module")
def undisturbed(store_path, tmp_path_factory):
    return {
        head: tiny.run(store_path, tmp_path_factory.mktemp("whole"), head=head)
        for head in ("forecast", "mlm")
    }


@pytest.mark.parametrize("head", ["forecast", "mlm"])
def test_training_lowers_the_loss_and_logs_it(undisturbed, head):
    model, log = undisturbed[head]
    assert list(log["step"]) == [6, 12, 18, 20]
    assert list(log.columns) == [*LOSSES, "samples_per_s", "tflops_per_s", "mfu"]
    assert (log["samples_per_s"] > 0).all()
    assert log["learning_rate"].is_monotonic_decreasing
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


def test_the_log_counts_operations_and_their_share_of_the_peak(store_path, tmp_path):
    _, log = tiny.run(store_path, tmp_path, peak_tflops=0.5)
    per_window = 3 * flops(tiny.shape(), n_channels=3)
    assert np.allclose(log["tflops_per_s"], log["samples_per_s"] * per_window / 1e12)
    assert np.allclose(log["mfu"], log["tflops_per_s"] / 0.5)


def test_averaged_and_rolled_out_training_goes_on_to_the_bit_too(store_path, tmp_path):
    both = tiny.recipe(average_decay=0.9, n_passes=2)
    whole = tiny.run(store_path, tmp_path / "whole", recipe=both)
    with pytest.raises(Paused):
        tiny.run(store_path, tmp_path / "parts", recipe=both, pause=StopAt(7))
    assert_same(tiny.run(store_path, tmp_path / "parts", recipe=both), whole)


def test_a_longer_training_learns(store_path, tmp_path):
    _, log = tiny.run(store_path, tmp_path, n_steps=150, log_every=25, checkpoint_every=1000)
    assert log["loss"].iloc[-1] < 0.7 * log["loss"].iloc[0]


def run_and_kill(store_path, folder, head, *, after, **changes):
    """Train in a process of its own, SIGKILL it after some steps, and return the step it had started from."""
    context = multiprocessing.get_context("forkserver")
    # The server imports torch once and every training is a fork of it; it finds this module by the path.
    context.set_forkserver_preload(["tests.unit.training.tiny"])
    ours, theirs = context.Pipe()
    process = context.Process(target=tiny.run_and_ask, args=(theirs, store_path, folder, head, changes))
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(ROOT)}):
        process.start()
    theirs.close()
    start = ours.recv()
    for answered in range(after):
        assert ours.recv() == "step"
        if answered < after - 1:
            ours.send("on")
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    return start


@pytest.mark.parametrize(("head", "kills"), [("forecast", [1, 9, 6, 1]), ("mlm", [5, 7])])
def test_killed_and_rerun_gives_the_same_bits(undisturbed, store_path, tmp_path, head, kills):
    starts = [run_and_kill(store_path, tmp_path, head, after=n_steps) for n_steps in kills]
    # A state every 4 steps; a kill comes before the state of its step is saved.
    assert starts == {"forecast": [0, 0, 8, 12], "mlm": [0, 4]}[head]
    assert_same(tiny.run(store_path, tmp_path, head=head), undisturbed[head])


@pytest.mark.slow
def test_compiled_killed_and_rerun_gives_the_same_bits(store_path, tmp_path):
    whole = tiny.run(store_path, tmp_path / "whole", compile=True)
    torch.compiler.reset()
    assert run_and_kill(store_path, tmp_path / "parts", "forecast", after=9, compile=True) == 0
    assert run_and_kill(store_path, tmp_path / "parts", "forecast", after=6, compile=True) == 8
    assert_same(tiny.run(store_path, tmp_path / "parts", compile=True), whole)


@pytest.mark.parametrize("head", ["forecast", "mlm"])
def test_processes_that_make_batches_change_no_bit(undisturbed, store_path, tmp_path, head):
    with pytest.raises(Paused):
        tiny.run(store_path, tmp_path, head=head, loaders=2, pause=StopAt(7))
    assert_same(tiny.run(store_path, tmp_path, head=head, loaders=1), undisturbed[head])


@pytest.mark.slow
def test_cuda_graphs_are_no_matter_on_a_cpu(store_path, tmp_path):
    plain = tiny.run(store_path, tmp_path / "plain", compile=True)
    torch.compiler.reset()
    assert_same(tiny.run(store_path, tmp_path / "graphs", compile="reduce-overhead"), plain)


@pytest.mark.parametrize("first", [1, 7, 19])
def test_paused_anywhere_and_rerun_gives_the_same_bits(undisturbed, store_path, tmp_path, first):
    with pytest.raises(Paused, match=f"after step {first} of 20 .the test says so.*run the same command"):
        tiny.run(store_path, tmp_path, pause=StopAt(first))
    assert StateFolder(tmp_path, "f").load().step == first
    assert_same(tiny.run(store_path, tmp_path, pause=StopAt(99)), undisturbed["forecast"])


def test_a_training_may_start_from_a_whole_model(store_path, tmp_path, undisturbed):
    start, _ = undisturbed["forecast"]
    # The first step of the warm-up has a learning rate of 0.
    same, _ = tiny.run(store_path, tmp_path / "one", start=start, n_steps=1)
    theirs = start.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in same.state_dict().items())
    whole = tiny.run(store_path, tmp_path / "whole", start=start)
    assert whole[1]["loss"].iloc[0] < undisturbed["forecast"][1]["loss"].iloc[0]
    with pytest.raises(Paused):
        tiny.run(store_path, tmp_path / "parts", start=start, pause=StopAt(11))
    assert_same(tiny.run(store_path, tmp_path / "parts", start=start), whole)
    with pytest.raises(PandaError, match="cannot start from that model: its n_layers is 1, and 2 is needed"):
        tiny.run(store_path, tmp_path / "other", start=start, model_shape=tiny.shape(n_layers=2))


def test_adamw_resumes_too(store_path, tmp_path):
    changes = {"recipe": tiny.recipe(optimiser="adamw", weight_decay=0.01, loss="mse", loss_space="data")}
    whole = tiny.run(store_path, tmp_path / "whole", **changes)
    with pytest.raises(Paused):
        tiny.run(store_path, tmp_path / "parts", pause=StopAt(11), **changes)
    assert_same(tiny.run(store_path, tmp_path / "parts", **changes), whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_pauses_with_the_state_saved(store_path, tmp_path, number):
    class Interrupt:
        done = 0

        def start_at(self, done):
            pass

        def advance(self, n=1, **notes):
            self.done += n
            if self.done == 5:
                os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with (
        pytest.raises(Paused, match=f"after step 5 of 20 .{number.name}") as caught,
        PauseWatch(margin_s=1) as pause,
    ):
        tiny.run(store_path, tmp_path, pause=pause, progress=Interrupt())
    assert caught.value.exit_code == 75
    assert signal.getsignal(number) == before
    assert StateFolder(tmp_path, "f").load().step == 5


def test_a_finished_training_is_not_run_again(store_path, tmp_path, undisturbed):
    tiny.run(store_path, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "f").glob("step-*")}
    windows = tiny.make_windows(store_path, tiny.shape())
    windows.batch = None
    assert_same(tiny.run(store_path, tmp_path, windows=windows), undisturbed["forecast"])
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "f").glob("step-*")}


def test_another_fingerprint_starts_anew(store_path, tmp_path):
    tiny.run(store_path, tmp_path, n_steps=4)
    _, log = tiny.run(store_path, tmp_path, n_steps=4, fingerprint="g", log_every=1)
    assert list(log["step"]) == [1, 2, 3, 4]


def test_a_seed_is_all_that_differs(store_path, tmp_path, undisturbed):
    model, _ = tiny.run(store_path, tmp_path, seed=8)
    assert not torch.equal(
        model.encoder.embedding.projection.weight,
        undisturbed["forecast"][0].encoder.embedding.projection.weight,
    )


def test_a_loss_that_is_not_finite_names_its_step_and_keeps_the_good_state(store_path, tmp_path):
    windows = tiny.make_windows(store_path, tiny.shape())
    whole = windows.batch

    def poisoned(step):
        batch = whole(step)
        # Step 10 is the one with index 9.
        batch[0, 0, 0] = np.inf if step == 9 else batch[0, 0, 0]
        return batch

    windows.batch = poisoned
    with pytest.raises(PandaError, match="loss is not finite at step 10;"):
        tiny.run(store_path, tmp_path, windows=windows)
    assert StateFolder(tmp_path, "f").load().step == 8


def test_a_second_writer_is_refused(store_path, tmp_path):
    class Second:
        refusal = ""

        def start_at(self, done):
            with pytest.raises(PandaError) as caught:
                tiny.run(store_path, tmp_path)
            self.refusal = str(caught.value)

        def advance(self, n=1, **notes):
            pass

    second = Second()
    tiny.run(store_path, tmp_path, n_steps=1, progress=second)
    assert f"process {os.getpid()} on " in second.refusal
    tiny.run(store_path, tmp_path, n_steps=1)


def test_windows_of_another_length_are_refused(store_path, tmp_path):
    assert window_length(tiny.shape(), tiny.recipe()) == 80
    assert window_length(tiny.shape(), tiny.recipe(n_passes=2)) == 96
    assert window_length(tiny.shape("mlm"), tiny.recipe()) == 64
    with pytest.raises(PandaError, match="have 64 points, but this forecast model needs 80"):
        tiny.run(store_path, tmp_path, windows=tiny.make_windows(store_path, tiny.shape("mlm")))


def test_fine_tuning_starts_from_the_encoder(store_path, tmp_path, undisturbed):
    pretrained = undisturbed["mlm"][0]
    shape = tiny.shape(embedding="linear")
    windows = tiny.make_windows(store_path, shape)
    still = tiny.recipe(learning_rate=1e-12, muon_learning_rate=1e-12)
    model, _ = tiny.run(
        store_path, tmp_path, model_shape=shape, recipe=still, windows=windows, encoder=pretrained, n_steps=1
    )
    for name, tensor in model.encoder.state_dict().items():
        torch.testing.assert_close(tensor, pretrained.encoder.state_dict()[name], atol=1e-9, rtol=0)
    with pytest.raises(PandaError, match="embedding"):
        tiny.run(store_path, tmp_path / "other", encoder=pretrained)


def test_without_a_compiler_training_goes_on_with_one_line(
    store_path, tmp_path, undisturbed, monkeypatch, caplog
):
    monkeypatch.setenv("CXX", "/nowhere/c++")
    with caplog.at_level(logging.WARNING):
        run = tiny.run(store_path, tmp_path, compile=True)
    assert len(caplog.records) == 1
    assert "no C++ compiler (/nowhere/c++)" in caplog.text
    assert_same(run, undisturbed["forecast"])


def test_a_failing_compiler_is_passed_over_with_one_line(caplog, monkeypatch):
    def failing(function, **options):
        def call(*args):
            raise RuntimeError("no code for this")

        return call

    monkeypatch.setattr(torch, "compile", failing)
    layer = torch.nn.Linear(2, 1)
    batch = torch.ones(3, 2)

    def loss(batch):
        return layer(batch).sum()

    with caplog.at_level(logging.WARNING), hardware.layers_compiled([layer], loss, batch):
        assert loss(batch).isfinite()
    assert [record.getMessage().count("\n") for record in caplog.records] == [0]


def test_layers_are_compiled_inside_and_as_written_after_it():
    layers = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)]
    batch = torch.ones(3, 2)

    def loss(batch):
        return layers[1](layers[0](batch)).sum()

    plain = loss(batch)
    with hardware.layers_compiled(layers, loss, batch):
        assert all(layer._compiled_call_impl is not None for layer in layers)
        torch.testing.assert_close(loss(batch), plain)
    assert all(layer._compiled_call_impl is None for layer in layers)


def test_asking_for_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert hardware.choose_device("auto").type == "cpu"
    with pytest.raises(PandaError, match=r"train\.device is cuda"):
        hardware.choose_device("cuda")


@pytest.mark.parametrize(("ability", "native"), [("avx512_bf16", True), ("amx_bf16", True), ("avx2", False)])
def test_bfloat16_follows_the_processor(monkeypatch, ability, native):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {ability: True})
    cpu = torch.device("cpu")
    left = torch.ones(4, 4)
    with hardware.autocast("auto", cpu):
        assert (left @ left).dtype == (torch.bfloat16 if native else torch.float32)
    with hardware.autocast("float32", cpu):
        assert (left @ left).dtype == torch.float32
    with hardware.autocast("bfloat16", cpu):
        assert (left @ left).dtype == torch.bfloat16


def test_the_number_of_threads_is_set_and_given_back(store_path, tmp_path):
    before = torch.get_num_threads()
    with hardware.torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    assert len(TrajectoryStore.open(store_path)) == 6
