from __future__ import annotations

import numpy as np
import pytest

from panda.data.augmentations import DelayEmbedding, Identity, LinearMixing, Moments, random_augmentation


def naive_window(augmentation, series, channels, start, length, eps):
    """The definition, at the length of the whole trajectory."""
    whole = augmentation.apply(series.astype(np.float64))
    standardised = (whole - whole.mean(axis=1, keepdims=True)) / (whole.std(axis=1, keepdims=True) + eps)
    return standardised[channels, start : start + length]


def agrees(augmentation, series, channels, start, length):
    quick = augmentation.window(series, Moments.of(series), channels, start=start, length=length, eps=1e-10)
    np.testing.assert_allclose(
        quick, naive_window(augmentation, series, channels, start, length, 1e-10), rtol=1e-9, atol=1e-10
    )


def test_delay_embedding_by_hand():
    series = np.array([[0.0, 1, 2, 3, 4, 5], [10, 20, 30, 40, 50, 60]])
    embedded = DelayEmbedding(channel=1, lag=2, n_channels=3).apply(series)
    np.testing.assert_array_equal(embedded, [[10, 20], [30, 40], [50, 60]])


def test_linear_mixing_by_hand():
    mixed = LinearMixing(np.array([[1.0, -1.0], [0.5, 0.5]]), np.array([0.0, 7.0])).apply(
        np.array([[2.0], [6.0]])
    )
    np.testing.assert_array_equal(mixed, [[-4], [11]])


@pytest.mark.parametrize("seed", range(30))
def test_a_window_is_what_the_whole_standardised_trajectory_has_there(make_trajectory, make_settings, seed):
    rng = np.random.default_rng(seed)
    series = make_trajectory(seed, dimension=int(rng.integers(3, 11))).target
    augmentation = random_augmentation(
        rng, dimension=series.shape[0], n_points=200, window_length=64, settings=make_settings()
    )
    channels = rng.permutation(augmentation.n_channels)[:3]
    agrees(augmentation, series, channels, int(rng.integers(augmentation.n_points(200) - 63)), 64)


def test_identity_standardises():
    series = np.random.default_rng(0).normal(5, 3, (4, 300)).astype(np.float32)
    window = Identity(4).window(series, Moments.of(series), np.array([2, 0]), start=0, length=300, eps=0.0)
    np.testing.assert_allclose(window.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(window.std(axis=1), 1, rtol=1e-12)


def test_identity_has_the_bits_of_mixing_by_the_unit_matrix(make_trajectory):
    series, channels = make_trajectory(4, dimension=5).target, np.array([4, 0, 3])
    where = dict(start=7, length=64, eps=1e-10)
    mixed = LinearMixing(np.eye(5), np.zeros(5)).window(series, Moments.of(series), channels, **where)
    np.testing.assert_array_equal(Identity(5).window(series, Moments.of(series), channels, **where), mixed)


def test_a_constant_channel_becomes_zero():
    series = np.vstack([np.full(100, 0.1), np.linspace(0, 1, 100)]).astype(np.float32)
    window = Identity(2).window(series, Moments.of(series), np.array([0]), start=3, length=20, eps=1e-10)
    np.testing.assert_array_equal(window, 0)


def draws(make_settings, n=3000, **changes):
    rng = np.random.default_rng(5)
    settings = make_settings(**changes)
    return [
        random_augmentation(rng, dimension=4, n_points=4096, window_length=640, settings=settings)
        for _ in range(n)
    ]


def test_the_three_kinds_come_equally_often_within_their_ranges(make_settings):
    drawn = draws(make_settings)
    delays = [a for a in drawn if isinstance(a, DelayEmbedding)]
    mixings = [a for a in drawn if isinstance(a, LinearMixing)]
    convex = [a for a in mixings if not a.offset.any()]
    assert abs(len(delays) - 1000) < 120
    assert abs(len(convex) - 1000) < 120
    assert {a.lag for a in delays} == set(range(1, 11))
    assert {a.channel for a in delays} == set(range(4))
    assert {a.n_channels for a in mixings} == set(range(3, 9))
    for mixing in convex:
        np.testing.assert_allclose(mixing.matrix.sum(axis=1), 1)
        assert (mixing.matrix >= 0).all()


def test_affine_entries_have_the_stated_spread(make_settings):
    affine = [
        a for a in draws(make_settings, affine_scale=2.0) if isinstance(a, LinearMixing) and a.offset.any()
    ]
    scaled = np.concatenate(
        [np.hstack([a.matrix, a.offset[:, None]]).ravel() * a.n_channels**0.5 for a in affine]
    )
    assert abs(scaled.mean()) < 0.05
    assert abs(scaled.std() - 2.0) < 0.05


def test_dirichlet_concentration_counts(make_settings):
    def spread(alpha):
        rows = [a.matrix for a in draws(make_settings, dirichlet_alpha=alpha) if isinstance(a, LinearMixing)]
        return np.std(np.concatenate([r for r in rows if np.allclose(r.sum(axis=1), 1)]))

    assert spread(0.1) > 2 * spread(10.0)


def test_lags_leave_room_for_a_window(make_settings):
    rng = np.random.default_rng(1)
    for n_points, longest in ((64 + 3 * 4 + 2, 4), (64 + 2, 0)):
        for _ in range(200):
            drawn = random_augmentation(
                rng, dimension=4, n_points=n_points, window_length=64, settings=make_settings()
            )
            assert drawn.n_points(n_points) >= 64
            if isinstance(drawn, DelayEmbedding):
                assert 1 <= drawn.lag <= longest
