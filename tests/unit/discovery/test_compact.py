"""The catalogue for publication: the published one regenerates, and a small one keeps every bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from panda.cli import app
from panda.core.errors import PandaError
from panda.core.files import read_table
from panda.discovery.catalogue.compact import SPECTRUM, compact
from panda.discovery.certificates.spectra import LISTS, NUMBERS, measure_spectra
from panda.discovery.certificates.verdict import CHAOTIC
from panda.discovery.search.search import search
from panda.discovery.search.select import select
from panda.dynamics.integrate import Status
from panda.integration.trajectories import Length, regenerate
from panda.invariants.signature import signature
from panda.systems.members import COLUMNS, from_rows
from tests.conftest import ROOT

from .test_search import ALONE, PAIR, SEED

PUBLISHED = ROOT / "results" / "published" / "discovery" / "catalogue.parquet"


@pytest.fixture(scope="module")
def catalogue(library, measures, settings, smoke) -> pd.DataFrame:
    found = search(library, measures, [ALONE, PAIR], settings, SEED)
    table = select(found, smoke.discover.select, smoke.discover.founders)
    return table.assign(accepted=table["status"] == "complete")


def test_it_regenerates_the_same_bits_from_its_file(library, catalogue, settings, smoke, tmp_path):
    path, small = tmp_path / "catalogue.parquet", tmp_path / "small.parquet"
    catalogue.to_parquet(path)
    quick = {
        "n_periods": 16,
        "transient_periods": 4,
        "n_segments": 4,
        "n_blocks": 8,
        "points_per_segment": 31,
    }
    spectra = measure_spectra(
        library, catalogue[catalogue["accepted"]].iloc[:2], smoke.discover.spectrum.model_copy(update=quick),
        settings.integration.limits, SEED,
    )  # fmt: skip
    spectra.to_parquet(tmp_path / "spectra.parquet")
    done = CliRunner().invoke(
        app,
        ["discover", "compact", "--catalogue", str(path), "--spectra", str(tmp_path / "spectra.parquet"),
         "--output", str(small), "--config", str(ROOT / "config.yaml")],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    back = read_table(small)
    accepted = catalogue[catalogue["accepted"]]
    assert back["system"].tolist() == accepted["system"].tolist() and len(back) < len(catalogue)
    assert back["kaplan_yorke"].notna().sum() == 2
    share = accepted["drive_share"].tolist()
    assert back["drive_share"].tolist() == pytest.approx(share, rel=1e-6, abs=0, nan_ok=True)
    for (_, one), (_, other) in zip(back.groupby("name"), accepted.groupby("name"), strict=True):
        for column in COLUMNS:
            assert np.array_equal(getattr(from_rows(one), column), getattr(from_rows(other), column))
    once = dict.fromkeys(back["system"], 1)
    for left, right in zip(
        *(
            regenerate(library, rows, Length(settings.integration), n_initial_conditions=once, seed=SEED)
            for rows in (back, accepted)
        ),
        strict=True,
    ):
        assert np.array_equal(left.series, right.series)


@pytest.mark.filterwarnings("error")
def test_what_half_precision_cannot_hold_is_cut_off_at_its_largest(catalogue):
    """One of 43,233 systems has a part of its signature of 6e6."""
    rows = catalogue[catalogue["accepted"]].iloc[:1]
    large = np.asarray(rows["signature"].iloc[0]).copy()
    large[0] = 6e6
    kept = np.asarray(compact(rows.assign(signature=[large]), None)["signature"].iloc[0])
    assert kept[0] == np.finfo(np.float16).max
    np.testing.assert_allclose(kept[1:], large[1:], rtol=1e-3, atol=1e-4)


def test_spectra_of_another_run_are_refused(catalogue):
    nothing = {name: [[]] for name in LISTS} | {name: [0.0] for name in NUMBERS}
    nothing |= {"confirmed": [False], "response_kind": [""]}
    with pytest.raises(PandaError, match="Nobody-pp0 is not accepted"):
        compact(catalogue, pd.DataFrame({"system": ["Nobody-pp0"], **nothing}))
    assert set(SPECTRUM) == set(nothing)


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="no published catalogue in this checkout")
def test_the_published_catalogue_regenerates(library, smoke):
    """On any processor its systems reach their end within their bounds; bits depend on its type."""
    rows = read_table(PUBLISHED)
    assert len(rows) > 10_000 and rows["system"].is_unique
    assert (rows["generation"] == 1).all() and (rows["parents"] == "").all()
    assert (rows["status"] == Status.complete.name).all()
    certified = rows[rows["certified"] & (rows["population"] != "founder")]
    assert certified["verdict"].eq(CHAOTIC).all() and certified["late_verdict"].eq(CHAOTIC).all()
    # Of some the exponent changed between early and late, chaotic both times: its error is large.
    assert (certified["largest_exponent"] > 3 * certified["exponent_error"]).mean() > 0.98
    if "exponents" in rows:
        measured = certified["exponents"].map(lambda found: found is not None and len(found) > 0)
        assert certified["confirmed"][measured].mean() > 0.98
    few = rows.sort_values("n_steps").groupby(["population", "split"]).head(2)
    once = dict.fromkeys(few["system"], 1)
    integration = smoke.discover.search.integration
    assert integration.n_points == 5120
    found, searched = [], []
    for one in regenerate(library, few, Length(integration), n_initial_conditions=once, seed=99):
        assert one.series.shape == (one.row["dimension"], integration.kept_points)
        assert np.abs(one.series).max() == pytest.approx(one.row["max_magnitude"], rel=0.5)
        shape = smoke.discover.search.statistics.signature.model_dump()
        found.append(signature(one.series, **shape).features)
        searched.append(np.asarray(one.row["signature"]))
    # On another type of processor the last digits differ, and soon it is another trajectory of the same attractor: nearer
    # to the one that was searched than other systems are.
    assert len(found) == len(few)
    gaps = np.abs(np.stack(found)[:, None] - np.stack(searched)).mean(axis=2)
    own = np.eye(len(few), dtype=bool)
    assert gaps[own].mean() < 0.6 * gaps[~own].mean()
