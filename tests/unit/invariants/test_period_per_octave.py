"""The period with most power per octave: a line's own, and for switching signals one that no window decides."""

from __future__ import annotations

import numpy as np
import pytest

from panda.invariants.period import period, period_per_octave


def switching(n: int, seed: int) -> np.ndarray:
    """An oscillation of 40 samples around one of two centres, the centre chosen anew every 60 samples or so."""
    rng = np.random.default_rng(seed)
    centre = np.cumprod(np.where(rng.random(n) < 1 / 60, -1.0, 1.0))
    return (3 * centre + np.sin(2 * np.pi * np.arange(n) / 40))[None]


@pytest.mark.parametrize("length", [17.3, 64.0, 250.0])
def test_a_line_has_its_own_period(length: float):
    t = np.arange(8 * 2048).reshape(8, 1, 2048)
    x = np.concatenate([np.sin(2 * np.pi * t / length), 3 + 5 * np.cos(2 * np.pi * t / length)], axis=1)
    np.testing.assert_allclose(period_per_octave(x), length, rtol=0.01)
    np.testing.assert_allclose(period(x[0]), length, rtol=0.01)


def test_the_window_does_not_decide_where_the_highest_line_stands_at_its_edge():
    found = {
        n: period_per_octave(switching(16 * n, 1).reshape(1, 16, n).swapaxes(0, 1))[0] for n in (1024, 4096)
    }
    assert found[1024] == pytest.approx(found[4096], rel=0.2)
    assert 30 < found[4096] < 400
    highest = [np.median([period(switching(n, i))[0] for i in range(9)]) for n in (1024, 8192)]
    assert highest[1] > 1.5 * highest[0]


def test_what_has_no_period_is_nan():
    x = np.random.default_rng(0).standard_normal((4, 3, 256))
    x[:, 1] = 2.0
    found = period_per_octave(x)
    assert np.isfinite(found[[0, 2]]).all() and np.isnan(found[1])
    x[2, 0, 5] = np.inf
    assert np.isnan(period_per_octave(x)).all()
    assert np.isnan(period_per_octave(np.zeros((2, 1, 4)))).all()
