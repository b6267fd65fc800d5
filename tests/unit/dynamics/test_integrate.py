"""Trajectories against closed forms and scipy; tolerances, statuses, independence of the ensemble."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics.integrate import Status, Trajectories, integrate
from panda.systems.flow import Ensemble, Flow

from .conftest import ensemble_of, near_published, pair_ensemble

OPTIONS = {
    "rtol": 1e-9,
    "atol": 1e-10,
    "max_steps": 100_000,
    "max_abs": 1e4,
    "max_angle": 1e8,
    "min_step": 1e-10,
}
TIGHT = OPTIONS | {"rtol": 1e-13, "atol": 1e-14}


def run(
    flow: Flow, ensemble: Ensemble, duration: float | np.ndarray, n_points: int, **changes
) -> Trajectories:
    durations = np.broadcast_to(np.asarray(duration, dtype=float), (len(ensemble),))
    return integrate(
        flow, ensemble, duration=durations, n_points=n_points, limits=Limits(**(OPTIONS | changes))
    )


def lorenz(t, x):
    return np.array([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 2.667 * x[2]])


def rossler(t, x):
    return np.array([-x[1] - x[2], x[0] + 0.2 * x[1], 0.2 + x[2] * (x[0] - 5.7)])


def scipy_states(rhs, start: np.ndarray, duration: float, n_points: int) -> np.ndarray:
    times = np.linspace(0, duration, n_points)
    solution = solve_ivp(rhs, (0, duration), start, method="DOP853", t_eval=times, rtol=1e-13, atol=1e-14)
    return solution.y.T


@pytest.mark.parametrize(
    ("name", "rhs", "lyapunov_time"), [("Lorenz", lorenz, 1.1), ("Rossler", rossler, 14.0)]
)
def test_agrees_with_scipy_over_a_lyapunov_time(library, name, rhs, lyapunov_time):
    flow = library.flow(name)
    ensemble = near_published(flow, 3)
    states = run(flow, ensemble, lyapunov_time, 300, **TIGHT).states
    for member in range(3):
        expected = scipy_states(rhs, ensemble.initial[member], lyapunov_time, 300)
        # Both make errors of some 1e-13 of the state in each of about 100 steps, which grow about e-fold;
        # sums in another order differ by as little. A wrong coefficient shows at 1e-6.
        assert np.abs(states[member] - expected).max() < 1e-10 * np.abs(expected).max()


def test_skew_product_agrees_with_scipy(library):
    flow = library.flow("Lorenz", "Rossler")
    ensemble = pair_ensemble(flow, 3)
    states = run(flow, ensemble, 1.1, 200, **TIGHT).states
    for member in range(3):
        scale, index = ensemble.driver_scale[member], ensemble.driver_index[member]
        response_scale = ensemble.response_scale[member]

        def rhs(t, x, scale=scale, index=index, response_scale=response_scale):
            driver = lorenz(t, x[:3])
            return np.concatenate([driver, scale * driver[index] + response_scale * rossler(t, x[3:])])

        expected = scipy_states(rhs, ensemble.initial[member], 1.1, 200)
        assert np.abs(states[member] - expected).max() < 1e-10 * np.abs(expected).max()


def test_driver_with_fewer_coordinates_is_padded_with_zeros(oscillator, library):
    # Response coordinate i whose driver index points beyond the driver feels the response alone.
    lorenz_flow = library.flow("Lorenz")
    flow = dataclasses.replace(
        oscillator, response=lorenz_flow.driver, response_rhs=lorenz_flow.driver_rhs, code=lorenz_flow.code
    )
    alone = near_published(lorenz_flow, 1)
    ensemble = Ensemble(
        driver_parameters=[[1.0]],
        response_parameters=alone.driver_parameters,
        driver_scale=[[0.0, 3.0, 0.0]],
        response_scale=np.ones((1, 3)),
        driver_index=[[0, 2, 1]],
        initial=np.concatenate([[[1.0, 0.0]], alone.initial], axis=1),
    )
    coupled = run(flow, ensemble, 1.0, 50, **TIGHT).states[0, :, 2:]
    np.testing.assert_allclose(coupled, run(lorenz_flow, alone, 1.0, 50, **TIGHT).states[0], rtol=1e-9)


def test_error_and_steps_follow_the_tolerance(oscillator):
    ensemble = ensemble_of(oscillator, [[1.0, 0.0]])
    times = np.linspace(0, 50, 1001)
    exact = np.stack([np.cos(times), -np.sin(times)], axis=1)
    errors, steps = [], []
    for rtol in (1e-5, 1e-7, 1e-9, 1e-11):
        result = run(oscillator, ensemble, 50.0, 1001, rtol=rtol, atol=rtol)
        errors.append(np.abs(result.states[0] - exact).max())
        steps.append(result.n_steps[0])
    ratios = np.array(errors[:-1]) / errors[1:]
    assert np.all((ratios > 30) & (ratios < 300)), errors
    # Order 8: a hundred times the accuracy costs 100^(1/8) = 1.78 times the steps.
    growth = np.array(steps[1:]) / steps[:-1]
    assert np.all((growth > 1.6) & (growth < 1.95)), steps


def test_dense_output_is_of_order_seven(oscillator):
    # Between the ends of steps the error must not stand out from the error at them.
    period = 2 * np.pi
    ensemble = ensemble_of(oscillator, [[1.0, 0.0]])
    for n_points in (17, 4097):
        states = run(oscillator, ensemble, 4 * period, n_points).states[0]
        times = np.linspace(0, 4 * period, n_points)
        assert np.abs(states[:, 0] - np.cos(times)).max() < 2e-8
    assert states[0].tolist() == [1.0, 0.0]


def test_energy_of_henon_heiles(library):
    flow = library.flow("HenonHeiles")
    states = run(flow, near_published(flow, 8), 40 * flow.period, 400, **TIGHT).states
    x, y, p_x, p_y = np.moveaxis(states, -1, 0)
    energy = (p_x**2 + p_y**2 + x**2 + y**2) / 2 + x**2 * y - y**3 / 3
    assert np.abs(energy - energy[:, :1]).max() < 1e-11


def test_restart_halfway_continues_the_trajectory(library):
    flow = library.flow("Lorenz")
    whole = run(flow, near_published(flow, 4), 2.0, 201).states
    second = run(flow, ensemble_of(flow, whole[:, 100]), 1.0, 101).states
    # Not the same steps, so equal within the tolerance times the growth of two Lyapunov times.
    assert np.abs(second - whole[:, 100:]).max() < 1e-6


def test_stages_see_the_time(clock):
    result = run(clock, ensemble_of(clock, np.zeros((2, 1))), np.array([7.0, 3.0]), 100)
    for member, duration in enumerate((7.0, 3.0)):
        np.testing.assert_allclose(
            result.states[member, :, 0], np.sin(np.linspace(0, duration, 100)), rtol=0, atol=1e-8
        )


@pytest.mark.parametrize("names", [("Lorenz",), ("Rossler", "Thomas"), ("DoublePendulum",)])
def test_a_member_is_the_same_bits_in_any_ensemble(library, names):
    flow = library.flow(*names)
    ensemble = near_published(flow, 19) if len(names) == 1 else pair_ensemble(flow, 19)
    # Members end at different times and one in five fails at once, so that lanes are refilled unevenly.
    ensemble.initial[::5, 0] = np.nan
    durations = flow.period * np.linspace(0.5, 3.0, 19)
    whole = run(flow, ensemble, durations, 50)
    assert np.all((whole.status == Status.diverged) == np.isnan(ensemble.initial[:, 0]))
    order = np.random.default_rng(0).permutation(19)
    for members in (np.array([7]), np.arange(3), np.arange(4, 12), order):
        part = run(flow, ensemble[members], durations[members], 50)
        for field in dataclasses.fields(Trajectories):
            expected = getattr(whole, field.name)[members]
            np.testing.assert_array_equal(getattr(part, field.name), expected, err_msg=field.name)


def test_a_failed_member_leaves_nothing_to_the_next_in_its_lane(library):
    # Small budgets end members right after a rejected step, which would limit the next member's first steps.
    flow = library.flow("Lorenz")
    ensemble = near_published(flow, 30)
    whole = run(flow, ensemble, 2.0, 20, max_steps=31)
    assert np.any(whole.n_rejected > 0) and not whole.complete.any()
    for member in range(30):
        alone = run(flow, ensemble[[member]], 2.0, 20, max_steps=31)
        np.testing.assert_array_equal(alone.states[0], whole.states[member])


def test_costs_what_scipy_costs(library):
    flow = library.flow("Rossler")
    ensemble = near_published(flow, 3)
    result = run(flow, ensemble, 5.0, 2000)
    for member in range(3):
        options = {"method": "DOP853", "t_eval": np.linspace(0, 5.0, 2000), "rtol": 1e-9, "atol": 1e-10}
        n_evaluations = solve_ivp(rossler, (0, 5.0), ensemble.initial[member], **options).nfev
        # The same first step and controller; the last step may be stretched instead of one more made.
        assert abs(result.n_evaluations[member] - n_evaluations) <= 15


def test_budget_counts_attempts(library):
    flow = library.flow("Lorenz")
    ensemble = near_published(flow, 2)
    result = run(flow, ensemble, 100.0, 1000, max_steps=500)
    assert result.status.tolist() == [Status.budget] * 2
    assert (result.n_steps + result.n_rejected).tolist() == [500, 500]
    written = np.isfinite(result.states).all(axis=2)
    assert written[:, 0].all() and not written[:, -1].any()
    full = run(flow, ensemble, 100.0, 1000)
    assert full.complete.all()
    np.testing.assert_array_equal(result.states[written], full.states[written])


def test_escape_diverges_and_does_not_disturb_others(power):
    # x' = x^2 from 1 escapes at t = 1, x' = 1 (b = 0) never does.
    parameters = np.array([[1.0, 2.0], [1.0, 0.0]] * 6)
    result = run(power, ensemble_of(power, np.ones((12, 1)), parameters), 2.0, 21)
    assert result.status.tolist() == [Status.diverged, Status.complete] * 6
    escaped, steady = result.states[0, :, 0], result.states[1, :, 0]
    np.testing.assert_allclose(escaped[:10], 1 / (1 - np.linspace(0, 2, 21)[:10]), rtol=1e-7)
    assert np.isnan(escaped[10:]).all()
    np.testing.assert_allclose(steady, 1 + np.linspace(0, 2, 21), rtol=1e-9)


@pytest.mark.parametrize(
    ("unbounded", "free", "bound"), [((), (0,), 1e4), ((0,), (), 1e4), ((0,), (0,), 1e8)]
)
def test_an_unbounded_coordinate_may_grow_if_it_is_free_but_not_beyond_max_angle(
    power, unbounded, free, bound
):
    """x' = a: a drift, at rates that end the time below and above the bound."""
    meta = dataclasses.replace(power.driver, unbounded_indices=unbounded, free_coordinates=free)
    flow = dataclasses.replace(power, driver=meta)
    ensemble = ensemble_of(
        power, [[0.0]] * 2, np.array([[0.999 * bound / 12, 0.0], [1.001 * bound / 12, 0.0]])
    )
    found = run(flow, ensemble, 12.0, 5)
    assert found.status.tolist() == [Status.complete, Status.diverged]
    assert found.states[0, -1, 0] == pytest.approx(0.999 * bound, rel=1e-9)


