from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.data.store import TrajectoryStore, write_trajectories
from panda.data.windows import TrainingWindows, draw_channels


@pytest.fixture
def make_windows(tmp_path, make_settings):
    def make(rows, *, founder_probability=None, seed=1, batch_size=16, window_length=64, **changes):
        write_trajectories(tmp_path / "rows.arrow", rows)
        return TrainingWindows(
            TrajectoryStore.open(tmp_path / "rows.arrow"),
            make_settings(**changes),
            window_length=window_length,
            batch_size=batch_size,
            founder_probability=founder_probability,
            seed=seed,
        )

    return make


def test_files_and_their_order_change_no_batch(make_windows, make_settings, make_trajectory, tmp_path):
    rows = [make_trajectory(i, dimension=3 + i % 4) for i in range(8)]
    whole = make_windows(rows, founder_probability=None)
    for i, own in enumerate([rows[6::-2], [], rows[1::2]]):
        write_trajectories(tmp_path / f"{i}.arrow", own)
    store = TrajectoryStore.open([tmp_path / f"{i}.arrow" for i in (2, 1, 0)])
    parts = TrainingWindows(
        store, make_settings(), window_length=64, batch_size=16, founder_probability=None, seed=1
    )
    for step in range(3):
        np.testing.assert_array_equal(parts.batch(step), whole.batch(step))


def test_a_batch_depends_on_seed_and_step_only(make_windows, make_trajectory):
    rows = [make_trajectory(i, dimension=3 + i % 4) for i in range(8)]
    first, second = make_windows(rows), make_windows(rows)
    batch = first.batch(5)
    assert batch.shape == (16, 64, 3)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    first.batch(6)
    np.testing.assert_array_equal(batch, first.batch(5))
    np.testing.assert_array_equal(batch, second.batch(5))
    assert not np.array_equal(batch, first.batch(6))
    assert not np.array_equal(batch, make_windows(rows, seed=2).batch(5))


def test_without_augmentation_windows_are_pieces_of_distinct_channels(make_windows, make_trajectory):
    row = make_trajectory(0, dimension=5)
    series = row.target.astype(np.float64)
    series = (series - series.mean(1, keepdims=True)) / series.std(1, keepdims=True)
    windows = make_windows([row], augmentation_probability=0.0, batch_size=200).batch(0)
    everywhere = np.lib.stride_tricks.sliding_window_view(series, 64, axis=1)
    starts, chosen = [], set()
    for window in windows:
        error = np.abs(everywhere[:, None] - window.T[None, :, None]).max(axis=-1)
        found = [np.argwhere(error[:, channel] < 1e-5) for channel in range(3)]
        assert [len(f) for f in found] == [1, 1, 1]
        channels, at = zip(*(f[0] for f in found), strict=True)
        assert len(set(channels)) == 3
        assert len(set(at)) == 1
        starts.append(at[0])
        chosen |= set(channels)
    assert chosen == set(range(5))
    assert min(starts) < 15
    assert max(starts) > 121


def test_augmentation_probability_counts(make_windows, make_trajectory):
    rows = [make_trajectory(0)]
    plain = make_windows(rows, augmentation_probability=0.0, batch_size=100)
    mixed = make_windows(rows, augmentation_probability=1.0, batch_size=100)
    # Three channels, all taken: without augmentation their sum of squares is one of 137 known numbers.
    known = {round(float((w.astype(np.float64) ** 2).sum()), 2) for s in range(20) for w in plain.batch(s)}
    seen = [round(float((w.astype(np.float64) ** 2).sum()), 2) in known for w in mixed.batch(0)]
    assert np.mean(seen) < 0.2


