"""Candidates followed for long: flows whose motion is known end with the right verdict, in any company."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from panda.config import Follow, Select
from panda.discovery.certificates import follow as stage
from panda.discovery.certificates import stages as long_runs
from panda.discovery.certificates.follow import COLUMNS, follow
from panda.discovery.certificates.stages import growth
from panda.discovery.search.filters import FILTERS, asked
from tests.conftest import preset_config
from tests.unit.discovery.conftest import FOUND_HERE, UNKNOWN
from tests.unit.discovery.test_filters import GOOD

SEED = 5
BETA = 2.667


@pytest.fixture(scope="session")
def run(library, smoke):
    """`run(rows, stages=(10,))`: the rows followed, with some settings changed."""

    def followed(rows: pd.DataFrame, select: Select = smoke.discover.select, **changes) -> pd.DataFrame:
        settings = smoke.discover.follow.model_copy(update=changes)
        return follow(library, rows, select, settings, smoke.discover.search.integration.limits, SEED)

    return followed


def persists(row: pd.Series, select: Select) -> bool:
    return FILTERS["persistent"](row.to_dict(), select)


def lasts(row: pd.Series, select: Select) -> bool:
    """Also at the finer tolerance."""
    return persists(row, select) and FILTERS["converged"](row.to_dict(), select)


def lorenz_starts(n: int) -> np.ndarray:
    return np.array([1.0, 1.0, 20.0]) + np.random.default_rng(0).standard_normal((n, 3))


def lorenz_at_rest(rho: float) -> float:
    """The largest exponent of Lorenz' flow at its fixed points: the real part of the Jacobian's eigenvalues there."""
    x = np.sqrt(BETA * (rho - 1))
    jacobian = np.array([[-10.0, 10.0, 0.0], [1.0, -1.0, -x], [x, x, -BETA]])
    return float(np.linalg.eigvals(jacobian).real.max())


def test_chaos_is_chaotic_and_lasts(run, candidates, smoke):
    row = run(candidates("Lorenz", {})).iloc[0]
    assert row["verdict"] == "chaotic" and row["why_undecided"] == ""
    assert row["follow_status"] == "complete" and np.isnan(row["escape_periods"])
    assert row["late_verdict"] == "chaotic" and persists(row, smoke.discover.select)
    assert abs(row["followed_exponent"] - 0.9056) < 4 * row["followed_error"]
    # Lorenz' attractor lies in |x| < 25, |y| < 30, 0 < z < 55.
    assert (np.abs(row["end_state"] - [0, 0, 27.5]) < [25, 30, 27.5]).all()


def test_a_fixed_point_is_regular_and_is_given_up_early(run, candidates, smoke):
    row = run(candidates("Lorenz", {"rho": 14.0})).iloc[0]
    assert row["verdict"] == "regular" and row["follow_status"] == "" and not len(row["end_state"])
    assert row["followed_periods"] < smoke.discover.follow.stages[0]
    # The vector turns round while it shrinks: over T the mean is off by 1 / T.
    assert row["followed_exponent"] == pytest.approx(lorenz_at_rest(14.0), rel=0.01)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("Rossler", {"c": 2.5}),
        ("Rossler", {"c": 3.5}),
        ("Duffing", {"gamma": 0.2}),
        ("Lorenz", {"rho": 160.0}),
        ("Lorenz", {"rho": 350.0}),
    ],
)
def test_a_limit_cycle_is_regular(run, candidates, name: str, changes: dict[str, float]):
    row = run(candidates(name, changes)).iloc[0]
    assert row["verdict"] == "regular" and row["why_undecided"] == "" and row["follow_status"] == ""
    assert abs(row["followed_exponent"]) < 3 * row["followed_error"]


def test_a_torus_is_regular(run, candidates):
    """Quasi-periodic by construction; and on islands of Henon and Heiles', where two oscillators hardly couple."""
    torus = run(candidates("Torus", {})).iloc[0]
    assert torus["verdict"] == "regular"
    island = candidates("HenonHeiles", {}, [[0.0, 0.1, 0.1, 0.0], [0.0, 0.05, 0.1, 0.03]])
    assert (run(island)["verdict"] != "chaotic").all()
    # Shear hides for long that nothing grows exponentially. Whoever is given up early and yet undecided goes on.
    found = run(island, stages=(100, 400, 4000))
    assert found["verdict"].tolist() == ["regular"] * 2 and (found["why_undecided"] == "").all()


