"""Units that cost the last digit at most."""

from __future__ import annotations

import numpy as np
import pytest

from panda.own_data.units import units_of


@pytest.mark.parametrize("offset", [0.0, 1.0, -1e6, 1e15, 1e300])
@pytest.mark.parametrize("size", [1.0, 2.0**-900, 2.0**900])
def test_there_and_back_is_the_same_to_the_last_digit(offset: float, size: float):
    values = (np.random.default_rng(0).normal(size=(50, 2)) + offset / 2**900) * size
    units = units_of(values)
    tame = units.apply(values)
    largest = np.abs(values).max(axis=0)
    assert (np.abs(units.undo(tame) - values) <= 2 * np.finfo(float).eps * largest).all()
    assert np.abs(tame).max() <= 2 and (tame[-1] == 0).all()


def test_a_signal_on_a_huge_offset_keeps_its_differences():
    values = 1e15 + np.array([[3.0], [1.0], [2.0]])
    tame = units_of(values).apply(values)[:, 0]
    np.testing.assert_array_equal(tame * 2.0 ** np.frexp(1e15)[1], [1.0, -1.0, 0.0])


def test_numbers_next_to_none_and_next_to_infinite():
    for values in (np.full((3, 1), 5e-324), np.full((3, 1), 1.7e308), np.zeros((3, 1))):
        units = units_of(values)
        assert np.isfinite(units.apply(values)).all()
        np.testing.assert_array_equal(units.undo(units.apply(values)), values)
