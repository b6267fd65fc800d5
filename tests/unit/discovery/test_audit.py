"""The audit of verdicts: wrong ones are found out, shares and rates have exact intervals, shards do not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import stats
from typer.testing import CliRunner

from panda.cli import app
from panda.config import Audit, Discover
from panda.core.errors import PandaError
from panda.core.files import write_table
from panda.core.resolved import write_resolved
from panda.discovery.certificates.audit import COLUMNS, READ, audit, audited_systems
from panda.discovery.certificates.audit_summary import binomial, join, lines, poisson, summarise
from panda.systems.members import shard_of_flows

SEED = 3


@pytest.fixture(scope="session")
def short(smoke) -> Audit:
    changes = {"n_systems": 20, "n_periods": 400, "last_periods": 100, "n_shards": 3}
    return smoke.discover.audit.model_copy(update=changes)


@pytest.fixture(scope="session")
def catalogue(candidates) -> pd.DataFrame:
    """Flows whose motion is known, with verdicts of which half are wrong."""
    # Motion, verdict, the exponent that the catalogue has, and its error: a fixed point's is wrong by 20 errors.
    starts = [[1, 1, 0], [1, 2, 0], [2, 1, 0], [0, 3, 0]]
    parts = [
        candidates("Lorenz", {}).assign(verdict="chaotic", largest_exponent=0.9056, exponent_error=0.02),
        candidates("Lorenz", {"rho": 14.0}).assign(
            verdict="chaotic", largest_exponent=0.6, exponent_error=0.05
        ),
        candidates("Rossler", {"a": 0.383}, starts).assign(
            verdict="chaotic", largest_exponent=0.2, exponent_error=0.02
        ),
        candidates("Lorenz", {"rho": 13.0}).assign(
            verdict="regular", largest_exponent=-0.4, exponent_error=0.05
        ),
        candidates("Thomas", {}).assign(verdict="regular", largest_exponent=0.0, exponent_error=0.0),
        candidates("Rossler", {}).assign(verdict="undecided", largest_exponent=0.05, exponent_error=0.02),
    ]
    table = pd.concat(parts, ignore_index=True)
    table["system"] = [f"{name}-pp{i}" for i, name in enumerate(table["name"])]
    chaotic = table["verdict"] == "chaotic"
    ends = [np.empty(0)] * len(table)
    return table.assign(accepted=chaotic, certified=chaotic, followed_periods=100.0, end_state=ends)


@pytest.fixture(scope="session")
def audited(library, smoke, short, catalogue) -> pd.DataFrame:
    found = smoke.discover
    chosen = audited_systems(catalogue, short.n_systems, SEED)
    return join([audit(library, chosen, short, found.follow, found.search.integration.limits, SEED)])


@pytest.fixture(scope="session")
def summary(audited, short, smoke) -> pd.DataFrame:
    return summarise(audited, short, smoke.discover.follow).set_index(["sample", "quantity"])


def test_wrong_verdicts_are_found_out(audited, summary):
    assert tuple(audited.columns) == COLUMNS
    rows = audited.set_index("system")
    assert rows["sample"].tolist() == ["certified"] * 6 + ["regular"] * 2 + ["undecided"]
    right, wrong = rows.loc["Lorenz-pp0"], rows.loc["Lorenz-pp1"]
    assert (right["status"], right["audited_periods"], right["audited_verdict"]) == (
        "complete",
        400,
        "chaotic",
    )
    assert abs(right["audited_exponent"] - 0.9056) < 4 * right["audited_error"] and abs(right["z"]) < 3
    expected = (0.9056 - right["audited_exponent"]) / np.hypot(0.02, right["audited_error"])
    assert right["z"] == pytest.approx(expected)
    assert wrong["audited_verdict"] == wrong["last_verdict"] == "regular" and wrong["z"] > 10
    assert rows.loc["Thomas-pp7", ["audited_verdict", "above_bar"]].tolist() == ["chaotic", True]
    assert rows.loc["Lorenz-pp6", ["audited_verdict", "above_bar"]].tolist() == ["regular", False]
    assert summary.loc[("certified", "regular"), ["count", "of"]].tolist() == [1, 6]
    assert summary.loc[("regular", "chaotic"), ["count", "of"]].tolist() == [1, 2]
    assert summary.loc[("undecided", "chaotic"), ["count", "of"]].tolist() == [1, 1]


def test_escapes_are_counted_over_the_periods_until_then(audited, summary, short):
    gone = audited[audited["name"] == "Rossler"].query("sample == 'certified'")
    assert (gone["status"] == "diverged").all() and len(gone) == 4
    assert (gone["escape_periods"] == short.transient_periods + gone["audited_periods"]).all()
    assert (gone["audited_periods"] < short.n_periods).all()
    rate = summary.loc[("certified", "escapes")]
    exposure = audited.query("sample == 'certified'")["audited_periods"].sum() + 6 * short.transient_periods
    assert (rate["count"], rate["of"]) == (4, exposure)
    assert rate["value"] == pytest.approx(4 / exposure * 1000) and rate["low"] < rate["value"] < rate["high"]
    assert summary.loc[("certified", "incomplete"), "count"] == 0


def test_chaos_that_dies_on_the_way_is_regular_at_the_end(library, smoke, candidates, short):
    starts = np.array([1.0, 1.0, 20.0]) + np.random.default_rng(0).standard_normal((8, 3))
    dying = candidates("Lorenz", {"rho": 22.5}, starts).assign(
        sample="certified", largest_exponent=0.6, exponent_error=0.05, end_state=[np.empty(0)] * 8
    )
    found = smoke.discover
    # Growth is counted from the start, so that the chaos that there was is part of the mean.
    early = short.model_copy(update={"transient_periods": 1, "n_periods": 200, "last_periods": 50})
    table = audit(library, dying, early, found.follow, found.search.integration.limits, SEED)
    summary = summarise(table, early, found.follow).set_index(["sample", "quantity"])
    late = summary.loc[("certified", "regular_at_the_end")]
    assert late["of"] == 8 and late["count"] >= 1
    assert (table.loc[table["last_verdict"] == "regular", "last_exponent"] < 0).all()
    assert (table["audited_exponent"] > table["last_exponent"])[table["last_verdict"] == "regular"].all()


def test_it_starts_where_following_ended(library, smoke, catalogue, short):
    found = smoke.discover
    one = audited_systems(catalogue, short.n_systems, SEED).query("system == 'Lorenz-pp0'")
    elsewhere = one.assign(end_state=[np.array([-3.0, -4.0, 20.0])])
    moved = one.assign(initial=[np.array([-3.0, -4.0, 20.0])])
    there, here, same = (
        audit(library, rows, short, found.follow, found.search.integration.limits, SEED)
        for rows in (elsewhere, one, moved)
    )
    pd.testing.assert_frame_equal(there, same)
    assert there["audited_exponent"][0] != here["audited_exponent"][0]


def test_shards_do_not_matter(library, smoke, short, catalogue, audited):
    found = smoke.discover
    chosen = audited_systems(catalogue, short.n_systems, SEED)
    parts = [
        audit(
            library,
            shard_of_flows(chosen, i, 4),
            short,
            found.follow,
            found.search.integration.limits,
            SEED,
        )
        for i in reversed(range(4))
    ]
    assert 0 in map(len, parts)
    pd.testing.assert_frame_equal(join(parts), audited)
    with pytest.raises(PandaError, match="in two shards of the audit"):
        join([audited, audited.head(1)])


def test_samples_are_of_their_verdicts_and_grow_with_their_size():
    n = 300
    generator = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "system": [f"S{i}" for i in range(n)],
            "verdict": generator.choice(["chaotic", "regular", "undecided"], n),
            "accepted": generator.random(n) < 0.7,
            "certified": generator.random(n) < 0.7,
            "followed_periods": np.where(generator.random(n) < 0.8, 100.0, np.nan),
        }
    )
    few, more = audited_systems(table, 10, SEED), audited_systems(table, 25, SEED)
    assert few["sample"].value_counts().tolist() == [10, 10, 10] and set(few["system"]) < set(more["system"])
    everything = audited_systems(table, n, SEED)
    assert not everything["system"].duplicated().any() and everything["followed_periods"].notna().all()
    certified = everything["sample"] == "certified"
    assert (everything.loc[certified, ["accepted", "certified"]]).all(axis=None)
    assert (everything.loc[certified, "verdict"] == "chaotic").all()
    assert (everything.loc[~certified, "verdict"] == everything.loc[~certified, "sample"]).all()
    shuffled = table.sample(frac=1.0, random_state=1)
    assert audited_systems(shuffled, 10, SEED)["system"].tolist() == few["system"].tolist()
    assert len(audited_systems(table.assign(verdict="chaotic", accepted=False), 10, SEED)) == 0


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (50, 37.1110, 65.9188)],
)
def test_poisson_intervals_are_those_of_the_tables(count: int, low: float, high: float):
    found = poisson(count, 2.0, 0.95)
    assert found.value == count / 2
    assert (found.low, found.high) == (pytest.approx(low / 2, abs=1e-4), pytest.approx(high / 2, abs=1e-4))
    assert all(np.isnan(poisson(count, 0.0, 0.95)))


def test_intervals_hold_what_their_names_say():
    """Of a rate at an end of its interval, data as far out have the probability of one tail."""
    rate = poisson(7, 1.0, 0.9)
    assert stats.poisson.cdf(7, rate.high) == pytest.approx(0.05)
    assert stats.poisson.sf(6, rate.low) == pytest.approx(0.05)
    share = binomial(7, 40, 0.9)
    assert stats.binom.cdf(7, 40, share.high) == pytest.approx(0.05)
    assert stats.binom.sf(6, 40, share.low) == pytest.approx(0.05)
    assert binomial(0, 200, 0.95).high == pytest.approx(1 - 0.025 ** (1 / 200))
    assert binomial(200, 200, 0.95).low == pytest.approx(0.025 ** (1 / 200))
    assert all(np.isnan(binomial(0, 0, 0.95)))


def test_coverage_and_scatter(audited, short, smoke):
    z = np.array([0.0, 1.0, -2.0, 2.9, -3.1, np.nan])
    table = audited.head(6).assign(sample="certified", z=z)
    found = summarise(table, short, smoke.discover.follow).set_index(["sample", "quantity"]).loc["certified"]
    assert found.loc["covered", ["count", "of", "value"]].tolist() == [4, 5, 0.8]
    assert found.loc["rms_z", "value"] == pytest.approx(np.sqrt(np.nanmean(z**2)))


def test_nothing_to_audit_is_a_summary_of_nothing(library, smoke, short, catalogue):
    found = smoke.discover
    nobody = audited_systems(catalogue, short.n_systems, SEED).iloc[:0]
    table = audit(library, nobody, short, found.follow, found.search.integration.limits, SEED)
    summary = summarise(table, short, found.follow)
    assert tuple(table.columns) == COLUMNS and (summary["of"] == 0).all() and summary["value"].isna().all()
    assert any("none to ask" in line for line in lines(table, summary))


def test_an_audit_must_be_another_and_longer_run(smoke):
    values = smoke.discover.model_dump()
    same = {**values, "audit": {**values["audit"], "rtol": values["follow"]["rtol"]}}
    with pytest.raises(ValidationError, match=r"audit\.rtol must be below follow.rtol"):
        Discover.model_validate(same)
    with pytest.raises(ValidationError, match="last_periods 500 are more than n_periods 400"):
        Audit.model_validate({**values["audit"], "last_periods": 500, "n_periods": 400})


def test_the_commands_join_all_shards_or_none(
    library_folder, smoke, short, catalogue, audited, tmp_path: Path
):
    discover = smoke.discover.model_copy(update={"audit": short})
    config, path = tmp_path / "config.yaml", tmp_path / "catalogue.parquet"
    write_resolved(smoke.model_copy(update={"discover": discover, "seed": SEED}), config)
    write_table(catalogue[list(READ)], path, machines_only=("end_state",))
    common = ["--config", str(config), "--catalogue", str(path)]
    shards = [tmp_path / f"{i}.parquet" for i in range(short.n_shards)]
    for i, output in enumerate(shards):
        words = ["--shard", str(i), "--library", str(library_folder), "--output", str(output)]
        assert CliRunner().invoke(app, ["discover", "audit", *common, *words]).exit_code == 0
    table, summary = tmp_path / "out/audit.parquet", tmp_path / "out/summary.parquet"
    words = ["discover", "join-audit", *common, "--output", str(table), "--summary", str(summary)]
    refused = CliRunner().invoke(app, [*words, *map(str, shards[1:])])
    assert isinstance(refused.exception, PandaError) and "audit: 1 of the 3 shards" in str(refused.exception)
    assert not table.exists() and not summary.exists()
    done = CliRunner().invoke(app, [*words, *map(str, shards)])
    assert done.exit_code == 0 and "certified, but regular: 1 of 6 (16.67%; " in done.stdout
    pd.testing.assert_frame_equal(pd.read_parquet(table), audited)
    assert summary.is_file() and summary.with_suffix(".csv").is_file()
