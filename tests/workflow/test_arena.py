"""A baseline, a data set and a metric, each by one file and one line, through the workflow."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from panda.core.files import read_json, read_table, write_arrays
from panda.core.provenance import record_path
from tests.unit.baselines.test_registry import SEASONAL
from tests.workflow.conftest import TINY
from tests.workflow.sandbox import Sandbox
from tests.workflow.test_reruns import planned

pytestmark = pytest.mark.workflow
OVERLAY = """
baselines:
  latest: {share: 0.5}
  own: {mine/seasonal.py: {period: 7}}
evaluate:
  together: false
  datasets:
    walks: {series: mine/walks.npz, forecasters: [seasonal, latest], context_length: 64, horizons: [8, 16]}
"""
LATEST = """
import numpy as np

BASELINES = {"latest": {"label": "latest", "idea": "a share of the last value", "licence": "MIT"}}
SETTINGS = {"share": "Fraction"}


class Latest:
    name = "latest"

    def __init__(self, share):
        self.share = share

    def forecast(self, context, horizon):
        return self.share * np.repeat(context[:, -1:], horizon, axis=1)


def create(name, settings, options):
    return Latest(settings.share)
"""
METRIC = """
import numpy as np


def last_error(forecast, truth, horizons):
    return np.stack([np.abs(forecast - truth)[:, h - 1].mean(axis=1) for h in horizons], axis=1)
"""
ENTRY = """METRICS["last_error"] = Metric(
    "last error", "context s.d.", "|x - y| at the last point", ("forecasts",),
    function="panda.evaluation.last_error.last_error",
)
"""
RUN = Path("results/tiny")
SCORES = [f"{RUN}/scores/walks/{name}.parquet" for name in ("seasonal", "latest")]


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Walks forecast by a baseline of the folder and by one of the user's own."""
    folder = tmp_path_factory.mktemp("arena")
    (folder / "arena.yaml").write_text(OVERLAY)
    sandbox = Sandbox(folder / "sandbox", TINY, folder / "arena.yaml")
    (sandbox.folder / "baselines" / "latest.py").write_text(LATEST)
    (sandbox.folder / "mine").mkdir()
    (sandbox.folder / "mine" / "seasonal.py").write_text(SEASONAL)
    walks = np.cumsum(np.random.default_rng(0).normal(size=(3, 200, 2)), axis=1)
    write_arrays(sandbox.folder / "mine" / "walks.npz", series=walks)
    sandbox.snakemake("--cores", "2", "--", *SCORES)
    return sandbox


def test_a_data_set_and_two_baselines_are_files_and_lines(arena: Sandbox):
    for path, name in zip(SCORES, ("seasonal", "latest"), strict=True):
        table = read_table(arena.folder / path)
        assert set(table["forecaster"]) == {name} and set(table["name"]) == {"walks"}
        assert sorted(table["horizon"].unique()) == [8, 16] and table["mae"].notna().all()
    record = read_json(record_path(arena.folder / RUN / "forecasts/walks/seasonal.npz"))
    assert record["forecast_s"] >= 0 and record["peak_mb"] > 0


def test_its_scores_are_summarised_over_series_and_shown_in_the_report(arena: Sandbox):
    arena.snakemake("--cores", "2", "--", f"{RUN}/evaluate/walks/summary.parquet")
    folder = arena.folder / RUN / "evaluate" / "walks"
    summary = read_table(folder / "summary.parquet")
    assert set(summary["unit"]) == {"series"} and set(summary["forecaster"]) == {"seasonal", "latest"}
    of_mae = summary[summary["metric"] == "mae"]
    assert set(of_mae["n_systems"]) == {3} and (of_mae["median_low"] <= of_mae["median_high"]).all()
    assert read_table(folder / "significance.parquet").empty  # the reference does not forecast it
    plan = arena.snakemake("-n", "-p").stdout
    assert "Summarise the scores on test" in plan and "Summarise the scores on validation" not in plan
    (report,) = re.findall(r"panda report write .*", plan)
    assert "evaluate/walks/summary.parquet" in report
    left_out = "evaluate={datasets: {walks: {in_report: false}, validation: {in_report: true}}}"
    plan = arena.snakemake("-n", "--config", left_out).stdout
    assert "Summarise the scores on validation" in plan and "evaluate/walks" not in plan


def test_a_new_metric_forecasts_nothing_again(arena: Sandbox):
    (arena.folder / "panda" / "evaluation" / "last_error.py").write_text(METRIC)
    registry = arena.folder / "panda" / "core" / "metrics.py"
    registry.write_text(registry.read_text() + ENTRY)
    assert planned(arena, "--", *SCORES) == {"score_forecasts"}
    arena.snakemake("--cores", "2", "--", *SCORES)
    table = read_table(arena.folder / SCORES[0])
    assert table["last_error"].notna().all() and (table["last_error"] >= 0).all()


def test_an_edit_of_one_baseline_reruns_that_one(arena: Sandbox):
    path = arena.folder / "baselines" / "latest.py"
    text = path.read_text()
    path.write_text(text.replace("self.share *", "self.share ** 2 *"))
    assert planned(arena, "--", SCORES[0]) == set()
    assert planned(arena, "--", SCORES[1]) == {"forecast_series", "score_forecasts"}
    path.write_text(text)


def test_a_data_set_without_its_file_is_one_clear_line(arena: Sandbox):
    done = arena.snakemake(
        "-n", "--config", "evaluate={datasets: {walks: {series: mine/none.npz}}}", check=False
    )
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "error: evaluate.datasets.walks.series: mine/none.npz: no series here" in done.stdout
