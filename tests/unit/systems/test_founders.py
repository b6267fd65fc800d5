"""Every founder's compiled functions against dysts' own code and against independent derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from panda.config.founder_names import delayed_names, founder_names
from panda.systems.evaluate import flow_rms, jacobian_vector, right_hand_side
from panda.systems.library import FounderLibrary
from panda.systems.postprocess import postprocess
from panda.systems.skew import founder_ensemble

N_STATES = 11  # more than one block of eight lanes, and the second is not full


@pytest.fixture(scope="module")
def systems() -> dict[str, Any]:
    from dysts import flows
    from dysts.systems import get_attractor_list

    made = {name: getattr(flows, name)() for name in get_attractor_list("continuous")}
    for system in made.values():
        for key in dir(type(system)):
            # As plain Python: compiling 135 functions to call each a few times would take ten seconds.
            if hasattr(function := getattr(type(system), key), "py_func"):
                setattr(system, key, function.py_func)
    return made


def _near_attractor(founder: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """States, tangents and parameters near the published ones, and times; signs stay."""
    rng = np.random.default_rng([ord(letter) for letter in founder.name])
    size = (N_STATES, founder.dimension)
    states = founder.initial_condition * (1 + 0.1 * rng.standard_normal(size))
    parameters = founder.parameters * (1 + 0.1 * rng.uniform(-1, 1, (N_STATES, founder.n_parameters)))
    return states, rng.standard_normal(size), parameters, rng.uniform(0, 10, N_STATES)


def _set_parameters(system: Any, founder: Any, flat: np.ndarray) -> None:
    offset = 0
    shapes = zip(founder.parameter_names, founder.parameter_shapes, founder.parameter_sizes, strict=True)
    for key, shape, size in shapes:
        value = flat[offset : offset + size].reshape(shape)
        system.params[key] = value if shape else float(value)
        setattr(system, key, system.params[key])
        offset += size
    assert offset == len(flat)
    system.param_list = [system.params[key] for key in sorted(system.params)]


def _derivative(system: Any, founder: Any, state: np.ndarray, t: float) -> np.ndarray:
    """dysts' own; with delay from the first coordinate, x(t), and the last, x(t - tau)."""
    if founder.delay_index is not None:
        return np.atleast_1d(system._rhs(state[0], state[-1], t, *system.param_list))
    return np.asarray(system.rhs(state, t), dtype=float).ravel()


def test_all_135_founders_are_there(library: FounderLibrary, systems: dict[str, Any]) -> None:
    assert list(library) == sorted(systems) == list(founder_names())
    assert len(library) == 135
    assert {name for name in library if library[name].delay_index is not None} == delayed_names()
    assert len(delayed_names()) == 6
    # The circuits and scrolls with delay have kinks in their sources; dysts smooths them.
    assert sum(founder.smooth for founder in map(library.__getitem__, library)) == 118 + 6
    assert [name for name in library if library[name].time_dependent] == ["Torus"]


def test_right_hand_sides_equal_those_of_dysts(library: FounderLibrary, systems: dict[str, Any]) -> None:
    # Relative to the size of each derivative among the states: where terms cancel, dysts' own order of
    # summation and its last bits are as arbitrary as ours.
    wrong = {}
    for name in library:
        flow = library.flow(name)
        states, _, parameters, times = _near_attractor(flow.driver)
        ours = right_hand_side(flow, founder_ensemble(flow, parameters, states), states, times)
        theirs = np.empty_like(ours)
        for i in range(N_STATES):
            _set_parameters(systems[name], flow.driver, parameters[i])
            theirs[i] = _derivative(systems[name], flow.driver, states[i], times[i])
        error = np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs).max(axis=0), 1e-300))
        if not error < 1e-12:
            wrong[name] = error
    assert wrong == {}


def test_default_parameters_and_metadata_are_those_of_dysts(library: FounderLibrary) -> None:
    from dysts import flows

    for name in library:
        system, founder = getattr(flows, name)(), library[name]
        flat = [np.ravel(np.asarray(system.params[key], dtype=float)) for key in sorted(system.params)]
        np.testing.assert_array_equal(founder.parameters, np.concatenate([np.empty(0), *flat]))
        start = system.ic if founder.delay_index is None else system.ic[0]  # x at all times before
        np.testing.assert_array_equal(founder.initial_condition, np.broadcast_to(start, founder.dimension))
        assert (founder.period, founder.dt) == (system.period, system.dt)
        assert founder.unbounded_indices == tuple(system.unbounded_indices)
        assert (founder.postprocessing is not None) == hasattr(system, "_postprocessing")


