"""Tangent vectors over jumps of the right-hand side, against integrations that share no code with ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from panda.core.limits import Limits
from panda.dynamics.integrate import Status
from panda.dynamics.schedule import Schedule
from panda.dynamics.spectrum import lyapunov_spectrum
from panda.dynamics.tangent import largest_exponent
from panda.systems.library import FounderLibrary, build_one
from panda.systems.own import read_system, trace_own
from panda.systems.skew import Member, founder_ensemble, skew_ensemble

LIMITS = {
    "rtol": 1e-11,
    "atol": 1e-12,
    "max_steps": 10**6,
    "max_abs": 1e4,
    "max_angle": 1e8,
    "min_step": 1e-13,
}

RELAY_JERK = """
import numpy as np
parameters = {"a": 0.6}
initial_condition = [0.1, 0.2, -0.1]
period = 6.0
def rhs(state, t, *, a):
    x, y, z = state
    return [y, z, -a * z - y - x + np.sign(x)]
"""
RELAY = """
import numpy as np
parameters = {"a": 1.0}
initial_condition = [1.0, 0.3]
period = 1.0
def rhs(state, t, *, a):
    x, y = state
    return [-a * np.sign(x) + 0.1 * np.cos(5 * y), 1.0]
unbounded_indices = [1]
def postprocess(state, *, a):
    return [state[0], np.sin(state[1])]
"""
SQUARE_WAVE = """
import numpy as np
parameters = {"d": 0.3}
initial_condition = [1.0, 0.0]
period = 6.0
def rhs(state, t, *, d):
    x, v = state
    return [v, -x - 2 * d * v + np.sign(np.sin(t))]
"""


@pytest.fixture
def flow_of(tmp_path: Path):
    """The compiled flow of a founder's file, given as text that states its period."""

    def flow(name: str, text: str):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        traced = trace_own(read_system(str(path)))
        build_one(tmp_path / name, traced, lambda library: replace(traced.founder, dt=0.01))
        return FounderLibrary.open(tmp_path / name).flow(name)

    return flow


def growth(flow, periods: float, v: np.ndarray) -> tuple[float, Status]:
    """log |v(T)| / |v(0)| of our engine from the founder's initial condition."""
    founder = flow.driver
    ensemble = founder_ensemble(flow, founder.parameters[None], founder.initial_condition[None])
    return growth_of(flow, ensemble, periods, v, "whole")


def growth_of(flow, ensemble, periods: float, v: np.ndarray, subspace: str) -> tuple[float, Status]:
    """The same of a member of any flow, v the stream's first vector."""

    class Given:
        def standard_normal(self, size: int) -> np.ndarray:
            return np.array(v)

    half = np.array([periods * flow.period / 2])
    # The transient's growth is not counted, so it is taken out by a run that is as long as nothing.
    first = np.array([1e-9 * flow.period])
    found = largest_exponent(
        flow, ensemble, subspace=subspace, schedule=Schedule(2 * half, first, 2),
        generator=Given(), limits=Limits(**LIMITS),
    )  # fmt: skip
    return float(found.largest[0] * found.elapsed_time[0]), Status(int(found.status[0]))


def located(field, jacobian, surface, normal, y, v, duration: float) -> float:
    """The same by scipy: each piece's variational equation up to the event, then the saltation matrix."""
    n, t, total, side = len(y), 0.0, 0.0, np.sign(surface(y))
    v = v / np.linalg.norm(v)
    while t < duration:

        def both(time, w, side=side):
            return np.concatenate([field(w[:n], side), jacobian(w[:n], side) @ w[n:]])

        def event(time, w, side=side):
            return surface(w[:n])

        event.terminal, event.direction = True, -side
        # Off the surface first, so that the piece's own start is no event.
        start = solve_ivp(
            both, (t, t + 1e-6), np.concatenate([y, v]), method="DOP853", rtol=1e-12, atol=1e-13
        )
        run = solve_ivp(
            both, (t + 1e-6, duration), start.y[:, -1], method="DOP853", rtol=1e-12, atol=1e-13, events=event
        )
        t, y, v = run.t[-1], run.y[:n, -1], run.y[n:, -1]
        if run.status == 1:
            before, after = field(y, side), field(y, -side)
            v = v + (after - before) * (normal(y) @ v) / (normal(y) @ before)
            side = -side
        total += np.log(np.linalg.norm(v))
        v = v / np.linalg.norm(v)
    return total


V = np.array([0.6, 0.0, 0.8])


def test_growth_over_jumps_is_that_of_an_event_located_integration(library):
    flow = library.flow("SprottMore")

    def field(u, s):
        return np.array([u[1], -u[0] - s * u[1], u[1] ** 2 - np.exp(-(u[0] ** 2))])

    def jacobian(u, s):
        return np.array([[0, 1, 0], [-1, -s, 0], [2 * u[0] * np.exp(-(u[0] ** 2)), 2 * u[1], 0.0]])

    periods = 8.0
    right = located(
        field, jacobian, lambda u: u[2], lambda u: np.array([0.0, 0.0, 1.0]),
        np.array(flow.driver.initial_condition), V, periods * flow.driver.period,
    )  # fmt: skip
    found, status = growth(flow, periods, V)
    assert status == Status.complete
    assert found == pytest.approx(right, abs=1e-4)
    assert right > 5.0  # so that the jumps, without which hardly anything grows, are what is tested


