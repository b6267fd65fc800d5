"""The parts of the stiffness study that could lie: its right-hand side, its sample, its outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import stiffness
from benchmarks.stiffness import Candidate, draw, point_function, try_method
from benchmarks.subjects import subject
from panda.config.founder_names import delayed_names
from panda.discovery.search.draw import draw_members
from panda.discovery.search.search import integrate_members
from panda.dynamics.integrate import Status
from panda.systems.evaluate import right_hand_side
from panda.systems.flow import Ensemble

from ...conftest import preset_config


@pytest.fixture(scope="module")
def config():
    return preset_config("paper")


def candidate(flow, member: Ensemble) -> Candidate:
    return Candidate("x", flow, member, Status.budget, 0.0, 0.0)


@pytest.mark.parametrize("names", [("Torus",), ("Lorenz", "HyperRossler"), ("HyperRossler", "Lorenz")])
def test_one_state_at_a_time_equals_the_compiled_flow(library, names):
    s = subject(library, names)
    rng = np.random.default_rng(0)
    function = point_function(s.flow, s.member)
    for state in s.member.initial * (1 + 0.1 * rng.standard_normal((5, s.flow.dimension))):
        expected = right_hand_side(s.flow, s.member, state[None], np.array([1.5]))[0]
        np.testing.assert_array_equal(function(1.5, state), expected)


def test_the_sample_is_of_perturbed_candidates_and_reproducible(library, config):
    drawn = list(draw(library, config))
    by_kind = {kind: sum(len(m) for g, m in drawn if g.population == kind) for kind in ("founder", "skew")}
    assert by_kind == {"founder": stiffness.N_CANDIDATES, "skew": stiffness.N_CANDIDATES}
    for group, members in drawn:
        assert len(set(members)) == len(members)
        assert all(0 < member < group.n_members for member in members), "member 0 is not perturbed"
        assert library.flow(*group.founders).name == group.name, "a delay is in no pair, and not stiff"
        assert not delayed_names() & set(group.founders)
        flow, ones = library.flow(*group.founders), {name: np.ones(20) for name in group.founders}
        rms = {name: values[: library.flow(name).dimension] for name, values in ones.items()}
        n_drawn = len(draw_members(flow, group, config.discover.search, rms, config.seed))
        assert n_drawn == group.n_members, group.name
    again = list(draw(library, config))
    assert [(g, m.tolist()) for g, m in again] == [(g, m.tolist()) for g, m in drawn]


def test_outcomes_of_an_implicit_method(library, config, monkeypatch):
    settings = config.discover.search
    short = settings.integration.model_copy(
        update={"n_periods": 2, "n_points": 200, "rtol": 1e-6, "atol": 1e-8}
    )
    settings = settings.model_copy(update={"integration": short})
    s = subject(library, ("Rossler",))
    outcome, n_evaluations, states = try_method(candidate(s.flow, s.member), settings, "LSODA")
    assert (outcome, states.shape) == ("complete", (200, 3)) and n_evaluations > 100
    truth = s.run(s.member, 2 * s.flow.period, 200, rtol=1e-12).states[0]
    assert np.abs(states - truth).max() < 1e-2
    monkeypatch.setitem(stiffness.N_EVALUATIONS, "LSODA", 50)
    assert try_method(candidate(s.flow, s.member), settings, "LSODA")[0] == "budget"
    monkeypatch.setitem(stiffness.N_EVALUATIONS, "LSODA", 10**6)
    far = Ensemble(**(vars(s.member) | {"initial": np.array([[5e3, 5e3, 5e3]])}))
    assert try_method(candidate(s.flow, far), settings, "LSODA")[0] == "diverged"


def test_a_saved_candidate_is_told_by_the_first_filter_it_fails(library, config):
    lorenz = subject(library, ("Lorenz",))
    settings = config.discover.search
    run = integrate_members(lorenz.flow, lorenz.member, settings.integration)
    saved = candidate(lorenz.flow, lorenz.member)
    assert stiffness.first_failure(saved, run.states[0], config) == ""
    at_rest = np.tile(run.states[0, -1], (settings.integration.n_points, 1))
    assert stiffness.first_failure(saved, at_rest, config) == "not_at_rest"
