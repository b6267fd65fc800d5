"""Equations with delay against closed forms, an independent method of steps, and published exponents."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from math import factorial

import numpy as np
import pytest
from numba import cfunc
from scipy.integrate import solve_ivp
from scipy.interpolate import PchipInterpolator
from scipy.special import lambertw

from panda.config.founder_names import delayed_names
from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics.delay import N_PIECES
from panda.dynamics.integrate import Status, Trajectories, integrate
from panda.dynamics.schedule import Schedule
from panda.dynamics.tangent import Exponents, largest_exponent
from panda.systems.flow import Ensemble, Flow
from panda.systems.lanes import N_LANES

from .conftest import JVP, RHS, ensemble_of, founder

OPTIONS = {
    "rtol": 1e-9,
    "atol": 1e-10,
    "max_steps": 100_000,
    "max_abs": 1e4,
    "max_angle": 1e8,
    "min_step": 1e-10,
}
TIGHT = OPTIONS | {"rtol": 1e-13, "atol": 1e-14}
DELAYED = sorted(delayed_names())


@cfunc(RHS)
def echo_rhs(t, y, p, dy):
    """dx/dt = a x(t - tau), parameters (a, tau)."""
    for lane in range(N_LANES):
        dy[lane] = p[lane] * y[N_LANES + lane]


@cfunc(JVP)
def echo_jvp(t, y, v, p, dy, dv):
    for lane in range(N_LANES):
        dy[lane] = p[lane] * y[N_LANES + lane]
        dv[lane] = p[lane] * v[N_LANES + lane]


@pytest.fixture(scope="module")
def echo() -> Flow:
    """dx/dt = -x(t - 1) from x = 1, saved at five times of a delay."""
    meta = dataclasses.replace(founder("Echo", [-1.0, 1.0], [1.0] * 5, 4.0), delay_index=1)
    return Flow(meta, None, echo_rhs.address, echo_jvp.address, 0, 0)


def echo_solution(t: np.ndarray, a: float, tau: float) -> np.ndarray:
    """x(t) = sum_k a^k (t - (k - 1) tau)^k / k! over k <= t / tau + 1: a polynomial on each delay."""
    total = np.ones_like(t)
    for k in range(1, int(t.max() / tau) + 2):
        total += a**k * np.maximum(t - (k - 1) * tau, 0.0) ** k / factorial(k)
    return total


def run(flow: Flow, ensemble: Ensemble, duration: float, n_points: int, **changes) -> Trajectories:
    durations = np.full(len(ensemble), float(duration))
    return integrate(
        flow, ensemble, duration=durations, n_points=n_points, limits=Limits(**(OPTIONS | changes))
    )


def exponents(
    flow: Flow, ensemble: Ensemble, duration: float, transient: float, n_blocks: int = 20, **changes
) -> Exponents:
    n = len(ensemble)
    arguments = OPTIONS | {"max_steps": 10_000_000} | changes
    return largest_exponent(
        flow,
        ensemble,
        subspace="whole",
        schedule=Schedule(np.full(n, duration), np.full(n, transient), n_blocks),
        generator=np.random.default_rng(1),
        limits=Limits(**arguments),
    )


def default(flow: Flow) -> Ensemble:
    return ensemble_of(flow, flow.driver.initial_condition[None])


def resolved(flow: Flow, n_nodes: int) -> Flow:
    """The same equation, saved at `n_nodes` times of a delay."""
    start = np.full(n_nodes, flow.driver.initial_condition[0])
    return dataclasses.replace(
        flow, driver=dataclasses.replace(flow.driver, dimension=n_nodes, initial_condition=start)
    )


def test_states_are_the_solution_at_equally_spaced_times_of_a_delay(echo):
    ensemble = ensemble_of(echo, np.ones((2, 5)), np.array([[-1.0, 1.0], [-0.4, 2.5]]))
    states = run(echo, ensemble, 10.0, 81, **TIGHT).states
    for member, (a, tau) in enumerate(ensemble.driver_parameters):
        # dysts' convention: the first state is that one delay after the start.
        times = tau + np.linspace(0, 10.0, 81)[:, None] - np.linspace(0, tau, 5)
        np.testing.assert_allclose(states[member], echo_solution(times, a, tau), rtol=0, atol=1e-11)


def test_steps_end_where_derivatives_jump(echo):
    # Over delay k the solution is a polynomial of degree k, which a method of order 8 with an interpolant of
    # order 7 has no error in up to k = 7, however long its steps, unless one of them crosses a jump.
    result = run(echo, default(echo), 6.0, 200, rtol=1e-2, atol=1e-2)
    times = 1.0 + np.linspace(0, 6.0, 200)[:, None] - np.linspace(0, 1.0, 5)
    assert result.n_steps[0] < 60
    np.testing.assert_allclose(result.states[0], echo_solution(times, -1.0, 1.0), rtol=0, atol=1e-13)


def rate(flow: Flow) -> Callable[..., float]:
    """dysts' own Python code of the right-hand side, with the published parameters."""
    from dysts import flows

    function = getattr(flows, flow.driver.name)._rhs.py_func
    parameters = [float(value) for value in flow.driver.parameters]
    return lambda t, x, past: function(x, past, t, *parameters)


