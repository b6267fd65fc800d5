"""Largest exponents against closed forms and the literature, and their independence of the ensemble."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics.integrate import Status
from panda.dynamics.schedule import Schedule
from panda.dynamics.tangent import Early, Exponents, largest_exponent
from panda.systems.flow import Ensemble, Flow

from .conftest import DECAY, decay_jvp, decay_rhs, ensemble_of, near_published, pair_ensemble

OPTIONS = {
    "rtol": 1e-8,
    "atol": 1e-10,
    "max_steps": 10_000_000,
    "max_abs": 1e4,
    "max_angle": 1e8,
    "min_step": 1e-10,
}


def exponents(
    flow: Flow,
    ensemble: Ensemble,
    duration,
    transient=10.0,
    subspace="whole",
    n_blocks=20,
    early=None,
    **changes,
) -> Exponents:
    n = len(ensemble)
    return largest_exponent(
        flow,
        ensemble,
        subspace=subspace,
        schedule=Schedule(np.broadcast_to(duration, (n,)), np.full(n, transient), n_blocks),
        generator=np.random.default_rng(1),
        early=early,
        limits=Limits(**(OPTIONS | changes)),
    )


def test_lorenz(library):
    flow = library.flow("Lorenz")
    # sigma 10, rho 28, beta 8/3: 0.9056 (Sprott, "Chaos and Time-Series Analysis", Oxford 2003, appendix A).
    parameters = dict(zip(flow.driver.parameter_names, flow.driver.parameters, strict=True))
    parameters["beta"] = 8 / 3
    ensemble = near_published(flow, 8)
    ensemble.driver_parameters[:] = [parameters[name] for name in flow.driver.parameter_names]
    result = exponents(flow, ensemble, 2000.0, transient=50.0)
    assert np.all(result.status == Status.complete)
    assert np.all(np.abs(result.largest - 0.9056) < 3 * result.standard_error + 1e-4)
    assert np.all((result.standard_error > 1e-3) & (result.standard_error < 0.02))
    assert result.largest.mean() == pytest.approx(0.9056, rel=0.005)
    assert result.largest[0] == pytest.approx(0.9056, rel=0.02)
    np.testing.assert_allclose(result.elapsed_time, 2000.0)


def test_rates_of_linear_flows(decay, oscillator):
    slow = exponents(decay, ensemble_of(decay, [[1.0, 1.0]]), 30.0)
    assert slow.largest[0] == pytest.approx(-0.5, abs=1e-8)
    turning = exponents(oscillator, ensemble_of(oscillator, [[1.0, 0.0]]), 50.0)
    assert abs(turning.largest[0]) < 1e-8 and turning.standard_error[0] < 1e-8


def test_a_member_that_surely_grows_slowly_is_left_early(library, decay):
    options = {"duration": 30.0, "n_blocks": 10}
    start = ensemble_of(decay, [[1.0, 1.0]])
    early = exponents(decay, start, early=Early(rate=-0.4, sigmas=3.0, min_blocks=4), **options)
    assert early.status[0] == Status.complete
    assert early.elapsed_time[0] == pytest.approx(4 * 3.0)
    assert early.largest[0] == pytest.approx(-0.5, abs=1e-8)
    faster = exponents(decay, start, early=Early(rate=-0.6, sigmas=3.0, min_blocks=4), **options)
    assert faster.elapsed_time[0] == pytest.approx(30.0)
    with pytest.raises(PandaError, match="a standard error needs at least 2"):
        exponents(decay, start, early=Early(rate=0.0, sigmas=3.0, min_blocks=1), **options)


def test_whom_others_leave_early_does_not_notice(library):
    # rho below 1: everything ends at the origin, so some lanes are idle early.
    flow = library.flow("Lorenz")
    rho = flow.driver.parameter_names.index("rho")
    ensemble = near_published(flow, 12)
    ensemble.driver_parameters[::2, rho] = 0.5
    whole = exponents(flow, ensemble, 40.0)
    early = exponents(flow, ensemble, 40.0, early=Early(rate=0.0, sigmas=3.0, min_blocks=4))
    assert (early.elapsed_time[::2] < 40.0).all()
    np.testing.assert_array_equal(early.largest[1::2], whole.largest[1::2])
    np.testing.assert_array_equal(early.standard_error[1::2], whole.standard_error[1::2])
    alone = exponents(flow, ensemble[:1], 40.0, early=Early(rate=0.0, sigmas=3.0, min_blocks=4))
    assert alone.largest[0] == early.largest[0]


def test_conditional_exponent_of_a_linear_response(library):
    """The response forgets its start at its slower rate times its scale, whatever drives it."""
    lorenz = library.flow("Lorenz")
    flow = dataclasses.replace(
        lorenz, response=DECAY, response_rhs=decay_rhs.address, response_jvp=decay_jvp.address
    )
    alone = near_published(lorenz, 3)
    ensemble = Ensemble(
        driver_parameters=alone.driver_parameters,
        response_parameters=np.tile(DECAY.parameters, (3, 1)),
        driver_scale=np.full((3, 2), 0.7),
        response_scale=np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 0.25]]),
        driver_index=np.array([[2, 0], [1, 2], [0, 1]]),
        initial=np.concatenate([alone.initial, np.ones((3, 2))], axis=1),
    )
    conditional = exponents(flow, ensemble, 40.0, transient=40.0, subspace="response")
    np.testing.assert_allclose(conditional.largest, [-0.5, -1.5, -0.5], atol=1e-6)
    whole = exponents(flow, ensemble, 500.0, transient=40.0)
    assert np.all(np.abs(whole.largest - 0.9) < 0.1)


def test_coupled_exponent_is_the_growth_of_a_small_difference(library):
    """The tangent flow of a skew product, coupling included, against two trajectories of the flow itself."""
    from panda.dynamics.integrate import integrate

    flow = library.flow("Lorenz", "Rossler")
    pair = pair_ensemble(flow, 1)
    transient, duration, epsilon = 1e-3, 0.5, 1e-7
    v = np.random.default_rng(1).standard_normal(6)
    v /= np.linalg.norm(v)
    both = dataclasses.replace(pair[[0, 0]], initial=pair.initial + epsilon * np.stack([0 * v, v]))
    states = integrate(
        flow,
        both,
        duration=np.full(2, transient + duration),
        n_points=502,
        limits=Limits(**(OPTIONS | {"rtol": 1e-12, "atol": 1e-13})),
    ).states
    distance = np.linalg.norm(states[1] - states[0], axis=1)
    growth = np.log(distance[-1] / distance[1]) / duration
    result = exponents(flow, pair, duration, transient=transient, n_blocks=2, rtol=1e-11, atol=1e-12)
    assert result.largest[0] == pytest.approx(growth, rel=1e-4)


def test_a_member_is_the_same_bits_in_any_ensemble(library):
    flow = library.flow("Rossler", "Thomas")
    ensemble = pair_ensemble(flow, 11)
    ensemble.initial[4] = np.nan
    durations = np.linspace(20.0, 60.0, 11)
    whole = exponents(flow, ensemble, durations)
    assert whole.status[4] == Status.diverged and np.isnan(whole.largest[4])
    for members in (np.array([7]), np.arange(10, -1, -1)):
        part = exponents(flow, ensemble[members], durations[members])
        for field in dataclasses.fields(Exponents):
            np.testing.assert_array_equal(getattr(part, field.name), getattr(whole, field.name)[members])


def test_budget_keeps_whole_blocks(library):
    flow = library.flow("Lorenz")
    ensemble = near_published(flow, 1)
    result = exponents(flow, ensemble, 200.0, max_steps=6000)
    assert result.status[0] == Status.budget
    assert 0 < result.elapsed_time[0] < 200.0
    n_done = round(result.elapsed_time[0] / 10.0)
    shorter = exponents(flow, ensemble, 10.0 * n_done, n_blocks=n_done)
    # Stops at the same times, so the same steps.
    assert result.largest[0] == pytest.approx(shorter.largest[0], rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subspace": "response"}, "has no response"),
        ({"subspace": "driver"}, 'choose "whole" or "response"'),
        ({"n_blocks": 1}, "n_blocks is 1"),
        ({"transient": 0.0}, "transient must be finite and > 0"),
        ({"rtol": -1.0}, "rtol is -1.0"),
    ],
)
def test_senseless_arguments_are_refused(oscillator, changes, message):
    with pytest.raises(PandaError, match=message):
        exponents(oscillator, ensemble_of(oscillator, [[1.0, 0.0]]), 10.0, **changes)
