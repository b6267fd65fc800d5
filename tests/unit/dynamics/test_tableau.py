"""The numbers of DOP853 are scipy's, and satisfy what makes them a method of order 8."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate._ivp import dop853_coefficients as scipys

from panda.dynamics import tableau


@pytest.mark.parametrize("name", ["N_STAGES", "N_STAGES_EXTENDED", "C", "A", "E3", "E5", "D"])
def test_the_numbers_are_scipys_to_the_last_bit(name: str):
    ours, theirs = getattr(tableau, name), getattr(scipys, name)
    assert np.shape(ours) == np.shape(theirs)
    assert np.array_equal(ours, theirs)


def test_every_stage_is_where_its_row_of_weights_says():
    assert tableau.A.sum(axis=1) == pytest.approx(tableau.C, abs=1e-14)


@pytest.mark.parametrize("power", range(8))
def test_the_step_integrates_polynomials_up_to_its_order(power: int):
    weights = tableau.A[tableau.N_STAGES, : tableau.N_STAGES]
    nodes = tableau.C[: tableau.N_STAGES]
    assert weights @ nodes**power == pytest.approx(1 / (power + 1), abs=1e-14)


@pytest.mark.parametrize(("error", "order"), [(tableau.E3, 3), (tableau.E5, 5)])
def test_an_error_estimate_vanishes_up_to_its_order_and_not_beyond(error: np.ndarray, order: int):
    nodes = tableau.C[: tableau.N_STAGES + 1]
    moments = [abs(error @ nodes**power) for power in range(order + 1)]
    assert max(moments[:order]) < 1e-14 < 1e-6 < moments[order]


def test_no_number_can_be_overwritten():
    for name in ("C", "A", "E3", "E5", "D"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(tableau, name)[0] = 0.0