def method_of_steps(flow: Flow, history: Callable, tau: float, n_delays: int, cuts: int) -> Callable:
    """scipy's solution at 1e-13, cut into pieces of tau / cuts so that no jump is inside of one."""
    f, pieces, x = rate(flow), [], float(history(0.0))

    def value(t: float) -> float:
        return float(history(t)) if t <= 0 else float(pieces[min(int(t * cuts / tau), len(pieces) - 1)](t)[0])

    for i in range(n_delays * cuts):
        span = (i * tau / cuts, (i + 1) * tau / cuts)
        solution = solve_ivp(
            lambda t, y: [f(t, y[0], value(t - tau))],
            span,
            [x],
            "DOP853",
            dense_output=True,
            rtol=1e-13,
            atol=1e-14,
        )
        pieces.append(solution.sol)
        x = solution.y[0, -1]
    return np.vectorize(value)


@pytest.mark.parametrize("name", DELAYED)
def test_founders_agree_with_an_independent_method_of_steps(library, name):
    flow = library.flow(name)
    tau, start = flow.driver.parameters[flow.driver.delay_index], flow.driver.initial_condition[0]
    expected = method_of_steps(flow, lambda t: start, tau, 3, cuts=1)
    states = run(flow, default(flow), 2 * tau, 40, **TIGHT).states[0]
    times = tau + np.linspace(0, 2 * tau, 40)[:, None] - np.linspace(0, tau, 10)
    theirs = expected(times)
    assert np.abs(states - theirs).max() < 1e-10 * np.abs(theirs).max()


@pytest.mark.parametrize("name", DELAYED)
def test_dysts_converges_to_our_states(library, name):
    """The same coordinates at the same times; dysts' error, of its piecewise linear past, falls with its spacing."""
    from dysts import flows

    flow, errors = library.flow(name), []
    tau = flow.driver.parameters[flow.driver.delay_index]
    for n_points in (500, 1000):
        system = getattr(flows, name)()
        theirs = system.make_trajectory(n_points, pts_per_period=n_points * system.period / tau)
        ours = run(flow, default(flow), tau, n_points, **TIGHT).states[0]
        errors.append(np.abs(theirs - ours).max() / np.std(ours))
    assert errors[1] < 0.15 and errors[1] < errors[0], errors


def test_a_start_is_the_shape_preserving_cubic_through_it(library):
    flow = library.flow("MackeyGlass")
    tau, start = 16.0, np.array([0.9, 1.0, 1.2, 1.1, 0.7, 0.5, 0.6, 0.6, 0.8, 1.0])
    history = PchipInterpolator(np.linspace(-tau, 0, 10), start[::-1])
    expected = method_of_steps(flow, history, tau, 2, cuts=9)
    states = run(flow, ensemble_of(flow, start[None]), tau, 30, **TIGHT).states[0]
    times = tau + np.linspace(0, tau, 30)[:, None] - np.linspace(0, tau, 10)
    assert np.abs(states - expected(times)).max() < 1e-11