@pytest.mark.parametrize(("probability", "expected"), [(None, 0.1), (0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_founders_come_as_often_as_asked(make_windows, make_trajectory, probability, expected):
    rows = [make_trajectory(i, population="founder" if i == 3 else "skew") for i in range(10)]
    rows[3].target[:] = np.sin(np.arange(200))
    windows = make_windows(
        rows, founder_probability=probability, augmentation_probability=0.0, batch_size=400
    ).batch(0)
    from_founder = np.array([np.array_equal(w[:, 0], w[:, 1]) for w in windows])
    assert abs(from_founder.mean() - expected) <= 4 * (expected * (1 - expected) / 400) ** 0.5


@pytest.mark.parametrize(("population", "probability"), [("skew", 0.5), ("founder", 0.5)])
def test_a_missing_population_is_said(make_windows, make_trajectory, population, probability):
    with pytest.raises(PandaError, match=r"founder_probability is 0\.5"):
        make_windows([make_trajectory(0, population=population)], founder_probability=probability)


def test_what_cannot_be_trained_on_is_said(make_windows, make_trajectory):
    with pytest.raises(PandaError, match="no trajectory to train on"):
        make_windows([])
    with pytest.raises(PandaError, match=r"A_B-pp1' has 63 points, fewer than the 64"):
        make_windows([make_trajectory(1, n_points=63)])


@pytest.mark.parametrize("dimension", [1, 2])
def test_of_too_few_channels_each_comes_once_before_any_repeats(make_windows, make_trajectory, dimension):
    """Without augmentation the windows are pieces of the trajectory's channels, all at one start."""
    row = make_trajectory(0, dimension=dimension)
    series = row.target.astype(np.float64)
    series = (series - series.mean(1, keepdims=True)) / series.std(1, keepdims=True)
    everywhere = np.lib.stride_tricks.sliding_window_view(series, 64, axis=1)
    windows = make_windows([row], augmentation_probability=0.0, batch_size=60).batch(0)
    assert windows.shape == (60, 64, 3)
    seen = set()
    for window in windows:
        error = np.abs(everywhere[:, None] - window.T[None, :, None]).max(axis=-1)
        channels, starts = zip(
            *(np.unravel_index(error[:, i].argmin(), everywhere.shape[:2]) for i in range(3)), strict=True
        )
        assert max(error[c, i, s] for i, (c, s) in enumerate(zip(channels, starts, strict=True))) < 1e-5
        assert len(set(starts)) == 1 and set(channels) == set(range(dimension))
        assert sorted(channels[:dimension]) == list(range(dimension))
        seen.add(channels)
    # Two channels: 0 1 and 1 0, each with either of them a second time.
    assert len(seen) == {1: 1, 2: 4}[dimension]


@pytest.mark.parametrize("dimension", [1, 2])
def test_augmented_windows_of_few_channels_are_whole(make_windows, make_trajectory, dimension):
    """Delay embedding has as many channels as the trajectory; mixing has more, of which some are drawn."""
    rows = [make_trajectory(i, dimension=dimension) for i in range(3)] + [make_trajectory(7, dimension=4)]
    windows = make_windows(rows, augmentation_probability=1.0, batch_size=300).batch(0)
    assert windows.shape == (300, 64, 3) and np.isfinite(windows).all()
    assert (np.abs(windows).max(axis=1) > 0).all()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_channels_are_drawn_evenly(n_there: int, n_wanted: int, seed: int):
    rng, same = np.random.default_rng(seed), np.random.default_rng(seed)
    drawn = draw_channels(rng, n_there, n_wanted)
    counts = np.bincount(drawn, minlength=n_there)
    assert drawn.shape == (n_wanted,) and counts.size == n_there and np.ptp(counts) <= 1
    if n_there >= n_wanted:
        # A draw without replacement, and nothing more of the stream: what was trained before stays the same.
        np.testing.assert_array_equal(drawn, same.permutation(n_there)[:n_wanted])
        assert rng.random() == same.random()


def test_a_trajectory_of_one_window_is_enough(make_windows, make_trajectory):
    batch = make_windows([make_trajectory(1, n_points=64)], augmentation_probability=1.0).batch(0)
    assert np.isfinite(batch).all()


def test_three_thousand_windows_a_second(make_windows, make_trajectory):
    rows = [make_trajectory(i, n_points=4096, dimension=3 + i % 3) for i in range(20)]
    windows = make_windows(rows, window_length=640, batch_size=32, augmentation_probability=0.2)
    windows.batch(0)
    # The best of several tries: the machine may be busy with something else.
    best = 0.0
    for attempt in range(5):
        start = time.perf_counter()
        for step in range(10):
            windows.batch(10 * attempt + step)
        best = max(best, 320 / (time.perf_counter() - start))
    assert best > 3000