@pytest.mark.parametrize("rho", [22.5, 23.5])
def test_chaos_that_dies_is_found_late(run, candidates, smoke, rho: float):
    """Below rho = 24.06 Lorenz' chaos is a long transient that ends in one of two fixed points."""
    found = run(candidates("Lorenz", {"rho": rho}, lorenz_starts(32)))
    died = found[found["late_verdict"] == "regular"]
    assert len(died) and (died["verdict"] == "chaotic").all()
    assert not any(persists(row, smoke.discover.select) for _, row in died.iterrows())
    rest = lorenz_at_rest(rho)
    assert np.median(died["late_exponent"]) == pytest.approx(rest, rel=0.05)
    # Whoever ended near a fixed point is not certified; whoever is found regular has ended near one.
    for _, row in found[found["follow_status"] == "complete"].iterrows():
        x, y, z = row["end_state"]
        radius = np.sqrt(BETA * (rho - 1))
        away = np.linalg.norm([abs(x) - radius, abs(y) - radius, z - (rho - 1)])
        assert not (away < 1e-3 and lasts(row, smoke.discover.select))
        assert away < 1.0 or row["late_verdict"] != "regular"


def test_who_escapes_does_not_persist(run, candidates, smoke, library):
    """Rossler's flow beyond its boundary crisis, at a = 0.383: bounded for some hundred periods, then gone."""
    starts = [[1, 1, 0], [1, 2, 0], [2, 1, 0], [3, 3, 0], [0, 3, 0], [-1, -3, 0]]
    found = run(candidates("Rossler", {"a": 0.383}, starts))
    escaped = found[found["verdict"] == "chaotic"]
    assert len(escaped) and (escaped["follow_status"] == "diverged").all()
    assert escaped["escape_periods"].between(1, smoke.discover.follow.persistence_periods).all()
    others = found[found["verdict"] != "chaotic"]
    assert (others["why_undecided"] == "diverged").all()
    assert not any(persists(row, smoke.discover.select) for _, row in found.iterrows())

    def rossler(_, state):
        x, y, z = state
        return [-y - z, x + 0.383 * y, 0.2 + z * (x - 5.7)]

    def gone(_, state):
        return float(np.abs(state).max() - 1e3)

    gone.terminal = True
    until = smoke.discover.follow.persistence_periods * library.flow("Rossler").period
    for start in starts[:2]:
        there = solve_ivp(rossler, (0, until), start, method="DOP853", rtol=1e-5, atol=1e-7, events=gone)
        assert len(there.t_events[0]) == 1


def test_neither_batches_nor_shards_matter(run, candidates, monkeypatch):
    rows = pd.concat(
        [
            candidates("Lorenz", {"rho": 23.5}, lorenz_starts(5)),
            candidates("Rossler", {"a": 0.383}, [[1, 1, 0], [1, 2, 0], [2, 1, 0]]),
            candidates("Thomas", {}),
        ],
        ignore_index=True,
    )
    few = {"stages": (20, 40), "persistence_periods": 100}
    together = run(rows, **few)
    assert tuple(together.columns) == COLUMNS and list(together["system"]) == list(rows["system"])
    monkeypatch.setattr(stage, "BATCH", 2)
    pd.testing.assert_frame_equal(run(rows, **few), together)
    parts = [run(rows.iloc[i::3], **few) for i in range(3)]
    joined = pd.concat(parts).sort_values("system", ignore_index=True)
    pd.testing.assert_frame_equal(joined, together.sort_values("system", ignore_index=True))
    nothing = run(rows.iloc[:0], **few)
    assert len(nothing) == 0 and tuple(nothing.columns) == COLUMNS


def test_undecided_ones_go_on_and_their_periods_add_up(run, candidates):
    rows = candidates("Rossler", {"c": 2.5})
    first, both = run(rows, stages=(100,)).iloc[0], run(rows, stages=(100, 400)).iloc[0]
    assert (first["verdict"], first["why_undecided"]) == ("undecided", "budget of periods")
    assert (first["followed_periods"], both["followed_periods"]) == (100, 500)
    assert both["followed_error"] < first["followed_error"]
    # The search's own exponent has its share: 60 periods beside 500.
    searched = {"largest_exponent": 0.002, "exponent_error": 0.004, "shear_exponent": 0.003}
    more = run(rows.assign(exponent_periods=60.0, **searched), stages=(100, 400)).iloc[0]
    assert more["followed_periods"] == 560
    assert more["followed_exponent"] == pytest.approx((60 * 0.002 + 500 * both["followed_exponent"]) / 560)
    expected = np.hypot(60 * 0.004, 500 * both["followed_error"]) / 560
    assert more["followed_error"] == pytest.approx(expected)


