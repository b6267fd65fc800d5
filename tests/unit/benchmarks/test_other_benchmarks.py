"""The parts of the smaller benchmarks that could lie, or break unseen: each is called on one system."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import delay, exponents, filters, generations, recertify, trajectory
from benchmarks.subjects import ROOT, subject
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


def test_two_runs_are_paired_by_founder():
    rng = np.random.default_rng(0)
    keys = [
        (f, p, n, h)
        for f in ("panda", "parrot")
        for p in ("founder", "skew")
        for n in "abcdefgh"
        for h in (64, 96)
    ]
    one = pd.DataFrame(keys, columns=["forecaster", "population", "name", "horizon"])
    one[["mae", "smape"]] = rng.uniform(1.0, 2.0, (len(one), 2))
    worse = one["forecaster"].eq("panda").to_numpy()[:, None] * np.array([0.5, 0.0])
    several = one.assign(
        **dict(zip(("mae", "smape"), (one[["mae", "smape"]] + worse).to_numpy().T, strict=True))
    )
    table = generations.generations_table(one, several.sample(frac=1.0, random_state=1))
    assert table["horizon"].unique().tolist() == [64] and (table["n_pairs"] == 8).all()
    found = table.set_index(["forecaster", "metric"])
    assert (
        found.loc[("panda", "mae"), "p_value"] < 0.01 and found.loc[("panda", "mae"), "rank_biserial"] == -1
    )
    assert found.loc[("panda", "smape"), "p_value"] == found.loc[("parrot", "mae"), "p_value"] == 1.0
    own = one[(one["forecaster"] == "panda") & (one["population"] == "founder") & (one["horizon"] == 64)]
    assert found.loc[("panda", "mae"), "median_one"] == own["mae"].median()
    assert found.loc[("panda", "mae"), "median_several"] == pytest.approx(own["mae"].median() + 0.5)


def test_systems_of_an_older_catalogue_are_judged_anew(library):
    """A system of the first published catalogue that holds, and one that escaped: reached 6e141 at period 40."""
    rows = pd.read_parquet(ROOT / "tests/unit/benchmarks/first_catalogue.parquet")
    named = ["Lorenz-pp0", "ArnoldBeltramiChildress_JerkCircuit-pp62"]
    now = recertify.recertify(library, rows, preset_config("paper")).set_index("system")
    assert now["certified"].to_dict() == {named[0]: True, named[1]: False}
