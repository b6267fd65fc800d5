"""Skew products: golden right-hand sides, coupling, permutations, and the coordinates that are saved."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics.integrate import Status, integrate
from panda.systems.evaluate import jacobian_vector, right_hand_side
from panda.systems.flow import Ensemble, Flow, bounded_coordinates, drifts_with_driver
from panda.systems.library import FounderLibrary
from panda.systems.postprocess import postprocess, saved_coordinates
from panda.systems.skew import (
    Member,
    coupling_scale,
    default_member,
    draw_driver_index,
    founder_ensemble,
    mutate_member,
    skew_ensemble,
)

PRODUCTION = {
    "scale": 1.0,
    "variance_floor": 1e-6,
    "sign_match_probability": 0.0,
    "ignore_probability": 0.0,
}


def _pair(
    library: FounderLibrary, driver: str, response: str, n: int = 5, seed: int = 0
) -> tuple[Flow, Ensemble]:
    flow = library.flow(driver, response)
    rng = np.random.default_rng(seed)
    base = default_member(
        flow,
        driver_rms=rng.uniform(0.5, 2, flow.driver_dimension),
        response_rms=rng.uniform(0.5, 2, flow.response_dimension),
        stiffness=1.0,
    )
    members = [
        mutate_member(flow, base, generator=np.random.default_rng([seed, i]), **PRODUCTION) for i in range(n)
    ]
    return flow, skew_ensemble(flow, members)


def _golden_member(flow: Flow, case: dict[str, Any]) -> Member:
    def flat(founder: Any, values: dict[str, Any]) -> np.ndarray:
        return np.concatenate([np.empty(0), *(np.ravel(values[name]) for name in founder.parameter_names)])

    return Member(
        driver_parameters=flat(flow.driver, case["driver_params"]),
        response_parameters=flat(flow.response, case["response_params"]),
        driver_scale=np.array(case["driver_scale"]),
        response_scale=np.array(case["response_scale"]),
        driver_index=np.array(case["driver_indices"]),
        initial=np.array(case["x"]),
    )


def test_right_hand_sides_equal_the_reference(library: FounderLibrary) -> None:
    path = Path(__file__).parents[4] / "shared" / "golden" / "skew_rhs.json"
    if not path.is_file():
        pytest.skip("shared/golden/skew_rhs.json is not here")
    cases = json.loads(path.read_text())
    assert len(cases) == 24
    for case in cases:
        flow = library.flow(case["driver"], case["response"])
        ensemble = skew_ensemble(flow, [_golden_member(flow, case)])
        got = right_hand_side(flow, ensemble, ensemble.initial, np.array([case["t"]]))[0]
        np.testing.assert_allclose(got, case["rhs"], rtol=1e-10, err_msg=flow.name)
        assert flow.period == case["period"]
        assert flow.name == f"{case['driver']}_{case['response']}"


def test_a_frozen_right_hand_side_by_hand(library: FounderLibrary) -> None:
    """SprottA drives Rossler through (z, x, y), both written out: guards a clone without golden data."""
    flow = library.flow("SprottA", "Rossler")
    x, y, z, u, v, w = state = np.array([0.3, -1.2, 0.7, 2.0, -3.0, 0.5])
    a, b, c = 0.2, 0.25, 5.5
    s, r = np.array([0.5, 2.0, 3.0]), np.array([1.5, 0.1, 0.7])
    member = Member(np.empty(0), np.array([a, b, c]), s, r, np.array([2, 0, 1]), state)
    f_a = np.array([y, -x + y * z, 1 - y**2])
    f_b = np.array([-v - w, u + a * v, b + w * (u - c)])
    expected = np.concatenate([f_a, (s * f_a)[[2, 0, 1]] + r * f_b])
    ensemble = skew_ensemble(flow, [member])
    np.testing.assert_allclose(
        right_hand_side(flow, ensemble, state[None], np.zeros(1))[0], expected, rtol=1e-14
    )


@pytest.mark.parametrize(
    "pair", [("Lorenz", "Hopfield"), ("Hopfield", "Lorenz"), ("DoublePendulum", "Duffing")]
)
def test_jacobian_vector_of_a_pair_is_the_difference_quotient(
    library: FounderLibrary, pair: tuple[str, str]
) -> None:
    flow, ensemble = _pair(library, *pair)
    states, times = ensemble.initial, np.zeros(len(ensemble))
    v = np.random.default_rng(1).standard_normal(states.shape)
    h = 1e-6
    up, down = (right_hand_side(flow, ensemble, states + sign * h * v, times) for sign in (1, -1))
    got = jacobian_vector(flow, ensemble, states, v, times)
    np.testing.assert_allclose(got, (up - down) / (2 * h), rtol=1e-6, atol=1e-6 * np.abs(got).max())


def test_coupling_scale_brings_velocities_to_the_stiffness() -> None:
    np.testing.assert_allclose(coupling_scale(np.array([2.0, 0.5]), stiffness=3.0), [1.5, 6.0])
    for bad in ([0.0, 1.0], [np.nan, 1.0], [np.inf, 1.0]):
        with pytest.raises(PandaError, match="coupling scale"):
            coupling_scale(np.array(bad), stiffness=1.0)


@pytest.mark.parametrize(("d_a", "d_b"), [(3, 3), (3, 6), (10, 4)])
def test_permutations_have_no_repeats_and_differ_between_candidates(d_a: int, d_b: int) -> None:
    drawn = [draw_driver_index(d_a, d_b, np.random.default_rng(seed)) for seed in range(200)]
    for index in drawn:
        assert index.shape == (d_b,) and len(set(index.tolist())) == d_b
        assert index.min() >= 0 and index.max() < max(d_a, d_b)
    assert len({tuple(index) for index in drawn}) > 5
    assert {int(i) for index in drawn for i in index} == set(range(max(d_a, d_b)))


def test_padding_gives_zero_drive_where_the_driver_has_no_coordinate(library: FounderLibrary) -> None:
    _, ensemble = _pair(library, "Lorenz", "Hopfield", n=8)
    assert np.array_equal(ensemble.driver_scale == 0, ensemble.driver_index >= 3)
    assert ensemble.driver_scale.shape == (8, 6)


def test_mutation_of_a_pair_changes_everything_but_the_start(library: FounderLibrary) -> None:
    _, ensemble = _pair(library, "Lorenz", "Rossler", n=4)
    for array in (ensemble.driver_parameters, ensemble.response_parameters, ensemble.response_scale):
        assert np.unique(array).size == array.size
    assert np.unique(ensemble.initial, axis=0).shape[0] == 1
    again = _pair(library, "Lorenz", "Rossler", n=4)[1]
    assert all(
        a.tobytes() == b.tobytes() for a, b in zip(vars(ensemble).values(), vars(again).values(), strict=True)
    )


def test_only_a_response_that_is_free_of_it_may_drift_with_an_unbounded_driver(
    library: FounderLibrary,
) -> None:
    flow, ensemble = _pair(library, "Duffing", "Lorenz", n=6)  # Duffing's phase is coordinate 2
    mask = bounded_coordinates(flow, ensemble)
    assert mask.tolist() == [[True, True, False, True, True, True]] * 6
    assert flow.bounded.tolist() == [True, True, False, True, True, True]
    # The double pendulum's angles are 0 and 1, the circadian rhythm has none but its phase, 4.
    for response, free in (("DoublePendulum", [0, 1]), ("CircadianRhythm", [4])):
        flow, ensemble = _pair(library, "Duffing", response, n=12)
        expected = np.ones((12, flow.response_dimension), dtype=bool)
        expected[:, free] = False  # its own are unbounded whatever drives them
        np.testing.assert_array_equal(bounded_coordinates(flow, ensemble)[:, 3:], expected)
        drifts = np.zeros_like(expected)
        drifts[:, free] = ensemble.driver_index[:, free] == 2
        np.testing.assert_array_equal(drifts_with_driver(flow, ensemble), drifts)
    # Torus reads no coordinate at all, and says that none is unbounded.
    flow, ensemble = _pair(library, "Duffing", "Torus", n=6)
    np.testing.assert_array_equal(bounded_coordinates(flow, ensemble)[:, 3:], ensemble.driver_index != 2)


def test_an_escape_through_a_driven_coordinate_is_one(library: FounderLibrary) -> None:
    """A jerk circuit whose coordinates are fed by three angles: its own field grows with them, to 1e141."""
    flow = library.flow("ArnoldBeltramiChildress", "JerkCircuit")
    ensemble = Ensemble(
        driver_parameters=np.array([[4.4332351475570615, 2.2559810881537796, 0.5904427196492477]]),
        response_parameters=np.array([[0.0014806173230344272, 0.020234564874621063]]),
        driver_scale=np.array([[0.17491248956332395, 1.434759583022205, 1.7953425393730917]]),
        response_scale=np.array([[-0.1389572716029166, 3.1940820196789836, 0.27023894914881674]]),
        driver_index=np.array([[1, 2, 0]]),
        initial=np.array([[147.91266, -1762.805, -647.37622, -1.300882, 0.065382947, 0.91801911]]),
    )
    run = integrate(
        flow,
        ensemble,
        duration=np.array([40 * flow.period]),
        n_points=101,
        limits=Limits(rtol=1e-6, atol=1e-7, max_steps=100_000, max_abs=1e4, max_angle=1e8, min_step=1e-10),
    )
    assert Status(run.status[0]) is Status.diverged


def test_what_is_beyond_the_bound_is_an_angle_of_its_own_field(library: FounderLibrary) -> None:
    """Of a trajectory that completes, a large coordinate can be turned back by whole turns and nothing changes."""
    responses = ("JerkCircuit", "ForcedVanDerPol", "SwingingAtwood", "ArnoldWeb", "Thomas", "Lorenz")
    n_large = 0
    for driver, response in itertools.product(
        ("ArnoldBeltramiChildress", "DoublePendulum", "Duffing"), responses
    ):
        flow, ensemble = _pair(library, driver, response, n=8)
        run = integrate(
            flow,
            ensemble,
            duration=np.full(8, 20 * flow.period),
            n_points=101,
            limits=Limits(
                rtol=1e-6, atol=1e-7, max_steps=20_000, max_abs=50.0, max_angle=1e8, min_step=1e-10
            ),
        )
        for i in np.flatnonzero(run.complete):
            states = run.states[i]
            states = states[np.abs(states).max(axis=1) > 50.0]
            turned = np.where(np.abs(states) > 50.0, states - 2 * np.pi, states)
            member, times = ensemble[np.full(len(states), i)], np.zeros(len(states))
            here, there = (right_hand_side(flow, member, x, times) for x in (states, turned))
            np.testing.assert_allclose(there, here, rtol=0, atol=1e-7 * np.abs(here).max(initial=1.0))
            n_large += int((np.abs(states[:, flow.driver_dimension :]) > 50.0).any(axis=1).sum())
    assert n_large > 100


def test_shapes_that_do_not_fit_are_refused(library: FounderLibrary) -> None:
    lorenz = library.flow("Lorenz")
    with pytest.raises(PandaError, match="driver_parameters"):
        founder_ensemble(lorenz, np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(PandaError, match="one row a member"):
        founder_ensemble(lorenz, np.zeros((2, 3)), np.zeros((3, 3)))
    flow, ensemble = _pair(library, "Lorenz", "Rossler", n=2)
    with pytest.raises(PandaError, match="states"):
        right_hand_side(flow, ensemble, np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(PandaError, match="skew product"):
        founder_ensemble(flow, np.zeros((2, 3)), np.zeros((2, 6)))


def _series(flow: Flow, n: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(0.5, 30, (n, 50, flow.dimension))


def test_saved_coordinates_of_a_founder_are_its_own(library: FounderLibrary) -> None:
    flow = library.flow("BlinkingRotlet")
    states = _series(flow, 2)
    ensemble = founder_ensemble(flow, np.tile(flow.driver.parameters, (2, 1)), states[:, 0])
    saved = saved_coordinates(flow, ensemble, states)
    r, theta = states[..., 0], states[..., 1]
    np.testing.assert_allclose(saved[..., 0], r * np.cos(theta), rtol=1e-12)
    assert np.abs(saved[..., 2]).max() <= 1


def test_saved_coordinates_of_bounded_pairs_are_the_response(library: FounderLibrary) -> None:
    flow, ensemble = _pair(library, "Lorenz", "Hopfield")
    states = _series(flow, 5)
    np.testing.assert_array_equal(saved_coordinates(flow, ensemble, states), states[:, :, 3:])


def test_saved_coordinates_average_what_is_unbounded_on_both_sides(library: FounderLibrary) -> None:
    """Duffing (cos of coordinate 2) drives ForcedVanDerPol (sin of coordinate 2)."""
    flow, ensemble = _pair(library, "Duffing", "ForcedVanDerPol", n=12)
    states = _series(flow, 12)
    response = states[:, :, 3:]
    saved = saved_coordinates(flow, ensemble, states)
    seen = set()
    for i, index in enumerate(ensemble.driver_index):
        for k in range(3):
            driven, own = index[k] == 2, k == 2
            x = response[i, :, k]
            # The van der Pol oscillator's own coordinates are no angles: they are saved as they are.
            expected = {
                (True, True): 0.5 * (np.cos(x) + np.sin(x)),
                (True, False): x,
                (False, True): np.sin(x),
                (False, False): x,
            }[driven, own]
            np.testing.assert_allclose(saved[i, :, k], expected, rtol=1e-12)
            seen.add((bool(driven), own))
    assert len(seen) == 4


@pytest.mark.parametrize(
    "pair",
    [
        ("BlinkingRotlet", "Lorenz"),
        ("Lorenz", "BickleyJet"),
        ("ArnoldWeb", "Duffing"),
        ("BlinkingRotlet", "Torus"),
    ],
)
def test_saved_coordinates_are_the_references_where_they_are_angles_and_the_responses_own_elsewhere(
    library: FounderLibrary, pair: tuple[str, str]
) -> None:
    """dysts' coupling map halves coordinates that are unbounded on one side only, and maps what is no angle."""
    from dysts import flows
    from dysts.coupling import RandomAdditiveCouplingMap

    flow, ensemble = _pair(library, *pair, n=6)
    states = _series(flow, 6)
    driver, response = (getattr(flows, name)() for name in pair)
    default = [np.broadcast_to(f.parameters, (6, f.n_parameters)) for f in (flow.driver, flow.response)]
    fields = {**vars(ensemble), "driver_parameters": default[0], "response_parameters": default[1]}
    saved = saved_coordinates(flow, Ensemble(**fields), states)
    own = postprocess(flow.response, states[:, :, flow.driver_dimension :], default[1][:, None, :])
    for i in range(6):
        coupling = RandomAdditiveCouplingMap(flow.driver_dimension, flow.response_dimension)
        coupling.driver_indices = ensemble.driver_index[i]
        theirs = coupling._postprocessing(
            states[i, :, flow.driver_dimension :].T[:, None, :],
            getattr(driver, "_postprocessing", None),
            getattr(response, "_postprocessing", None),
            list(response.unbounded_indices),
            list(driver.unbounded_indices),
        )[:, 0, :].T
        for k, entering in enumerate(ensemble.driver_index[i]):
            fed, grows = entering in driver.unbounded_indices, k in response.unbounded_indices
            angle = fed and (grows or pair[1] == "Torus")
            expected = theirs[:, k] * (1 if fed == grows else 2) if angle else own[i, :, k]
            np.testing.assert_allclose(saved[i, :, k], expected, rtol=1e-9, atol=1e-12)


def test_postprocess_returns_a_copy(library: FounderLibrary) -> None:
    states = np.ones((4, 3))
    postprocess(library["Lorenz"], states, library["Lorenz"].parameters)[:] = 0
    assert states.all()
