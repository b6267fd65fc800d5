"""Spectra against closed forms and the literature, the exact sums and pairs, and what is derived from blocks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.dynamics.integrate import Status
from panda.dynamics.schedule import Schedule
from panda.dynamics.spectrum import Spectra, kaplan_yorke, lyapunov_spectrum, summarise
from panda.dynamics.tangent import largest_exponent
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
BENIGN = st.floats(-50.0, 50.0).map(lambda x: round(x, 3))


def spectra(
    flow: Flow, ensemble: Ensemble, duration, transient=20.0, seed=1, n_blocks=20, **changes
) -> Spectra:
    n = len(ensemble)
    return lyapunov_spectrum(
        flow,
        ensemble,
        schedule=Schedule(np.broadcast_to(duration, (n,)), np.full(n, transient), n_blocks),
        generator=np.random.default_rng(seed),
        limits=Limits(**(OPTIONS | changes)),
    )


def summary_of_all(flow: Flow, found: Spectra):
    """All members' blocks as if they were one member's."""
    return summarise(found.blocks.reshape(-1, flow.dimension), found.driver_dimension)


# Values of Sprott, "Chaos and Time-Series Analysis", Oxford 2003, appendix A.
@pytest.mark.parametrize(
    ("name", "changes", "exponents", "dimension", "duration"),
    [
        ("Lorenz", {"beta": 8 / 3}, (0.9056, 0.0, -14.5723), 2.062, 250.0),
        ("Rossler", {}, (0.0714, 0.0, -5.3943), 2.013, 1000.0),
    ],
)
def test_spectra_of_the_literature(library, name, changes, exponents, dimension, duration):
    flow = library.flow(name)
    values = dict(zip(flow.driver.parameter_names, flow.driver.parameters, strict=True)) | changes
    ensemble = near_published(flow, 8)
    ensemble.driver_parameters[:] = list(values.values())
    found = spectra(flow, ensemble, duration, transient=50.0)
    assert np.all(found.status == Status.complete)
    result = summary_of_all(flow, found)
    assert np.all(np.abs(result.exponents - exponents) < 3 * result.errors + 1e-4)
    assert np.all(result.errors < 0.02)
    assert abs(result.kaplan_yorke - dimension) < 3 * result.kaplan_yorke_error + 1e-3
    assert 0 < result.kaplan_yorke_error < 0.002


def test_the_sum_is_the_divergence(library):
    """Of Lorenz it is -(sigma + 1 + beta) everywhere."""
    flow = library.flow("Lorenz")
    parameters = dict(zip(flow.driver.parameter_names, flow.driver.parameters, strict=True))
    result = summary_of_all(flow, spectra(flow, near_published(flow, 2), 40.0))
    assert result.total == pytest.approx(-(parameters["sigma"] + 1 + parameters["beta"]), abs=1e-6)
    assert result.total_error < 1e-6
    assert result.exponents.sum() == pytest.approx(result.total)


def test_exponents_of_a_hamiltonian_flow_come_in_pairs(library):
    """Henon-Heiles at energy 1/8, in the chaotic sea; the state that dysts publishes lies on an island."""
    flow = library.flow("HenonHeiles")
    y = -0.25
    sea = [0.0, y, np.sqrt(2 / 8 - y**2 + 2 * y**3 / 3), 0.0]
    result = summary_of_all(flow, spectra(flow, ensemble_of(flow, [sea]), 4000.0))
    # 0.047: Skokos, Bountis and Antonopoulos, Physica D 231, 2007, quoted unchecked. Orbits stick to islands: the
    # scatter is large.
    assert abs(result.exponents[0] - 0.047) < 4 * result.errors[0]
    assert result.exponents[0] > 5 * result.errors[0]
    assert np.all(np.abs(result.exponents + result.exponents[::-1]) < 2e-3)
    assert result.total == pytest.approx(0.0, abs=1e-7)
    assert result.kaplan_yorke == pytest.approx(4.0, abs=1e-3)
    island = summary_of_all(flow, spectra(flow, near_published(flow, 1, spread=0.0), 4000.0))
    assert np.all(np.abs(island.exponents) < 4e-3)


def test_rates_of_linear_flows(decay, oscillator):
    slow = spectra(decay, ensemble_of(decay, [[1.0, 1.0]]), 10.0, transient=15.0)
    np.testing.assert_allclose(slow.blocks[0], np.tile([-0.5, -2.0], (20, 1)), atol=1e-6)
    assert summarise(slow.blocks[0], 2).kaplan_yorke == 0.0
    turning = spectra(oscillator, ensemble_of(oscillator, [[1.0, 0.0]]), 50.0)
    np.testing.assert_allclose(turning.blocks, 0.0, atol=1e-6)


def coupled_to_decay(library) -> tuple[Flow, Flow, Ensemble]:
    """Lorenz alone, and Lorenz driving two coordinates that decay at rates 0.5 and 2 times their scales."""
    lorenz = library.flow("Lorenz")
    pair = dataclasses.replace(
        lorenz, response=DECAY, response_rhs=decay_rhs.address, response_jvp=decay_jvp.address
    )
    alone = near_published(lorenz, 2)
    ensemble = Ensemble(
        driver_parameters=alone.driver_parameters,
        response_parameters=np.tile(DECAY.parameters, (2, 1)),
        driver_scale=np.full((2, 2), 0.7),
        response_scale=np.array([[1.0, 1.0], [3.0, 0.25]]),
        driver_index=np.array([[2, 0], [1, 2]]),
        initial=np.concatenate([alone.initial, np.ones((2, 2))], axis=1),
    )
    return lorenz, pair, ensemble


def test_conditional_spectrum_of_a_linear_response(library):
    _, pair, ensemble = coupled_to_decay(library)
    found = spectra(pair, ensemble, 50.0)
    results = [summarise(blocks, found.driver_dimension) for blocks in found.blocks]
    np.testing.assert_allclose(results[0].conditional, [-0.5, -2.0], atol=1e-5)
    np.testing.assert_allclose(results[1].conditional, [-0.5, -1.5], atol=1e-5)
    assert list(results[0].exponents) == sorted(results[0].exponents, reverse=True)
    assert set(results[0].conditional) <= set(results[0].exponents)


def test_driver_and_conditional_spectrum_make_the_whole(library):
    """The driver's part is the driver's own; the joined spectrum sums to the divergence of the whole tangent
    flow, coupling included, and holds the largest exponent that vectors of the whole find."""
    flow = library.flow("Rossler", "Thomas")
    pair = pair_ensemble(flow, 8)
    found = spectra(flow, pair, 1500.0, transient=100.0, rtol=1e-7)
    result = summary_of_all(flow, found)
    rossler = library.flow("Rossler")
    alone = ensemble_of(rossler, pair.initial[:, :3])
    own = summary_of_all(rossler, spectra(rossler, alone, 1500.0, transient=100.0, rtol=1e-7))
    driver = np.sort(found.blocks.reshape(-1, 6).mean(axis=0)[:3])[::-1]
    assert np.all(np.abs(driver - own.exponents) < 4 * own.errors + 1e-3)
    np.testing.assert_allclose(
        np.sort([*driver, *result.conditional])[::-1], result.exponents, rtol=0, atol=1e-12
    )
    whole = largest_exponent(
        flow,
        pair,
        subspace="whole",
        schedule=Schedule(np.full(8, 1500.0), np.full(8, 100.0), 20),
        generator=np.random.default_rng(2),
        limits=Limits(**OPTIONS),
    )
    # Members have couplings of their own, so member by member.
    for i in range(8):
        mine = summarise(found.blocks[i], 3)
        assert abs(mine.exponents[0] - whole.largest[i]) < 4 * np.hypot(
            mine.errors[0], whole.standard_error[i]
        )


def test_a_member_is_the_same_bits_in_any_ensemble(library):
    flow = library.flow("Rossler", "Thomas")
    ensemble = pair_ensemble(flow, 11)
    ensemble.initial[4] = np.nan
    durations = np.linspace(20.0, 60.0, 11)
    whole = spectra(flow, ensemble, durations)
    assert whole.status[4] == Status.diverged and np.isnan(whole.blocks[4]).all()
    for members in (np.array([7]), np.arange(10, -1, -1)):
        part = spectra(flow, ensemble[members], durations[members])
        np.testing.assert_array_equal(part.blocks, whole.blocks[members])
        np.testing.assert_array_equal(part.status, whole.status[members])


def test_the_first_vectors_do_not_matter(library):
    flow = library.flow("Lorenz")
    one, other = (spectra(flow, near_published(flow, 1), 20.0, seed=seed, rtol=1e-10) for seed in (1, 2))
    # The steps differ, and with them, by and by, the trajectories.
    np.testing.assert_allclose(one.blocks[:, :4], other.blocks[:, :4], rtol=0, atol=0.02)


def test_budget_keeps_whole_blocks(library):
    flow = library.flow("Lorenz")
    found = spectra(flow, near_published(flow, 1), 200.0, max_steps=6000)
    assert found.status[0] == Status.budget
    done = np.isfinite(found.blocks[0]).all(axis=1)
    n = int(done.sum())
    assert 0 < n < 20 and done[:n].all() and np.isnan(found.blocks[0, n:]).all()
    longer = spectra(flow, near_published(flow, 1), 200.0)
    np.testing.assert_array_equal(found.blocks[0, :n], longer.blocks[0, :n])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_blocks": 0}, "n_blocks is 0"),
        ({"n_blocks": 1.5}, "n_blocks is 1.5"),
        ({"transient": 0.0}, "transient must be finite and > 0"),
        ({"atol": 0.0}, "atol is 0.0"),
        ({"max_abs": -1.0}, "max_abs is -1.0"),
    ],
)
def test_senseless_arguments_are_refused(oscillator, changes, message):
    with pytest.raises(PandaError, match=message):
        spectra(oscillator, ensemble_of(oscillator, [[1.0, 0.0]]), 10.0, **changes)


@pytest.mark.parametrize("blocks", [np.empty((0, 3)), np.ones(3), np.array([[1.0, np.nan]])])
def test_a_summary_needs_whole_blocks(blocks):
    with pytest.raises(PandaError, match="at least one, and none unfinished"):
        summarise(blocks, 1)


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [
        ([0.9056, 0.0, -14.5723], 2 + 0.9056 / 14.5723),
        ([-14.5723, 0.9056, 0.0], 2 + 0.9056 / 14.5723),
        ([0.1, 0.0, -0.1], 3.0),
        ([0.3, 0.2], 2.0),
        ([0.0, -1.0], 0.0),
        ([-0.5], 0.0),
        ([], 0.0),
    ],
)
def test_kaplan_yorke_by_hand(exponents, dimension):
    assert kaplan_yorke(np.array(exponents)) == pytest.approx(dimension)
    assert np.isnan(kaplan_yorke(np.array([*exponents, np.nan])))


@given(exponents=st.lists(BENIGN, min_size=1, max_size=8), scale=st.sampled_from([0.25, 2.0, 64.0]))
def test_kaplan_yorke_knows_neither_order_nor_unit_of_time(exponents, scale):
    value = kaplan_yorke(np.array(exponents))
    assert 0.0 <= value <= len(exponents)
    assert kaplan_yorke(scale * np.array(exponents[::-1])) == pytest.approx(value)


def test_errors_are_those_of_independent_blocks():
    """Blocks drawn with a known scatter: the errors say how far means of such blocks lie from the truth."""
    generator = np.random.default_rng(5)
    truth, scatter = np.array([0.9, 0.0, -14.6]), np.array([0.3, 0.1, 0.3])
    dimensions, errors = [], []
    for _ in range(200):
        noise = scatter * generator.standard_normal((40, 3))
        noise[:, 2] = -noise[:, 0]  # the divergence is constant: the dimension's error must know of it
        result = summarise(truth + noise, 3, min_blocks=40)
        dimensions.append(result.kaplan_yorke)
        errors.append([*result.errors, result.kaplan_yorke_error])
    mean = np.mean(errors, axis=0)
    np.testing.assert_allclose(mean[:2], scatter[:2] / np.sqrt(40), rtol=0.05)
    assert mean[3] == pytest.approx(np.std(dimensions), rel=0.15)


# Made before the integrator carried more than one vector: it must not have changed a bit since.
FROZEN = {
    ("Lorenz",): ("0x1.01ee777be839cp+0", "0x1.d6754d342dbb9p-1", "0x1.ca61d4af6ba74p-1"),
    ("HyperRossler",): ("0x1.dc05558bfc7c9p-3", "0x1.360a1f06a6dbap-2", "0x1.3868441e5754bp-2"),
    ("Rossler", "Thomas"): ("0x1.737486180e455p-3", "0x1.f4d23ed2f68a0p-3", "0x1.7a64ea408ceeep-2"),
    ("Rossler", "Thomas", "response"): (
        "0x1.604513aba0863p-3", "0x1.4053aa480d00cp-2", "0x1.4c2925e7f5542p-2"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(FROZEN))
def test_the_largest_exponent_has_kept_its_value(library, case):
    flow = library.flow(*case[:2])
    ensemble = pair_ensemble(flow, 3) if flow.response else near_published(flow, 3)
    found = largest_exponent(
        flow,
        ensemble,
        subspace="response" if len(case) == 3 else "whole",
        schedule=Schedule(np.full(3, 10 * flow.period), np.full(3, 2 * flow.period), 4),
        generator=np.random.default_rng(7),
        limits=Limits(**(OPTIONS | {"rtol": 1e-6, "atol": 1e-8})),
    )
    # Last bits are those of one type of CPU, and grow with the motion; another start or another vector shows at once.
    assert found.largest == pytest.approx([float.fromhex(value) for value in FROZEN[case]], rel=0.01)
