"""The driver's share in a response's velocity: by other means, at its limits, and as the certificate of a test split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from panda.core.limits import Limits
from panda.discovery.search.candidates import Group
from panda.discovery.search.coupling import drive_share
from panda.discovery.search.search import integrate_members, search
from panda.discovery.search.select import select
from panda.dynamics.integrate import integrate
from panda.systems.evaluate import right_hand_side
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import from_rows
from panda.systems.skew import Member, founder_ensemble, skew_ensemble

SEED = 11


def pair(library: FounderLibrary, driver: str, response: str, **changes: np.ndarray) -> tuple[Flow, Ensemble]:
    """The default founders coupled in order by scales of 1; `changes` replace arrays of the one member."""
    flow = library.flow(driver, response)
    d_a, d_b = flow.driver_dimension, flow.response_dimension
    member = Member(
        driver_parameters=flow.driver.parameters,
        response_parameters=flow.response.parameters,
        driver_scale=np.ones(d_a),
        response_scale=np.ones(d_b),
        driver_index=np.arange(d_b),
        initial=np.concatenate([flow.driver.initial_condition, flow.response.initial_condition]),
    )
    return flow, replace(
        skew_ensemble(flow, [member]), **{key: value[None] for key, value in changes.items()}
    )


def share(flow: Flow, ensemble: Ensemble, states: np.ndarray, n_points: int = 10_000) -> float:
    return float(drive_share(flow, ensemble, states, np.zeros(states.shape[1]), n_points=n_points)[0])


def test_it_is_what_the_response_would_not_do_by_itself(library: FounderLibrary) -> None:
    """The response's velocity from differences of its states, less its founder's own field at them."""
    flow, ensemble = pair(library, "Lorenz", "Rossler", response_scale=np.array([2.0, 0.5, 1.0]))
    h = 1e-4
    run = integrate(
        flow,
        ensemble,
        duration=np.array([0.5]),
        n_points=5001,
        limits=Limits(rtol=1e-12, atol=1e-12, max_steps=100_000, max_abs=1e4, max_angle=1e8, min_step=1e-12),
    )
    x = run.states[0, :, 3:]
    velocity = (x[2:] - x[:-2]) / (2 * h)
    alone = library.flow("Rossler")
    many = founder_ensemble(alone, np.tile(alone.driver.parameters, (len(velocity), 1)), x[1:-1])
    own = np.array([2.0, 0.5, 1.0]) * right_hand_side(alone, many, x[1:-1], np.zeros(len(velocity)))
    drive, own = (np.linalg.norm(part - part.mean(axis=0)) for part in (velocity - own, own))
    assert share(flow, ensemble, run.states[:, 1:-1]) == pytest.approx(drive / (drive + own), rel=1e-5)


def test_what_does_not_vary_drives_nothing(library: FounderLibrary) -> None:
    states = np.random.default_rng(0).uniform(-3, 3, (1, 200, 9))
    lorenz = {"initial": np.zeros(9)}
    # Zeros from padding alone.
    flow, ensemble = pair(library, "Lorenz", "Hopfield", driver_index=np.array([3, 4, 5, 3, 4, 5]), **lorenz)
    assert share(flow, ensemble, states) == 0.0
    # The driver at its fixed point.
    flow, ensemble = pair(library, "Lorenz", "Hopfield", **lorenz)
    assert 0.01 < share(flow, ensemble, states) < 0.99
    at_rest = np.concatenate([np.zeros((1, 200, 3)), states[:, :, 3:]], axis=2)
    assert share(flow, ensemble, at_rest) == 0.0
    # A phase of constant speed.
    flow, ensemble = pair(library, "Duffing", "Lorenz", driver_index=np.array([2, 2, 2]))
    assert share(flow, ensemble, states[:, :, :6]) < 1e-12


def test_a_response_without_a_field_of_its_own_is_all_drive(library: FounderLibrary) -> None:
    states = np.random.default_rng(0).uniform(-3, 3, (1, 200, 6))
    flow, ensemble = pair(library, "Lorenz", "Rossler", response_scale=np.zeros(3))
    assert share(flow, ensemble, states) == 1.0
    flow, ensemble = pair(library, "Lorenz", "Rossler", response_scale=np.zeros(3), driver_scale=np.zeros(3))
    assert np.isnan(share(flow, ensemble, states))


def test_units_of_time_do_not_matter_and_points_hardly_do(library: FounderLibrary, settings) -> None:
    flow, ensemble = pair(library, "Rossler", "Lorenz")
    states = integrate_members(flow, ensemble, settings.integration).states
    faster = replace(
        ensemble, driver_scale=7 * ensemble.driver_scale, response_scale=7 * ensemble.response_scale
    )
    whole = share(flow, ensemble, states)
    assert share(flow, faster, states) == pytest.approx(whole, rel=1e-12)
    assert share(flow, ensemble, states, settings.statistics.drive_points) == pytest.approx(whole, rel=0.05)


def test_a_founder_alone_has_none(library: FounderLibrary) -> None:
    flow = library.flow("Lorenz")
    ensemble = founder_ensemble(flow, flow.driver.parameters[None], np.ones((1, 3)))
    assert np.isnan(share(flow, ensemble, np.ones((1, 9, 3))))


def test_in_every_accepted_test_system_the_held_out_founder_matters(
    library, measures, settings, smoke
) -> None:
    """A held-out driver that is taken away changes the accepted responses, and none whose share is nothing."""
    many = settings.model_copy(update={"n_perturbations": 30})
    found = search(library, measures, [Group("Lorenz", "Rossler", 30), Group("Lorenz", "", 3)], many, SEED)
    skew = found["population"] == "skew"
    complete = found["status"] == "complete"
    assert found["drive_share"].notna().equals(skew & complete)
    asked = smoke.discover.select.selections["certified"]
    assert "driven" in asked.filters
    # Of the certificate what this is about: the others would leave too few.
    asked = asked.model_copy(update={"filters": ("integrated", "driven")})
    chosen = smoke.discover.select.model_copy(update={"selections": {"certified": asked}})
    founders = smoke.discover.founders.model_copy(update={"held_out": ("Lorenz",), "validation": ()})
    table = select(found, chosen, founders)
    test = table[table["accepted"] & (table["population"] == "skew")]
    assert (test["split"] == "test").all() and len(test) >= 5
    assert test["drive_share"].between(chosen.driven_min_share, 1 - chosen.driven_min_share).all()
    rejected = table[(table["rejected_by"] == "driven")]
    assert len(rejected)
    for rows, matters in ((test, True), (rejected[rejected["drive_share"] < 1e-9], False)):
        ensemble = from_rows(rows)
        flow = library.flow("Lorenz", "Rossler")
        alone = replace(ensemble, driver_scale=np.zeros_like(ensemble.driver_scale))
        # From the end of the transient, where the share is taken.
        first = settings.integration.transient_points
        start = integrate_members(flow, ensemble, settings.integration).states[:, first]
        driven, undriven = (
            integrate_members(flow, replace(one, initial=start), settings.integration).states[:, :256, 3:]
            for one in (ensemble, alone)
        )
        apart = np.abs(driven - undriven).max(axis=(1, 2)) / driven.std(axis=1).max(axis=1)
        assert ((apart > 1e-3) == matters).all()
