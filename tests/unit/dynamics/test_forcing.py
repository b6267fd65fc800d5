"""Short pulses of a forcing, against a classical Runge-Kutta method of fixed steps that are shorter still."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from panda.core.limits import Limits
from panda.dynamics import forcing
from panda.dynamics.integrate import Status, integrate
from panda.dynamics.schedule import Schedule
from panda.dynamics.tangent import largest_exponent
from panda.systems.flow import Ensemble
from panda.systems.library import FounderLibrary, build_one
from panda.systems.own import read_system, trace_own
from panda.systems.skew import default_member, founder_ensemble, skew_ensemble

LIMITS = {
    "rtol": 1e-9,
    "atol": 1e-10,
    "max_steps": 100_000,
    "max_abs": 1e4,
    "max_angle": 1e8,
    "min_step": 1e-10,
}
G, K = 1.0, 9.0
ROTOR = """
import numpy as np

parameters = {{"g": 1.0, "k": 9.0, "s": {width}, "w": 1.0}}
initial_condition = {start}
unbounded_indices = {phases}


def rhs(state, t, *, g, k, s, w):
    th, p = state[:2]
    clock = {clock}
    pulse = np.exp(-((np.sin(np.pi * clock) / (np.pi * s)) ** 2) / 2) / (s * np.sqrt(2 * np.pi))
    return [p, -g * p + k * np.sin(th) * pulse{more}]


def postprocess(state, *, g, k, s, w):
    return [np.sin(q) for q in state]
"""
TIMED = {"clock": "w * t", "start": [0.3, 0.5], "phases": [0], "more": ""}
PHASED = {"clock": "state[2]", "start": [0.3, 0.5, 0.0], "phases": [0, 2], "more": ", w"}


def built(folder: Path, text: str, name: str = "Mine") -> FounderLibrary:
    """A library of the founder in a file's text, without measuring it: period 1, sizes 1."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(text)
    known = {"period": 1.0, "dt": 0.01}
    target = folder / f"library-{name}"
    build_one(
        target,
        trace_own(read_system(str(path))),
        lambda made: replace(made[name], **known, scale=np.ones(made[name].dimension)),
    )
    return FounderLibrary.open(target)


def ensemble_of(flow, states: np.ndarray) -> Ensemble:
    return founder_ensemble(flow, np.tile(flow.driver.parameters, (len(states), 1)), states)


def starts(n: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(n, 2)) * [2.0, 1.0]


