"""Weights kept on the way of a training: those that a training stopped there would have."""

import logging

import pytest
import torch
from safetensors.torch import load_file

from panda.core.errors import PandaError, Paused
from panda.training.checkpoint import StateFolder
from panda.training.snapshots import read_snapshots, snapshot_steps, write_snapshots
from tests.unit.training import tiny
from tests.unit.training.test_loop import StopAt


def test_steps_are_halved_from_the_last():
    assert snapshot_steps(1000, 4) == {1000, 500, 250, 125}
    assert snapshot_steps(5, 6) == {5, 2, 1}
    assert snapshot_steps(5, 0) == set()


def test_they_are_what_the_states_hold(store_path, tmp_path):
    # A state every 5 steps, of which the newest two are kept: 15 and 20; snapshots after 20, 10, 5, 2 steps.
    trained = tiny.run_whole(store_path, tmp_path, n_snapshots=4, checkpoint_every=5)
    by_step = {int(key.split("/")[0]) for key in trained.snapshots}
    assert by_step == {20, 10, 5, 2}
    last = {key.split("/")[1]: value for key, value in trained.snapshots.items() if key.startswith("20/")}
    assert all(torch.equal(last[name], tensor) for name, tensor in trained.model.state_dict().items())
    assert not torch.equal(trained.snapshots["10/head.projection.weight"], last["head.projection.weight"])


def test_a_run_in_pieces_keeps_the_same(store_path, tmp_path):
    whole = tiny.run_whole(store_path, tmp_path / "whole", n_snapshots=3).snapshots
    for stop, done in ((3, 3), (8, 11)):
        with pytest.raises(Paused, match=f"after step {done} "):
            tiny.run_whole(store_path, tmp_path / "parts", n_snapshots=3, pause=StopAt(stop))
    parts = tiny.run_whole(store_path, tmp_path / "parts", n_snapshots=3).snapshots
    assert whole.keys() == parts.keys() and len(whole) > 0
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())


def test_without_any_the_weights_are_the_same(store_path, tmp_path):
    plain, kept = (tiny.run_whole(store_path, tmp_path / str(n), n_snapshots=n) for n in (0, 3))
    assert plain.snapshots == {}
    theirs = kept.model.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in plain.model.state_dict().items())


def test_a_damaged_one_is_left_out_with_a_line(store_path, tmp_path, caplog):
    with pytest.raises(Paused):
        tiny.run_whole(store_path, tmp_path, n_snapshots=3, pause=StopAt(12))
    path = StateFolder(tmp_path, "f").path / "snapshot-000000010.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        trained = tiny.run_whole(store_path, tmp_path, n_snapshots=3)
    assert {key.split("/")[0] for key in trained.snapshots} == {"5", "20"}
    assert "snapshot-000000010.safetensors: damaged" in caplog.text


def test_written_and_read(store_path, tmp_path):
    trained = tiny.run_whole(store_path, tmp_path / "state", n_snapshots=2)
    write_snapshots(trained.snapshots, tmp_path / "snapshots.safetensors")
    models = read_snapshots(tmp_path / "snapshots.safetensors", trained.model)
    assert list(models) == [10, 20]
    context = torch.randn(2, 64, 3)
    assert torch.equal(models[20](context), trained.model.eval()(context))
    assert not torch.equal(models[10](context), models[20](context))
    write_snapshots({}, tmp_path / "none.safetensors")
    assert (
        load_file(tmp_path / "none.safetensors")
        == read_snapshots(tmp_path / "none.safetensors", trained.model)
        == {}
    )


def test_of_another_shape_they_are_refused(store_path, tmp_path):
    trained = tiny.run_whole(store_path, tmp_path / "state", n_snapshots=1)
    other = tiny.run_whole(
        store_path, tmp_path / "other", model_shape=tiny.shape(d_model=32, n_fourier_features=20), n_steps=1
    )
    write_snapshots(trained.snapshots, tmp_path / "snapshots.safetensors")
    with pytest.raises(PandaError, match=r"step 20: tensor .* config\.json asks for"):
        read_snapshots(tmp_path / "snapshots.safetensors", other.model)