def test_error_and_steps_follow_the_tolerance(library):
    flow = library.flow("IkedaDelay")
    exact = run(flow, default(flow), 18.0, 600, **TIGHT).states[0]
    tolerances, errors, steps = 10.0 ** -np.arange(4, 12), [], []
    for rtol in tolerances:
        result = run(flow, default(flow), 18.0, 600, rtol=rtol, atol=rtol)
        errors.append(np.abs(result.states[0] - exact).max())
        steps.append(result.n_steps[0])
    # Order 8: the error falls with the eighth power of the number of steps, and about as the tolerance does.
    # Steps that end at jumps are there at any tolerance, which makes the power look a little higher.
    assert -10.0 < np.polyfit(np.log(steps), np.log(errors), 1)[0] < -7.5, (errors, steps)
    assert 0.85 < np.polyfit(np.log(tolerances), np.log(errors), 1)[0] < 1.15, errors


def test_a_restart_follows_the_trajectory_the_closer_the_more_is_saved(library):
    errors = []
    for n_nodes in (10, 40, 160):
        flow = resolved(library.flow("MackeyGlass"), n_nodes)
        whole = run(flow, default(flow), 100.0, 101, **TIGHT).states
        # A start's first saved state is one delay later.
        again = run(flow, ensemble_of(flow, whole[:, 50]), 34.0, 35, **TIGHT).states
        errors.append(np.abs(again[0] - whole[0, 66:]).max())
    assert errors[0] < 2e-2 and errors[1] < 1e-3 and errors[2] < 2e-5, errors


def test_the_past_is_the_same_after_old_pieces_are_dropped(library):
    # tau is 36 times the spacing, so that coordinate j is coordinate 0 of 4 j points before.
    flow = library.flow("IkedaDelay")
    n_points = 36 * 70 + 1
    result = run(flow, default(flow), 140.0, n_points, **TIGHT)
    assert result.complete[0] and result.n_steps[0] > N_PIECES
    states = result.states[0]
    for j in range(1, 10):
        assert np.abs(states[4 * j :, j] - states[: -4 * j, 0]).max() < 1e-9


@pytest.mark.parametrize(("a", "tau"), [(1.0, 1.0), (-1.0, 1.0), (0.3, 4.0)])
def test_rate_of_a_linear_equation(echo, a, tau):
    """Solutions exp(z t) have z = a exp(-z tau): the largest real part is that of W(a tau) / tau."""
    ensemble = ensemble_of(echo, np.ones((1, 5)), np.array([[a, tau]]))
    result = exponents(echo, ensemble, 200.0, transient=40.0, max_abs=1e100)
    assert result.status[0] == Status.complete
    # A complex rate turns within the delay, and the norm with it.
    tolerance = 1e-7 if a > 0 else 1e-2
    assert result.largest[0] == pytest.approx(lambertw(a * tau).real / tau, abs=tolerance)


def test_exponent_is_the_growth_of_a_small_difference(library):
    flow = resolved(library.flow("IkedaDelay"), 400)
    tau, transient, duration, epsilon = 2.0, 2.0, 2.0, 1e-7
    v = np.random.default_rng(1).standard_normal(400)
    v /= np.linalg.norm(v)
    start = flow.driver.initial_condition
    # About a constant the interpolant of a start plus epsilon v is that of v, times epsilon, plus the start.
    both = ensemble_of(flow, np.stack([start, start + epsilon * v]))
    states = run(flow, both, duration, 2, **TIGHT).states
    distance = np.sqrt(np.mean((states[1] - states[0]) ** 2, axis=1))
    growth = np.log(distance[1] / distance[0]) / duration
    result = exponents(flow, default(flow), duration, transient, n_blocks=2, **TIGHT)
    assert tau == flow.driver.parameters[flow.driver.delay_index]
    assert result.largest[0] == pytest.approx(growth, rel=5e-3)