def test_where_the_field_depends_on_time_each_stage_goes_on_at_its_time(
    run, candidates, monkeypatch, library
):
    # Torus moves along a closed form, whatever its state: begun anew at time 0 it would move along another torus.
    seen = []

    def growth_of(flow, ensemble, **options):
        seen.append((options, stage_growth(flow, ensemble, **options)))
        return seen[-1][1]

    stage_growth = long_runs.tangent_growth
    monkeypatch.setattr(long_runs, "tangent_growth", growth_of)
    rows = candidates("Torus", {})
    # A bar below zero: all that does not shrink is chaotic, and followed to the end.
    settings = {"stages": (20,), "transient_periods": 5, "min_power": -1.0}
    later = {"persistence_periods": 10, "late_stages": (20,), "late_transient_periods": 7}
    row = run(rows, **settings, **later).iloc[0]
    assert row["late_verdict"] == "chaotic" and not len(row["end_state"])
    before = [float(options["schedule"].transient[0] / rows["period"][0]) for options, _ in seen]
    assert before == pytest.approx([5, 17, 5, 17])
    founder = library["Torus"]
    a, n, r = (founder.parameters[founder.parameter_names.index(name)] for name in ("a", "n", "r"))

    def orbit(t):
        out = r + a * np.cos(n * t)
        return np.stack([out * np.cos(t), out * np.sin(t), a * np.sin(n * t)], axis=-1)

    for options, found in seen:
        t = np.linspace(
            0, options["schedule"].transient[0] + options["schedule"].duration[0], options["n_points"]
        )
        expected = orbit(t) - orbit(t[:1]) + rows["initial"][0]
        assert np.abs(found.states[0] - expected).max() < 1e-2 * a


# A driver whose regular motion, integrated at 1e-5, was certified as chaos: of the published catalogue.
SWINGING_ATWOOD = {
    "driver_parameters": [0.29455663798925946, 12.614805897693111],
    "response_parameters": [],
    "driver_scale": [0.1528949925255505, -0.0025696226532241724, 0.01718316249340335],
    "response_scale": [1.1154447055939152, 0.44842131657952466, 0.14957313637676428],
    "driver_index": [0, 2, 1],
    "initial": [
        0.11149458847549239,
        12496.736522726365,
        -1.4738560837177606,
        0.1831753925185809,
        6.777437775988341,
        4.253580495937177,
        -2.4173512595152875,
    ],
}


def test_rounding_makes_no_chaos(library, smoke):
    flow = library.flow("SwingingAtwood", "SprottA")
    names = {"name": flow.name, "driver": "SwingingAtwood", "response": "SprottA", "population": "skew"}
    known = GOOD | UNKNOWN | names | {"system": "SwingingAtwood_SprottA-pp43", "period": flow.period}
    row = {key: [value] for key, value in known.items() if key not in FOUND_HERE}
    table = pd.DataFrame(row | {key: [np.array(value)] for key, value in SWINGING_ATWOOD.items()})
    table["perturbation"] = 43
    settings = preset_config("paper").discover
    found = follow(library, table, settings.select, settings.follow, settings.search.integration.limits, SEED)
    (row,) = found.to_dict("records")
    assert row["verdict"] == "chaotic" and row["followed_exponent"] > 0.006
    assert row["fine_verdict"] != "chaotic" and row["fine_exponent"] < 0.003
    assert FILTERS["persistent"](row, settings.select) and not FILTERS["converged"](row, settings.select)


def test_lasting_chaos_is_measured_once_more_and_shares_nothing_with_the_first_run(run, candidates, smoke):
    sure = {
        "largest_exponent": 0.9,
        "exponent_error": 0.05,
        "shear_exponent": 0.015,
        "exponent_periods": 60.0,
    }
    row = run(candidates("Lorenz", {}).assign(**sure)).iloc[0]
    assert (row["fine_verdict"], row["fine_status"], row["fine_late_verdict"]) == (
        "chaotic",
        "complete",
        "chaotic",
    )
    settings: Follow = smoke.discover.follow
    # The search's own periods have no part in it, although they decided for the first run.
    assert row["fine_periods"] == settings.stages[0] + settings.late_stages[0]
    assert abs(row["fine_exponent"] - 0.9056) < 4 * row["fine_error"]
    assert row["fine_exponent"] != row["followed_exponent"]
    assert FILTERS["converged"](row.to_dict(), smoke.discover.select)
    # It starts at the candidate's own state and at the finer tolerance: as a first run at that tolerance would.
    finer = run(
        candidates("Lorenz", {}),
        rtol=settings.fine_rtol,
        atol=settings.fine_atol,
        fine_rtol=1e-9,
        fine_atol=1e-11,
    ).iloc[0]
    assert finer["growth"] == row["fine_growth"]


def test_only_lasting_chaos_is_followed_at_the_finer_tolerance(run, candidates, smoke):
    cycle = run(candidates("Rossler", {"c": 2.5})).iloc[0]
    assert cycle["fine_verdict"] == cycle["fine_status"] == "" and np.isnan(cycle["fine_exponent"])
    select = smoke.discover.select
    certified = select.selections["certified"]
    fewer = tuple(name for name in certified.filters if name != "converged")
    without = select.model_copy(
        update={"selections": {"certified": certified.model_copy(update={"filters": fewer})}}
    )
    row = run(candidates("Lorenz", {}), select=without).iloc[0]
    assert row["late_verdict"] == "chaotic" and row["fine_verdict"] == ""