def runge_kutta(width: float, states: np.ndarray, n_kicks: int) -> tuple[np.ndarray, np.ndarray]:
    """The kicked rotor from the middle of one kick to the middle of another, and its exponent per kick, the first eighth
    left out: steps of a thirtieth of the width within eight widths of a kick, of a fiftieth of its interval elsewhere."""
    near = np.arange(0.0, 8 * width, width / 30)
    far = np.linspace(8 * width, 1 - 8 * width, 50)
    times = np.concatenate([near, far, 1 - near[::-1]])

    def field(t, y):
        th, p, v, q = y
        pulse = np.exp(-((np.sin(np.pi * t) / (np.pi * width)) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
        return np.array([p, -G * p + K * np.sin(th) * pulse, q, -G * q + K * np.cos(th) * pulse * v])

    y = np.concatenate([states.T, np.full((2, len(states)), np.sqrt(0.5))])
    growth = np.zeros((n_kicks, len(states)))
    for kick in range(n_kicks):
        for t, h in zip(times[:-1], np.diff(times), strict=True):
            a = field(t, y)
            b = field(t + h / 2, y + h / 2 * a)
            c = field(t + h / 2, y + h / 2 * b)
            d = field(t + h, y + h * c)
            y = y + h / 6 * (a + 2 * b + 2 * c + d)
        norm = np.hypot(y[2], y[3])
        y[2:] /= norm
        growth[kick] = np.log(norm)
    return y[:2].T, growth[n_kicks // 8 :].mean(axis=0)


@pytest.mark.parametrize("width", [0.02, 0.005, 0.001])
@pytest.mark.parametrize("form", [TIMED, PHASED], ids=["time", "phase"])
def test_kicks_are_not_stepped_over(tmp_path: Path, width: float, form: dict):
    flow = built(tmp_path, ROTOR.format(width=width, **form)).flow("Mine")
    states = starts(16)
    expected, _ = runge_kutta(width, states, 3)
    given = np.hstack([states, np.zeros((16, len(form["start"]) - 2))])
    run = integrate(
        flow, ensemble_of(flow, given), duration=np.full(16, 3.0), n_points=2, limits=Limits(**LIMITS)
    )
    assert (run.status == Status.complete).all()
    np.testing.assert_allclose(run.states[:, -1, :2], expected, rtol=1e-5, atol=1e-5)
    # The width at half height of a Gaussian is 2.35 of its width.
    steps = forcing.longest_steps(flow, ensemble_of(flow, given), np.full(16, 40.0))
    assert (steps < 3.0 * 2.4 * width).all() and (steps > 2.0 * width).all()


def test_the_exponent_of_a_kicked_rotor_is_the_right_one(tmp_path: Path):
    flow = built(tmp_path, ROTOR.format(width=0.01, **TIMED)).flow("Mine")
    states = starts(48)
    _, growth = runge_kutta(0.01, states, 45)
    found = largest_exponent(
        flow,
        ensemble_of(flow, states),
        subspace="whole",
        schedule=Schedule(np.full(48, 40.0), np.full(48, 5.0), 10),
        generator=np.random.default_rng(0),
        limits=Limits(**(LIMITS | {"rtol": 1e-6, "atol": 1e-8})),
    )
    both = np.hypot(found.largest.std(), growth.std()) / np.sqrt(48)
    assert both < 0.05
    assert abs(found.largest.mean() - growth.mean()) < 4 * both


BOXES = """
import numpy as np

parameters = {{"g": 0.5, "s": {width}}}
initial_condition = [1.0]


def rhs(state, t, *, g, s):
    box = np.heaviside(np.cos(2 * np.pi * (t - 0.3)) - np.cos(np.pi * s), 0.5)
    return [-g * state[0] + 50 * box]
"""


@pytest.mark.parametrize("width", [0.1, 0.004, 0.0007])
def test_boxes_are_not_stepped_over(tmp_path: Path, width: float):
    """x' = -g x + b(t), with b = 50 for a time s about 0.3, 1.3, ...: the solution in closed form."""
    flow = built(tmp_path, BOXES.format(width=width)).flow("Mine")
    run = integrate(
        flow,
        ensemble_of(flow, np.array([[1.0]])),
        duration=np.ones(1) * 3,
        n_points=2,
        limits=Limits(**LIMITS),
    )
    g = 0.5
    after = [np.exp(-g * (3 - k - 0.3 - width / 2)) for k in range(3)]
    expected = np.exp(-3 * g) + 50 * sum(after) * (1 - np.exp(-g * width)) / g
    assert run.states[0, -1, 0] == pytest.approx(expected, abs=1e-6)


SQUARE = """
import numpy as np

parameters = {"d": 0.15, "f": 0.3, "w": 1.0}
initial_condition = [1.0, 0.0]


def rhs(state, t, *, d, f, w):
    x, v = state
    return [v, -d * v + x - x**3 + f * WAVE]
"""


@pytest.mark.parametrize(
    "wave",
    ["np.sin(w * t)", "np.sign(np.sin(w * t))", "(np.sin(w * t) + np.sin(1.618 * w * t))"],
    ids=["sine", "square", "two sines"],
)
@pytest.mark.parametrize("frequency", [0.1, 1.0, 7.0])
def test_waves_without_pulses_need_no_bound(tmp_path: Path, wave: str, frequency: float):
    flow = built(tmp_path, SQUARE.replace("WAVE", wave)).flow("Mine")
    states = np.random.default_rng(0).normal(size=(4, 2))
    ensemble = ensemble_of(flow, states)
    ensemble.driver_parameters[:, 2] = frequency
    steps = forcing.longest_steps(flow, ensemble, np.full(4, 40 * 2 * np.pi))
    assert (steps > np.pi / frequency / 1.7).all()


def test_a_member_has_the_bound_of_its_own_forcing(tmp_path: Path):
    flow = built(tmp_path, ROTOR.format(width=0.01, **TIMED)).flow("Mine")
    ensemble = ensemble_of(flow, starts(2))
    ensemble.driver_parameters[:, flow.driver.parameter_names.index("w")] = [1.0, 8.0]
    slow, fast = forcing.longest_steps(flow, ensemble, np.full(2, 10.0))
    assert slow / fast == pytest.approx(8.0, rel=0.5)
    alone = forcing.longest_steps(flow, ensemble[1:], np.full(1, 10.0))
    assert alone[0] == fast


def test_pulses_of_a_driver_and_of_a_response_are_seen(tmp_path: Path, library):
    own = built(tmp_path, ROTOR.format(width=0.005, **TIMED))
    joined = library.with_founders([own])
    for pair in (("Mine", "Lorenz"), ("Lorenz", "Mine")):
        flow = joined.flow(*pair)
        assert forcing.reads_time(flow)
        rms = {"Mine": np.ones(2), "Lorenz": np.ones(3)}
        member = default_member(flow, driver_rms=rms[pair[0]], response_rms=rms[pair[1]], stiffness=1.0)
        (step,) = forcing.longest_steps(flow, skew_ensemble(flow, [member]), np.full(1, 10.0))
        assert step < 3.0 * 2.4 * 0.005


def test_what_reads_no_time_is_left_alone(library):
    assert not forcing.reads_time(library.flow("Lorenz", "Rossler"))
    assert not forcing.reads_time(library.flow("DoublePendulum"))  # a phase, but dysts' own
    assert forcing.reads_time(library.flow("Torus", "Rossler"))


def test_the_bound_does_not_reach_the_forcing_of_dysts(library):
    flow = library.flow("Torus")
    states = flow.driver.initial_condition[None]
    duration = np.full(1, 10 * flow.period)
    run = integrate(flow, ensemble_of(flow, states), duration=duration, n_points=2, limits=Limits(**LIMITS))
    (step,) = forcing.longest_steps(flow, ensemble_of(flow, states), duration)
    assert step > 2.5 * duration[0] / run.n_steps[0]
