"""The benchmark of training: both sides see windows of the same kind and really train."""

import numpy as np
import pytest
import torch

from benchmarks import train as benchmark
from panda.training.loop import window_length

N = 6


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    benchmark.write_store(folder / "store.arrow", N)
    benchmark.write_files(folder / "files", N)
    return folder / "store.arrow", folder / "files"


def test_both_loaders_read_the_same_trajectories(data):
    store, files = data
    rows = {row.system: row.target for row in benchmark.noise(N)}
    opened = benchmark.TrajectoryStore.open(store)
    for i, system in enumerate(opened.table["system"]):
        np.testing.assert_array_equal(opened.series(i), rows[system])
    assert len(list(files.glob("*.arrow"))) == N


def test_their_windows_are_standardised_and_of_our_shape(data):
    config = benchmark.configuration("laptop")
    length = window_length(*benchmark._shape_and_recipe(config))
    theirs = benchmark.FileWindows(data[1], config, length, 64).batch()
    ours = torch.from_numpy(benchmark._windows(config, data[0], 64).batch(0))
    assert theirs.shape == ours.shape == (64, length, 3) and theirs.dtype == ours.dtype
    # Noise, standardised over the whole trajectory: a window has about that spread.
    assert abs(theirs.std() - 1) < 0.05 and abs(ours.std() - 1) < 0.05


def test_the_other_side_trains_and_is_timed(data):
    found = benchmark.train_theirs("laptop", data[1], 0.5, compiled=False)
    assert found["windows_per_s"] > 1 and found["peak_gb"] > 0.1


def test_loaders_and_opening_are_timed(data):
    rates = benchmark.load_alone("laptop", *data)
    assert rates["ours"] > rates["theirs"] > 0
    assert benchmark.open_many(4)["seconds"] > 0


@pytest.mark.slow
def test_our_side_trains_and_is_timed(data):
    assert benchmark.train_ours("laptop", data[0], 0.5)["windows_per_s"] > 1