# Rossler and SprottMore, by hand, with their velocities' derivatives; s is the side of SprottMore's z = 0.
ROSSLER = {
    "field": lambda u, s: np.array([-u[1] - u[2], u[0] + 0.2 * u[1], 0.2 + u[2] * (u[0] - 5.7)]),
    "jacobian": lambda u, s: np.array([[0, -1, -1], [1, 0.2, 0], [u[2], 0, u[0] - 5.7]]),
    "start": [6.5, -2.0, 1.2],
}
SPROTT_MORE = {
    "field": lambda u, s: np.array([u[1], -u[0] - s * u[1], u[1] ** 2 - np.exp(-(u[0] ** 2))]),
    "jacobian": lambda u, s: np.array(
        [[0, 1, 0], [-1, -s, 0], [2 * u[0] * np.exp(-(u[0] ** 2)), 2 * u[1], 0.0]]
    ),
    "start": [0.4, 0.3, -0.2],
}
BY_HAND = {"Rossler": ROSSLER, "SprottMore": SPROTT_MORE}


@pytest.mark.parametrize("subspace", ["whole", "response"])
@pytest.mark.parametrize("names", [("SprottMore", "Rossler"), ("Rossler", "SprottMore")])
def test_growth_over_jumps_of_a_driver_and_of_a_response(library, names: tuple[str, str], subspace: str):
    """A driver's jump moves the response's velocity too; the response's own is met by conditional exponents."""
    flow = library.flow(*names)
    a, b = (BY_HAND[name] for name in names)
    index, to_b, of_b = np.array([2, 0, 1]), np.array([0.3, -0.2, 0.25]), np.array([1.0, 0.9, 1.1])
    published = {"a": 0.2, "b": 0.2, "c": 5.7}
    parameters = {
        "Rossler": [published[name] for name in library["Rossler"].parameter_names],
        "SprottMore": [],
    }
    y = np.array([*a["start"], *b["start"]])
    member = Member(
        driver_parameters=np.array(parameters[names[0]]), response_parameters=np.array(parameters[names[1]]),
        driver_scale=to_b[np.argsort(index)], response_scale=of_b, driver_index=index, initial=y,
    )  # fmt: skip
    z = 2 if names[0] == "SprottMore" else 5

    def field(u, s):
        drive = a["field"](u[:3], s)
        return np.concatenate([drive, to_b * drive[index] + of_b * b["field"](u[3:], s)])

    def jacobian(u, s):
        drive = a["jacobian"](u[:3], s)
        own = of_b[:, None] * b["jacobian"](u[3:], s)
        return np.block([[drive, np.zeros((3, 3))], [to_b[:, None] * drive[index], own]])

    v = np.array([0.5, -0.3, 0.2, 0.6, 0.0, -0.5])
    given = v.copy()
    if subspace == "response":
        v[:3] = 0.0
    periods = 4.0
    right = located(field, jacobian, lambda u: u[z], lambda u: np.eye(6)[z], y, v, periods * flow.period)
    found, status = growth_of(flow, skew_ensemble(flow, [member]), periods, given, subspace)
    assert status == Status.complete
    assert found == pytest.approx(right, abs=2e-4)


def test_growth_of_a_relay_oscillator_in_a_users_file(flow_of):
    flow, a = flow_of("SgnJerk", RELAY_JERK), 0.6
    jacobian = np.array([[0, 1, 0], [0, 0, 1], [-1, -1, -a]], dtype=float)
    right = located(
        lambda u, s: jacobian @ u + np.array([0, 0, s]), lambda u, s: jacobian, lambda u: u[0],
        lambda u: np.array([1.0, 0.0, 0.0]), np.array([0.1, 0.2, -0.1]), V, 60.0,
    )  # fmt: skip
    found, _ = growth(flow, 10.0, V)
    assert found == pytest.approx(right, abs=1e-4)


def test_spectrum_of_the_relay_oscillator(flow_of):
    """Its published case: 0.140, 0, -0.740; they add up to -a, since its jumps keep volume."""
    flow = flow_of("SgnJerk", RELAY_JERK)
    founder, n = flow.driver, 8
    starts = founder.initial_condition + 0.01 * np.arange(n)[:, None]
    found = lyapunov_spectrum(
        flow, founder_ensemble(flow, np.tile(founder.parameters, (n, 1)), starts),
        schedule=Schedule(np.full(n, 3000.0), np.full(n, 300.0), 10),
        generator=np.random.default_rng(0),
        limits=Limits(**(LIMITS | {"rtol": 1e-8, "atol": 1e-10})),
    )  # fmt: skip
    means = found.blocks.mean(axis=1)
    mean, error = means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(n)
    np.testing.assert_allclose(mean, [0.140, 0.0, -0.740], atol=0.004)
    assert np.all(error < 0.002)
    np.testing.assert_allclose(means.sum(axis=1), -0.6, atol=1e-6)


def test_a_jump_in_time_alone_does_not_act_on_tangents(flow_of):
    """A damped linear oscillator under a square wave: both exponents are -d, whatever drives it."""
    flow = flow_of("SquareWave", SQUARE_WAVE)
    found, status = growth(flow, 40.0, np.array([1.0, 0.0]))
    assert status == Status.complete
    t, d = 240.0, 0.3
    omega = np.sqrt(1 - d**2)
    x = np.exp(-d * t) * (np.cos(omega * t) + d / omega * np.sin(omega * t))
    v = -np.exp(-d * t) / omega * np.sin(omega * t)
    assert found == pytest.approx(np.log(np.hypot(x, v)), abs=1e-5)


def test_sliding_is_said_and_gives_no_exponent_beyond(flow_of):
    flow = flow_of("Relay", RELAY)
    _, status = growth(flow, 10.0, np.array([1.0, 0.0]))
    assert status == Status.sliding


def test_dysts_stick_slip_oscillator_slides(library):
    _, status = growth(library.flow("StickSlipOscillator"), 200.0, np.array([1.0, 0.0, 0.0]))
    assert status == Status.sliding