def test_singular_slope_underflows(power):
    # x' = -1 / |x| from 1 reaches 0 at t = 1/2 with an infinite slope.
    ensemble = ensemble_of(power, [[1.0]], np.array([[-1.0, -1.0]]))
    result = run(power, ensemble, 2.0, 21)
    assert result.status[0] == Status.underflow
    np.testing.assert_allclose(result.states[0, :5, 0], np.sqrt(1 - 2 * np.linspace(0, 2, 21)[:5]), rtol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf, 2e4])
def test_bad_start_diverges(oscillator, value):
    result = run(oscillator, ensemble_of(oscillator, [[1.0, 0.0], [value, 0.0]]), 1.0, 5)
    assert result.status.tolist() == [Status.complete, Status.diverged]
    assert np.isnan(result.states[1]).all()


def test_an_equilibrium_and_an_empty_ensemble(oscillator):
    rest = run(oscillator, ensemble_of(oscillator, np.zeros((1, 2))), 100.0, 5)
    assert rest.status[0] == Status.complete and not rest.states.any()
    assert run(oscillator, ensemble_of(oscillator, np.zeros((0, 2))), 1.0, 5).states.shape == (0, 5, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_points": 1}, "n_points is 1"),
        ({"duration": np.array([1.0, 2.0])}, r"duration has shape \(2,\), expected \(1,\)"),
        ({"duration": np.array([np.nan])}, "finite and > 0"),
        ({"duration": np.array([-1.0])}, "finite and > 0"),
        ({"rtol": 0.0}, "rtol is 0.0"),
        ({"atol": -1.0}, "atol is -1.0"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"max_abs": np.nan}, "max_abs is nan"),
        ({"max_angle": 0.0}, "max_angle is 0.0"),
        ({"min_step": 0.0}, "min_step is 0.0"),
    ],
)
def test_senseless_arguments_are_refused(oscillator, changes, message):
    times = {"duration": np.array([1.0]), "n_points": 5}
    times |= {name: value for name, value in changes.items() if name in times}
    with pytest.raises(PandaError, match=message):
        limits = Limits(**(OPTIONS | {name: value for name, value in changes.items() if name in OPTIONS}))
        integrate(oscillator, ensemble_of(oscillator, [[1.0, 0.0]]), **times, limits=limits)


def test_an_ensemble_of_another_flow_is_refused(oscillator):
    with pytest.raises(PandaError, match="initial has shape"):
        run(oscillator, ensemble_of(oscillator, [[1.0, 0.0, 0.0]]), 1.0, 5)