def test_what_the_search_decides_is_followed_no_further(run, candidates, smoke):
    sure = {
        "largest_exponent": 0.9,
        "exponent_error": 0.05,
        "shear_exponent": 0.015,
        "exponent_periods": 60.0,
    }
    row = run(candidates("Lorenz", {}).assign(**sure)).iloc[0]
    settings: Follow = smoke.discover.follow
    late = settings.late_stages[0]
    assert row["verdict"] == row["late_verdict"] == "chaotic" and row["followed_periods"] == 60 + late
    expected = (60 * 0.9 + late * row["late_exponent"]) / row["followed_periods"]
    assert row["followed_exponent"] == pytest.approx(expected)
    calm = sure | {"largest_exponent": -0.9}
    row = run(candidates("Lorenz", {}).assign(**calm)).iloc[0]
    assert (row["verdict"], row["followed_periods"], row["follow_status"]) == ("regular", 60, "")


def test_a_vector_that_got_lost_decides_nothing(run, candidates):
    row = run(candidates("Lorenz", {}).assign(exponent_status="sliding")).iloc[0]
    assert (row["verdict"], row["why_undecided"], row["followed_periods"]) == ("undecided", "sliding", 0)


def test_only_what_a_selection_needs_is_asked(run, candidates, smoke):
    select = smoke.discover.select
    rows = candidates("Lorenz", {}, lorenz_starts(4))
    rows["status"] = ["complete", "diverged", "complete", "complete"]
    # Fails a filter of `certified` alone, and one of both.
    rows["return_distance"] = [0.5, 0.5, 0.0, 0.5]
    rows["spectral_peaks"] = [[20.0, 20.0]] * 3 + [[0.0, 0.0]]
    decide, persist, converge = asked(rows, select)
    assert decide.tolist() == [True, False, True, False]
    assert persist.tolist() == converge.tolist() == [True, False, False, False]
    found = run(rows).set_index("system")
    assert list(found.index) == ["Lorenz-pp0", "Lorenz-pp2"]
    assert found["follow_status"].tolist() == ["complete", ""] and not len(
        found.loc["Lorenz-pp2", "end_state"]
    )
    certified = select.selections["certified"]
    alone = select.model_copy(update={"selections": {"certified": certified}})
    assert asked(rows, alone)[0].tolist() == [True, False, False, False]
    weaker = certified.model_copy(
        update={
            "filters": tuple(name for name in certified.filters if name not in ("persistent", "converged"))
        }
    )
    weaker = select.model_copy(update={"selections": {"certified": weaker}})
    first = [True, False, False, False]
    assert [part.tolist() for part in asked(rows, weaker)] == [first, [False] * 4, [False] * 4]
    # Nobody converges who was not followed for long.
    weaker = certified.model_copy(
        update={"filters": tuple(name for name in certified.filters if name != "persistent")}
    )
    weaker = select.model_copy(update={"selections": {"certified": weaker}})
    assert [part.tolist() for part in asked(rows, weaker)] == [first] * 3


def test_growth_of_known_series():
    t = np.linspace(0, 40 * np.pi, 4000)
    steady = np.column_stack([np.sin(t), 100 * np.cos(t)])
    assert growth(steady) == pytest.approx(1.0, abs=0.01)
    # A straight line: three quarters of its length from the first half's mean, where that lies within one quarter.
    assert growth(np.arange(1000.0)[:, None]) == pytest.approx(3.0, rel=0.01)
    swelling = steady * np.where(t < t[2000], 1.0, 5.0)[:, None]
    assert growth(swelling) == pytest.approx(5.0, rel=0.02)
    one = np.column_stack([steady[:, 0], swelling[:, 1]])
    assert growth(one) == pytest.approx(5.0, rel=0.02)
    assert growth(one * [1e-6, 3.0] + [7.0, -1e3]) == pytest.approx(growth(one), rel=1e-4)


def test_growth_looks_at_what_moves():
    t = np.linspace(0, 40 * np.pi, 4000)
    still = np.column_stack([np.sin(t), np.zeros_like(t)])
    assert growth(still) == pytest.approx(1.0, abs=0.01)
    # A coordinate a millionth as large as another is measured by a thousandth of that.
    still[2000:, 1] = 1e-6
    assert growth(still) == pytest.approx(1.0, abs=0.01)
    assert np.isnan(growth(np.ones((100, 2)))) and np.isnan(growth(np.empty((100, 0))))
    assert np.isnan(growth(np.arange(3.0)[:, None])) and np.isfinite(growth(np.arange(4.0)[:, None]))