def test_jacobian_vectors_equal_independent_derivatives(library: FounderLibrary) -> None:
    """Smooth founders: the imaginary part of f(y + i h v) / h, free of cancellation; others: differences."""
    from panda.systems.founders import trace_founder

    wrong = {}
    for name in library:
        flow = library.flow(name)
        states, tangents, parameters, times = _near_attractor(flow.driver)
        ensemble = founder_ensemble(flow, parameters, states)
        ours = jacobian_vector(flow, ensemble, states, tangents, times)
        if flow.driver.smooth:
            read = list(flow.driver.inputs)
            imaginary = states.T[read] + 1e-30j * tangents.T[read]
            rows = trace_founder(name).rhs.evaluate(t=times, y=imaginary, p=parameters.T)
            theirs = np.stack([np.broadcast_to(np.imag(row) / 1e-30, N_STATES) for row in rows], axis=1)
            tolerance = 1e-11
        else:
            h = 1e-7
            up = right_hand_side(flow, ensemble, states + h * tangents, times)
            theirs = (up - right_hand_side(flow, ensemble, states - h * tangents, times)) / (2 * h)
            tolerance = 1e-5
        error = np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs).max(), 1e-300))
        if not error < tolerance:
            wrong[name] = error
    assert wrong == {}


def test_derivatives_at_kinks_are_the_branches(library: FounderLibrary) -> None:
    # f = y - x, -z tanh x, -a + x y + |y|: the derivative of the last along y is x + sign(y).
    flow = library.flow("SanUmSrisuchinwong")
    states = np.array([[0.5, 2.0, 1.0], [0.5, -2.0, 1.0]])
    ensemble = founder_ensemble(flow, np.array([[2.0], [2.0]]), states)
    along_y = np.array([[0.0, 1.0, 0.0]] * 2)
    np.testing.assert_allclose(
        jacobian_vector(flow, ensemble, states, along_y, np.zeros(2)), [[1, 0, 1.5], [1, 0, -0.5]]
    )


@pytest.mark.parametrize("name", ["Lorenz", "InteriorSquirmer", "CaTwoPlus", "BeerRNN", "DoublePendulum"])
def test_a_lane_does_not_depend_on_its_neighbours(library: FounderLibrary, name: str) -> None:
    flow = library.flow(name)
    states, tangents, parameters, times = _near_attractor(flow.driver)
    ensemble = founder_ensemble(flow, parameters, states)
    alone_f = right_hand_side(flow, ensemble[3:4], states[3:4], times[3:4])
    alone_v = jacobian_vector(flow, ensemble[3:4], states[3:4], tangents[3:4], times[3:4])
    wild = np.tile(np.array([[np.nan], [1e200], [-np.inf], [0.0]]), (3, flow.dimension))[:N_STATES]
    wild[3] = states[3]
    among_f = right_hand_side(flow, ensemble, wild, times)[3:4]
    among_v = jacobian_vector(flow, ensemble, wild, tangents, times)[3:4]
    assert among_f.tobytes() == alone_f.tobytes()
    assert among_v.tobytes() == alone_v.tobytes()


def test_postprocessing_equals_that_of_dysts(library: FounderLibrary, systems: dict[str, Any]) -> None:
    checked = 0
    for name in library:
        founder, system = library[name], systems[name]
        if founder.postprocessing is None:
            continue
        states, _, parameters, _ = _near_attractor(founder)
        series = states + np.arange(7)[:, None, None]  # (time, member, coordinate)
        ours = postprocess(founder, series, parameters)
        for i in range(N_STATES):
            _set_parameters(system, founder, parameters[i])
            theirs = np.stack(system._postprocessing(*series[:, i].T), axis=-1)
            np.testing.assert_allclose(ours[:, i], theirs, rtol=1e-12, atol=1e-12, err_msg=name)
        assert np.all(np.isfinite(ours))
        checked += 1
    assert checked == 19


def test_flow_rms_is_the_root_mean_square_of_the_velocity(library: FounderLibrary) -> None:
    flow = library.flow("Duffing")  # its phase turns at the constant rate omega
    rng = np.random.default_rng(3)
    states = rng.standard_normal((100, 3))
    rms = flow_rms(flow, states, np.zeros(100))
    omega = flow.driver.parameters[flow.driver.parameter_names.index("omega")]
    np.testing.assert_allclose(rms[[0, 2]], [np.sqrt(np.mean(states[:, 1] ** 2)), omega], rtol=1e-14)
