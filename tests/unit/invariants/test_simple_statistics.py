"""Linearity, boundedness, the tail's step, spectral peaks and the period, against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from dysts import attractor
from hypothesis import given, settings
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.invariants.boundedness import boundedness, largest_deviation
from panda.invariants.fixed_point import relative_tail_step, tail_step
from panda.invariants.linearity import linearity, straightness
from panda.invariants.period import period
from panda.invariants.spectrum import spectrum

FLOOR = 1e-10
PEAKS = {"relative_height": 1e-5, "relative_prominence": 1e-5}


@st.composite
def random_series(draw):
    """(dimension, time), correlated dimensions of order one."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    dimension = draw(st.integers(1, 5))
    mixing = rng.standard_normal((dimension, dimension))
    return mixing @ rng.standard_normal((dimension, draw(st.integers(20, 200))))


@settings(max_examples=40, deadline=None)
@given(x=random_series(), exponents=st.lists(st.integers(-20, 20), min_size=5, max_size=5), data=st.data())
def test_standardised_statistics_see_neither_scale_nor_order(x, exponents, data):
    order = data.draw(st.permutations(range(len(x))))
    scale = np.array([2.0**e for e in exponents[: len(x)]])[:, None]
    y = (scale * (x - 3.0))[order]
    assert linearity(y, std_floor=1e-30) == pytest.approx(linearity(x, std_floor=1e-30), rel=1e-9)
    expected = boundedness(x, std_floor=1e-30).max_zscore
    assert boundedness(y, std_floor=1e-30).max_zscore == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(period(y), period(x)[order], rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(x=random_series(), threshold=st.floats(0.3, 1.0), height=st.sampled_from([1e-4, 1e-3, 0.05, 0.3]))
def test_verdicts_are_dysts_ones(x, threshold, height):
    ours = linearity(x, std_floor=FLOOR) <= threshold
    assert ours == attractor.check_not_linear(x, r2_threshold=threshold, eps=FLOOR)
    magnitude, zscore = boundedness(x, std_floor=FLOOR)
    ours = magnitude <= 3.0 and zscore <= 3.0
    assert ours == attractor.check_boundedness(x, threshold=3.0, max_zscore=3.0, eps=FLOOR)
    ours = tail_step(x, tail_share=0.2) > 2.0
    assert ours == attractor.check_not_fixed_point(x, tail_prop=0.2, atol=2.0)
    counts = spectrum(x, relative_height=height, relative_prominence=height)
    for least in (1, 4, 10):
        ours = bool((counts >= least).any())
        assert ours == attractor.check_power_spectrum(
            x, rel_peak_height=height, rel_prominence=height, min_peaks=least
        )


def test_linearity_between_round_and_line():
    t = 2 * np.pi * np.arange(400) / 400
    circle = np.stack([np.cos(t), 5.0 + 10.0 * np.sin(t)])
    assert linearity(circle, std_floor=FLOOR) == pytest.approx(0.5, abs=1e-12)
    assert linearity(np.stack([t, -3 * t, t + 1]), std_floor=FLOOR) == pytest.approx(1.0, abs=1e-12)


def test_boundedness_by_hand():
    x = np.array([[0.0, 0.0, 0.0, -4.0], [1.0, 1.0, 1.0, 1.0]])
    magnitude, zscore = boundedness(x, std_floor=FLOOR)
    assert magnitude == 4.0
    assert zscore == pytest.approx(3.0 / np.sqrt(3.0), rel=1e-12)


def test_tail_step_is_of_the_tail_only():
    x = np.zeros((2, 100))
    x[:, 50] = 7.0
    x[:, 95] = [3.0, 4.0]
    assert tail_step(x, tail_share=0.1) == 5.0
    assert tail_step(x, tail_share=0.04) == 0.0
    assert tail_step(x, tail_share=0.6) == pytest.approx(7.0 * np.sqrt(2.0))


def test_the_fixed_point_threshold_itself_is_at_rest():
    """`all within atol` includes atol: the step must exceed it."""
    x = np.array([[0.0, 0.25, 0.0, 0.25] * 5])
    assert tail_step(x, tail_share=1.0) == 0.25
    assert not attractor.check_not_fixed_point(x, tail_prop=1.0, atol=0.25)


REST = {"tail_share": 0.1, "rest_share": 1e-4}


@settings(max_examples=40, deadline=None)
@given(x=random_series(), exponents=st.lists(st.integers(-200, 200), min_size=5, max_size=5))
def test_unitless_statistics_are_those_of_the_reference_in_standard_deviations(x, exponents):
    y = x * 2.0 ** np.array(exponents[: len(x)])[:, None]
    assert straightness(y) == pytest.approx(linearity(x, std_floor=1e-30), rel=1e-9)
    assert largest_deviation(y) == pytest.approx(boundedness(x, std_floor=1e-30).max_zscore, rel=1e-9)
    largest = np.abs(x).max(axis=1)
    assert relative_tail_step(y, largest=np.abs(y).max(axis=1), **REST) == pytest.approx(
        relative_tail_step(x, largest=largest, **REST), rel=1e-12, nan_ok=True
    )


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("at", [0.0, 1.0, -20.0])
def test_rattling_at_a_fixed_point_is_rest_wherever_it_is(unit: float, at: float):
    rng = np.random.default_rng(0)
    rattle = unit * (at + 1e-8 * max(abs(at), 1.0) * rng.standard_normal((3, 1000)))
    largest = unit * np.full(3, 25.0)  # it came from afar
    assert relative_tail_step(rattle, largest=largest, **REST) < 5e-4


def test_a_decay_is_rest_and_a_small_motion_about_a_large_value_is_not():
    t = np.arange(4000.0)
    decay = np.exp(-t / 150) * np.stack([np.cos(0.1 * t), np.sin(0.1 * t)])
    assert relative_tail_step(decay, largest=np.ones(2), **REST) < 1e-4
    offset = 1e3 + 0.1 * np.stack([np.cos(0.1 * t), np.sin(0.1 * t)])
    assert relative_tail_step(offset, largest=np.full(2, 1e3), **REST) > 0.05
    one_moves = np.stack([np.zeros(4000), np.full(4000, 3.0), np.sin(0.1 * t)])
    assert relative_tail_step(one_moves, largest=np.ones(3), **REST) > 0.05


def test_spectrum_counts_lines():
    n = 1024
    t = np.arange(n)
    lines = sum(a * np.cos(2 * np.pi * k * t / n) for k, a in [(10, 1.0), (30, 0.5), (77, 0.1)])
    noise = 1e-8 * np.random.default_rng(0).standard_normal(n)
    counts = spectrum(np.stack([lines + noise, np.cos(2 * np.pi * 10 * t / n) + noise]), **PEAKS)
    assert counts.tolist() == [3.0, 1.0]


@pytest.mark.parametrize("samples", [17.3, 40.0, 128.7])
def test_period_of_a_tone(samples):
    t = np.arange(4096)
    x = np.stack([np.sin(2 * np.pi * t / samples), 5 + 1e-3 * np.cos(2 * np.pi * t / samples)])
    np.testing.assert_allclose(period(x), samples, rtol=1e-3)


def test_a_series_has_two_axes():
    with pytest.raises(PandaError, match=r"\(dimension, time\)"):
        boundedness(np.zeros(10), std_floor=FLOOR)
    with pytest.raises(PandaError, match="complex"):
        period(np.zeros((2, 10), dtype=complex))