def test_mackey_glass_has_its_published_exponents(library):
    """Lyapunov times 197, 138, 106 and 139 at delays 17, 18, 23 and 30, computed there with another integrator.

    Source: the data set card of the NeuroBench Mackey-Glass benchmark (Yik and others, Nature Communications 16,
    2025). At delay 16, dysts' own, the attractor is a limit cycle.
    """
    flow = library.flow("MackeyGlass")
    delays = np.array([17.0, 18.0, 23.0, 30.0, 16.0])
    parameters = np.tile(flow.driver.parameters, (5, 1))
    parameters[:, flow.driver.delay_index] = delays
    ensemble = ensemble_of(flow, np.tile(flow.driver.initial_condition, (5, 1)), parameters)
    result = exponents(flow, ensemble, 60_000.0, 3000.0, rtol=1e-6, atol=1e-8)
    assert np.all(result.status == Status.complete)
    published = 1 / np.array([197.0, 138.0, 106.0, 139.0])
    assert np.all(np.abs(result.largest[:4] - published) < 4 * result.standard_error[:4]), result
    np.testing.assert_allclose(result.largest[:4], published, rtol=0.1)
    assert abs(result.largest[4]) < 1e-4


def test_a_member_is_the_same_bits_in_any_ensemble(library):
    flow = library.flow("SprottDelay")
    start = flow.driver.initial_condition * (1 + 0.1 * np.random.default_rng(3).standard_normal((7, 10)))
    start[2, 4] = np.nan
    ensemble = ensemble_of(flow, start)
    ensemble.driver_parameters[5, flow.driver.delay_index] = -0.5
    whole = run(flow, ensemble, 300.0, 50)
    rates = exponents(flow, ensemble, 100.0, 50.0)
    assert whole.status[[2, 5]].tolist() == [Status.diverged, Status.acausal]
    assert whole.complete.sum() == 5
    for members in (np.array([6]), np.array([4, 3, 2, 1])):
        part = run(flow, ensemble[members], 300.0, 50)
        for field in dataclasses.fields(Trajectories):
            np.testing.assert_array_equal(getattr(part, field.name), getattr(whole, field.name)[members])
        again = exponents(flow, ensemble[members], 100.0, 50.0)
        for field in dataclasses.fields(Exponents):
            np.testing.assert_array_equal(getattr(again, field.name), getattr(rates, field.name)[members])


@pytest.mark.parametrize("tau", [0.0, -2.0, np.nan, np.inf])
def test_a_delay_that_is_not_positive_and_finite_is_acausal(echo, tau):
    ensemble = ensemble_of(echo, np.ones((2, 5)), np.array([[-1.0, tau], [-1.0, 1.0]]))
    result = run(echo, ensemble, 5.0, 11)
    assert result.status.tolist() == [Status.acausal, Status.complete]
    assert np.isnan(result.states[0]).all() and np.isfinite(result.states[1]).all()


def test_failures_have_the_statuses_of_other_flows(echo):
    growing = ensemble_of(echo, np.ones((1, 5)), np.array([[2.0, 1.0]]))
    assert run(echo, growing, 30.0, 11).status[0] == Status.diverged
    for start in (np.nan, np.inf, 2e4):
        assert run(echo, ensemble_of(echo, [[1, 1, 1, 1, start]]), 30.0, 11).status[0] == Status.diverged
    short = run(echo, default(echo), 30.0, 31, max_steps=40)
    assert short.status[0] == Status.budget and short.n_steps[0] + short.n_rejected[0] == 40
    full = run(echo, default(echo), 30.0, 31).states[0]
    written = np.isfinite(short.states[0, :, 0])
    assert 0 < written.sum() < 31
    np.testing.assert_array_equal(short.states[0, written], full[written])
    assert run(echo, default(echo), 30.0, 31, min_step=0.9, rtol=1e-12).status[0] == Status.underflow


def test_a_founder_with_delay_stands_alone(library):
    for names in (("MackeyGlass", "Lorenz"), ("Lorenz", "MackeyGlass")):
        with pytest.raises(PandaError, match="MackeyGlass has a delay and cannot be in a skew product"):
            library.flow(*names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_points": 1}, "n_points is 1"),
        ({"rtol": 0.0}, "rtol is 0.0"),
        ({"max_abs": np.nan}, "max_abs is nan"),
    ],
)
def test_senseless_arguments_are_refused(echo, changes, message):
    with pytest.raises(PandaError, match=message):
        run(echo, default(echo), **({"duration": 1.0, "n_points": 5} | changes))
