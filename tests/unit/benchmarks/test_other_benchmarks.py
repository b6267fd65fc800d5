"""The parts of the smaller benchmarks that could lie, or break unseen: each is called on one system."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import delay, exponents, filters, trajectory
from benchmarks.subjects import subject
from tests.conftest import preset_config


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")
def test_both_validators_give_the_same_verdicts(library):
    lorenz = subject(library, ("Lorenz",))
    chaotic = lorenz.run(lorenz.member, 30 * lorenz.flow.period, 2048, rtol=1e-9).states[0].T
    periodic = [np.sin(np.arange(2048) / k) for k in (9.0, 9.5, 7.0)]
    assert filters.OURS.keys() == filters.THEIRS.keys()
    for test, theirs in filters.THEIRS.items():
        for x in (chaotic, np.stack(periodic)):
            assert filters.OURS[test](x) == theirs(x), test


def test_a_founder_with_delay_is_measured_by_both(library):
    theirs_ms, theirs_error, ours_ms, error = delay.measure(library.flow("MackeyGlass"))
    assert theirs_ms > 0 and ours_ms > 0
    assert error < 1e-7 < theirs_error


def test_known_exponents_stand_beside_ours(library, monkeypatch):
    monkeypatch.setattr(exponents, "LONGER", 1)
    config = preset_config("paper")
    row = exponents.known_row(library, exponents.KNOWN[0], config)
    ours, known = (float(cell.split()[0].strip(",")) for cell in row.split(" | ")[1:3])
    assert known == 0.9056 and ours == pytest.approx(known, abs=0.05)
    cells, off = exponents.founder_row(library, "Lorenz", config)
    assert cells.startswith("| Lorenz | 0.9") and off.shape == (2,)


def test_neighbours_in_the_chaotic_sea_have_positive_exponents(library):
    found = exponents.henon_heiles_neighbours(library, 2000.0)
    assert len(found) == exponents.N_NEIGHBOURS and (found > 0.01).all() and len(set(found)) == len(found)


def test_a_whole_trajectory_is_timed_and_its_error_known(library):
    lorenz = subject(library, ("Lorenz",))
    assert trajectory.milliseconds(lorenz, 1, 1e-9) > 0
    coarse, fine = (trajectory.errors(lorenz, rtol) for rtol in (1e-6, 1e-11))
    assert fine[0] < 1e-9 < coarse[0] and fine[1] <= fine[0]
