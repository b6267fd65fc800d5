"""What the integration benchmark decides: the rung of the ladder, the mean, what a killed run keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import integrate
from benchmarks.condition import condition, scaled_error
from benchmarks.integrate import LADDER, N_RANDOM_PAIRS, Row, geomean, loosest, measured
from benchmarks.subjects import ROOT, random_pairs, subject
from panda.config.founder_names import without_delay
from panda.core.errors import PandaError


def row(name: str, **changes) -> Row:
    values = {"kind": "founder", "oracle": "Taylor", "periods": 4.0, "radau_ms": 100.0, "radau_error": 1e-10}
    values |= {"ms": 0.5, "error": 1e-9, "matched_rtol": 1e-11, "matched_ms": 1.0, "matched_error": 1e-11}
    return Row(name=name, condition=3.0, **(values | changes))


def test_the_loosest_rung_that_is_accurate_enough():
    assert loosest(iter([1e-8, 1e-9, 1e-10, 1e-12]), 1e-9) == (1, True)
    assert loosest(iter([1e-8, 1e-9]), 1e-6) == (0, True)
    assert loosest(iter([1e-8, 1e-9]), 1e-12) == (1, False)
    climbed = iter([1e-8, 1e-10, 1e-12])
    loosest(climbed, 1e-9)
    assert list(climbed) == [1e-12], "rungs beyond the chosen one are not run"
    assert list(LADDER) == sorted(LADDER, reverse=True) and LADDER[0] == integrate.RTOL


def test_the_mean_is_geometric():
    assert geomean([1.0, 100.0]) == pytest.approx(10.0)
    assert geomean([7.0]) == pytest.approx(7.0)


def test_ratios_are_radau_over_ours():
    assert row("a").ratio == pytest.approx(200.0)
    assert row("a").matched_ratio == pytest.approx(100.0)


def test_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    table, calls = tmp_path / "rows.csv", []

    def fake(names: tuple[str, ...], n_periods: int) -> Row:
        calls.append(names)
        if names == ("B",):
            raise PandaError("B: 3 members did not complete")
        return row("_".join(names), ms=1.0 / 3.0)

    monkeypatch.setattr(integrate, "subject", lambda library, names: names)
    monkeypatch.setattr(integrate, "measure", fake)
    systems = [("A",), ("B",), ("A", "B")]
    first = measured(None, systems, 4, table)
    next(first)  # killed after the first row
    assert [r.name for r in measured(None, systems, 4, table)] == ["A", "A_B"]
    assert calls == [("A",), ("B",), ("A", "B")], "nothing is measured twice"
    assert [r.name for r in measured(None, systems, 4, table)] == ["A", "A_B"]
    assert len(calls) == 3, "a system that failed is not tried again"
    assert "B: 3 members did not complete" in capsys.readouterr().out


def test_random_pairs_are_all_pairs_in_an_order_of_the_seed():
    names = ("c", "a", "b")
    pairs = random_pairs(names, 1)
    assert sorted(pairs) == [(x, y) for x in "abc" for y in "abc" if x != y]
    assert pairs == random_pairs(("b", "c", "a"), 1)
    assert any(random_pairs(names, seed) != pairs for seed in range(2, 8))


def test_everything_is_every_founder_without_delay_and_the_published_pairs(library):
    names = without_delay(library.names)
    (founders, n_founders), (pairs, n_pairs) = integrate._sections(names, everything=True)
    assert (n_founders, n_pairs) == (len(founders), N_RANDOM_PAIRS) == (129, 100)
    published = pd.read_csv(ROOT / "results" / "published" / "benchmarks" / "integrate.csv")["name"].tolist()
    assert [f"{driver}_{response}" for driver, response in pairs[:118]] == published[129:]
    for system in (*founders, *pairs[:118]):
        assert library.flow(*system).dimension > 0


def test_errors_are_in_units_of_the_size():
    truth = np.zeros((3, 2))
    states = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, -4.0]])
    assert scaled_error(states, truth, np.array([0.1, 8.0])) == pytest.approx(1.0)


def test_condition_of_a_linear_flow_is_known(library):
    # At the origin of Lorenz the equations of x and y are linear, and z decays.
    lorenz = subject(library, ("Lorenz",))
    parameters = dict(zip(lorenz.flow.driver.parameter_names, lorenz.flow.driver.parameters, strict=True))
    sigma, rho = parameters["sigma"], parameters["rho"]
    matrix = np.array([[-sigma, sigma], [rho, -1.0]])
    values, vectors = np.linalg.eig(matrix)
    exact = vectors @ np.diag(np.exp(values * 0.5)) @ np.linalg.inv(vectors)
    resting = replace(lorenz, member=replace(lorenz.member, initial=np.zeros((1, 3))))
    found = condition(resting, 0.5, np.ones(3))
    assert found == pytest.approx(np.abs(exact).max(), rel=1e-4)


def test_the_published_table_is_whole_and_says_what_the_page_says():
    table = pd.read_csv(ROOT / "results" / "published" / "benchmarks" / "integrate.csv")
    rows = [Row(**row) for row in table[table.kind != "failed"].to_dict("records")]
    assert [sum(row.kind == kind for row in rows) for kind in ("founder", "pair")] == [129, N_RANDOM_PAIRS]
    assert all(row.matched_error <= row.radau_error for row in rows)
    mean = geomean([row.matched_ratio for row in rows])
    assert mean > 1500
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert f"**{float(f'{mean:.3g}'):,.0f} at equal accuracy**" in page
