"""The signature: deaf to units, sign and order of the coordinates, and not to what moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.invariants.signature import signature

SHAPE = {"n_bins": 16, "max_size": 4.0, "n_bands": 16, "band_range": (0.125, 8.0), "n_axes": 6}


def tones(n: int = 4096, rate: float = 0.05) -> np.ndarray:
    """Two tones and their product: (3, n), `rate` radians a sample."""
    t = rate * np.arange(n)
    return np.stack([np.sin(t), np.sin(1.5 * t + 1), np.sin(t) * np.sin(1.5 * t + 1)])


@given(
    scale=st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3),
    shift=st.lists(st.floats(-10, 10), min_size=3, max_size=3),
    sign=st.lists(st.sampled_from([-1, 1]), min_size=3, max_size=3),
    order=st.permutations(range(3)),
)
def test_units_signs_and_order_change_nothing(scale: list, shift: list, sign: list, order: list):
    x = tones(1024)
    other = (x * (np.array(scale) * sign)[:, None] + np.array(scale)[:, None] * np.array(shift)[:, None])[
        order
    ]
    first, second = signature(x, **SHAPE), signature(other, **SHAPE)
    assert second.time_scale == pytest.approx(first.time_scale, rel=1e-6)
    # A value on the edge of a bin may fall to either side.
    np.testing.assert_allclose(second.features, first.features, atol=0.05)


def test_the_unit_of_time_changes_next_to_nothing():
    slow, fast = signature(tones(8192, 0.05), **SHAPE), signature(tones(4096, 0.1), **SHAPE)
    assert slow.time_scale == pytest.approx(2 * fast.time_scale, rel=0.01)
    np.testing.assert_allclose(slow.features, fast.features, atol=0.03)


def test_other_motion_is_another_signature():
    noise = np.random.default_rng(0).standard_normal((3, 4096))
    apart = signature(tones(), **SHAPE).features - signature(noise, **SHAPE).features
    assert np.linalg.norm(apart) > 0.5


def test_shares_add_up_and_one_tone_has_one_time_scale():
    x = np.sin(2 * np.pi * np.arange(4096) / 64)[None]
    found = signature(x, **SHAPE)
    assert found.time_scale == pytest.approx(64, rel=0.01)
    sizes, speeds, bands = np.split(found.features[: 2 * 16 + 18] ** 2, [16, 32])
    assert [part.sum() for part in (sizes, speeds, bands)] == pytest.approx([1, 1, 1])
    assert bands[1 + 8 : 1 + 8 + 1].sum() + bands[8] > 0.99
    np.testing.assert_allclose(found.features[50:], [0.5, 0.5, 0, 0, 0, 0], atol=1e-3)


@pytest.mark.parametrize("x", [np.ones((3, 100)), np.full((2, 100), np.nan), np.ones((1, 3))])
def test_what_has_no_signature_is_nan(x: np.ndarray):
    found = signature(x, **SHAPE)
    assert np.isnan(found.features).all() and np.isnan(found.time_scale)
    assert len(found.features) == len(signature(tones(), **SHAPE).features)


def test_a_coordinate_at_rest_is_left_out():
    x = tones()
    with_rest = np.vstack([x, np.full(x.shape[1], 3.0)])
    np.testing.assert_array_equal(signature(with_rest, **SHAPE).features, signature(x, **SHAPE).features)
