"""Spectra of accepted systems: the same in any shard, what they say of a response, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from panda.config import Spectrum
from panda.core.errors import PandaError
from panda.discovery.certificates.spectra import (
    COLUMNS,
    chosen_systems,
    join,
    measure_spectra,
    member_spectra,
    response_kind,
)
from panda.discovery.search.candidates import Group
from panda.discovery.search.draw import draw_members
from panda.dynamics.spectrum import Summary
from panda.systems.evaluate import divergence, jacobian_vector
from panda.systems.members import flow_of, shard_of_flows, to_columns
from panda.systems.skew import founder_ensemble

SEED = 11
GROUPS = [
    Group("Lorenz", "", 2),
    Group("Rossler", "", 1),
    Group("Lorenz", "Rossler", 2),
    Group("Lorenz", "Thomas", 1),
]


@pytest.fixture(scope="session")
def short(smoke) -> Spectrum:
    """Long enough for the signs of exponents, not more."""
    changes = {"n_periods": 96, "n_blocks": 16, "transient_periods": 8, "points_per_segment": 61}
    return smoke.discover.spectrum.model_copy(update=changes)


@pytest.fixture(scope="session")
def catalogue(library, measures, settings) -> pd.DataFrame:
    """All members of the groups as a catalogue has them; the second of Lorenz is not accepted."""
    rms = {row.founder: np.asarray(row.flow_rms) for row in measures.itertuples()}
    tables = []
    for group in GROUPS:
        flow = flow_of(library, group.driver, group.response)
        known = {
            "system": [group.system(i) for i in range(group.n_members)],
            "name": group.name,
            "driver": group.driver,
            "response": group.response,
            "population": group.population,
            "period": flow.period,
            "dt": flow.period / 128,
        }
        members = to_columns(draw_members(flow, group, settings, rms, SEED))
        tables.append(pd.DataFrame({**known, **members}))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(accepted=table["system"] != "Lorenz-pp1")


@pytest.fixture(scope="session")
def spectra(library, catalogue, short, settings) -> pd.DataFrame:
    return join(
        [
            measure_spectra(
                library, chosen_systems(catalogue, None, SEED), short, settings.integration.limits, SEED
            )
        ]
    )


def test_every_accepted_system_has_a_row(spectra, catalogue, short):
    assert tuple(spectra.columns) == COLUMNS
    assert list(spectra["system"]) == sorted(catalogue.loc[catalogue["accepted"], "system"])
    for row in spectra.itertuples():
        d_a = 3
        d_b = 3 if row.population == "skew" else 0
        assert len(row.exponents) == len(row.exponent_errors) == d_a + d_b
        assert len(row.conditional_exponents) == len(row.conditional_errors) == d_b
        assert (np.diff(row.exponents) <= 0).all()
        assert row.exponent_sum == pytest.approx(row.exponents.sum())
        assert (row.response_kind == "") == (row.population == "founder")
        shear = (
            short.min_power
            * np.log1p(short.segment_periods / short.transient_periods)
            / (short.segment_periods * row.period)
        )
        sure = row.exponents[0] - short.min_sigmas * row.exponent_errors[0]
        assert row.confirmed == (sure > shear)
    assert spectra["confirmed"].any()


def test_shards_do_not_matter(library, catalogue, short, settings, spectra):
    chosen = chosen_systems(catalogue, None, SEED)
    parts = [
        measure_spectra(library, shard_of_flows(chosen, i, 5), short, settings.integration.limits, SEED)
        for i in reversed(range(5))
    ]
    assert 0 in map(len, parts)
    assert join(parts).to_parquet() == spectra.to_parquet()


def test_numbers_of_the_founders(spectra):
    lorenz = spectra[spectra["system"] == "Lorenz-pp0"].iloc[0]
    assert lorenz["status"] == "complete" and lorenz["n_blocks"] == 16
    assert abs(lorenz["exponents"][0] - 0.9056) < 4 * lorenz["exponent_errors"][0]
    assert abs(lorenz["kaplan_yorke"] - 2.062) < 4 * lorenz["kaplan_yorke_error"] + 2e-3
    # -(sigma + 1 + beta), dysts' beta being 2.667
    assert lorenz["mean_divergence"] == pytest.approx(-13.667)
    assert lorenz["exponent_sum"] == pytest.approx(-13.667, abs=1e-4)


def test_the_sum_is_the_mean_divergence_of_skew_products_too(spectra):
    rows = spectra[spectra["population"] == "skew"]
    assert len(rows) >= 2
    slack = 5 * rows["exponent_sum_error"] + 0.02 * rows["mean_divergence"].abs()
    assert ((rows["exponent_sum"] - rows["mean_divergence"]).abs() < slack).all()


def test_divergence_is_the_trace(library):
    flow = library.flow("HyperRossler")
    states = np.random.default_rng(0).standard_normal((5, 4))
    ensemble = founder_ensemble(flow, np.tile(flow.driver.parameters, (5, 1)), states)
    jacobian = np.stack(
        [jacobian_vector(flow, ensemble, states, np.tile(e, (5, 1)), np.zeros(5)) for e in np.eye(4)], axis=2
    )
    expected = np.trace(jacobian, axis1=1, axis2=2)
    np.testing.assert_allclose(divergence(flow, ensemble, states, np.zeros(5)), expected)


def test_a_failure_is_told_and_its_whole_blocks_kept(library, catalogue, short, settings):
    starved = short.model_copy(update={"max_steps": 900})
    one = catalogue[catalogue["system"] == "Lorenz-pp0"]
    row = measure_spectra(library, one, starved, settings.integration.limits, SEED).iloc[0]
    assert row["status"] == "budget" and 0 < row["n_blocks"] < 16 and len(row["exponents"]) == 3
    nothing = short.model_copy(update={"max_steps": 3})
    row = measure_spectra(library, one, nothing, settings.integration.limits, SEED).iloc[0]
    assert row["status"] == "budget" and row["n_blocks"] == 0
    assert len(row["exponents"]) == 0 and np.isnan(row["kaplan_yorke"]) and row["response_kind"] == ""
    assert not row["confirmed"]


def test_sliding_is_told_before_a_spent_budget_and_confirms_nothing(library, catalogue, short, settings):
    """dysts' StickSlipOscillator sticks to its belt for most of every period, whatever its steps are."""
    flow = flow_of(library, "StickSlipOscillator", "")
    known = {"system": "s", "name": flow.name, "driver": flow.name, "response": "", "population": "founder",
             "period": flow.period, "dt": flow.period / 128, "accepted": True}  # fmt: skip
    start = (flow.driver.parameters[None], flow.driver.initial_condition[None])
    table = pd.DataFrame({**known, **to_columns(founder_ensemble(flow, *start))})
    longer = short.model_copy(update={"n_periods": 320, "max_steps": 300_000})
    row = measure_spectra(library, table, longer, settings.integration.limits, SEED).iloc[0]
    assert row["status"] == "sliding" and not row["confirmed"]


def test_a_sample_is_the_seeds_and_grows_with_its_size(catalogue):
    few, more = (set(chosen_systems(catalogue, n, SEED)["system"]) for n in (2, 4))
    assert len(few) == 2 and len(more) == 4 and few < more
    shuffled = catalogue.sample(frac=1.0, random_state=3)
    assert set(chosen_systems(shuffled, 2, SEED)["system"]) == few
    assert len(chosen_systems(catalogue.assign(accepted=False), 2, SEED)) == 0


@pytest.mark.parametrize(
    ("largest", "error", "kind"),
    [
        (0.4, 0.1, "chaotic"),
        (0.3, 0.1, "undecided"),
        (-0.2, 0.1, "undecided"),
        (-0.4, 0.1, "synchronised"),
        (0.4, np.nan, "undecided"),
    ],
)
def test_three_standard_errors_tell_a_response(smoke, largest, error, kind):
    settings = smoke.discover.spectrum
    summary = Summary(np.zeros(2), np.zeros(2), np.array([largest, -5.0]), np.array([error, 9.0]), 0, 0, 2, 0)
    assert response_kind(summary, settings, 2.0) == kind
    assert response_kind(summary._replace(conditional=np.empty(0)), settings, 2.0) == ""


def test_growth_that_shear_explains_is_not_chaos(smoke):
    settings = smoke.discover.spectrum
    segment, transient = settings.n_periods / settings.n_segments, settings.transient_periods
    # |v| = t^2, from the end of the transient to that of the segment, in a unit in which a period is 1
    shear = 2 * np.log((transient + segment) / transient) / segment
    for largest, kind in ((0.99 * shear, "undecided"), (1.01 * shear, "chaotic")):
        summary = Summary(np.zeros(1), np.zeros(1), np.array([largest]), np.array([1e-9]), 0, 0, 1, 0)
        assert response_kind(summary, settings, 1.0) == kind


def test_founders_with_delay_have_no_spectrum(library, catalogue, short, settings):
    name = next(name for name in library.names if library[name].delay_index is not None)
    assert len(chosen_systems(catalogue.head(1).assign(driver=name, name=name), None, SEED)) == 0
    flow = library.flow(name)
    ensemble = founder_ensemble(flow, flow.driver.parameters[None], flow.driver.initial_condition[None])
    limits = settings.integration.limits
    with pytest.raises(PandaError, match="has a delay, so infinitely many exponents"):
        next(iter(member_spectra(flow, ensemble, short, limits, np.random.default_rng(0))))


def test_bad_input_is_refused(spectra, catalogue, short):
    with pytest.raises(PandaError, match="in two shards of spectra"):
        join([spectra, spectra.head(1)])
    with pytest.raises(ValidationError, match="n_blocks 12 is no multiple of n_segments 8"):
        Spectrum.model_validate({**short.model_dump(), "n_blocks": 12})
