"""The registry of metrics: each is computed, written about, and nowhere listed again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from panda.core.files import write_arrays
from panda.core.metrics import METRICS, Metric, metric_label, metrics_of
from panda.data.series import open_series
from panda.evaluation.forecasts import forecast_windows
from panda.evaluation.score import pointwise, score
from panda.evaluation.summary import by_system, summarise
from panda.evaluation.windows import draw_windows
from tests.conftest import ROOT


@pytest.mark.parametrize("name", metrics_of("forecasts"))
def test_each_of_a_forecast_is_a_function_and_scores_the_worst_where_nothing_is_known(name: str, smoke):
    settings = smoke.evaluate.model_copy(update={"horizons": (4,)})
    rng = np.random.default_rng(0)
    context, truth = rng.normal(size=(1, 64, 2)), rng.normal(size=(1, 4, 2))
    broken = np.full_like(truth, np.nan)
    scores = pointwise(broken, context, truth, settings)
    if name == "valid_time":  # in steps: the first is already wrong
        assert scores["valid_steps"].item() == 1
    else:
        np.testing.assert_equal(scores[name].item(), METRICS[name].worst)


@pytest.mark.parametrize("name", METRICS)
def test_each_is_written_about(name: str):
    text = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert f"`{name}`" in text
    assert METRICS[name].of and METRICS[name].formula and metric_label(name) == METRICS[name].label


def test_no_one_else_lists_them():
    for package in ("evaluation", "figures", "report", "analysis", "cli"):
        for path in (ROOT / "panda" / package).glob("*.py"):
            listed = re.findall(r'[({\[]"smape"[^)}\]]*"mae"[^)}\]]*[)}\]]', path.read_text())
            assert not [text for text in listed if "metrics." not in text], path


def test_a_new_metric_is_one_file_and_one_entry(store_of_walks, tmp_path: Path, monkeypatch) -> None:
    """The worst error of a window: computed, averaged, summarised and tested with no other line of code."""
    (tmp_path / "worst_error.py").write_text(
        "import numpy as np\n"
        "def worst_error(forecast, truth, horizons, *, power):\n"
        "    error = np.abs(forecast - truth).max(axis=2) ** power\n"
        "    return np.stack([error[:, :h].max(axis=1) for h in horizons], axis=1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry = Metric(
        "worst error", "context s.d.", "max |x - y|", ("forecasts",),
        function="worst_error.worst_error", settings={"power": "valid_time_threshold"},
    )  # fmt: skip
    monkeypatch.setitem(METRICS, "worst_error", entry)
    windows, settings = store_of_walks
    scores = score(forecast_windows(Last(), windows, settings), windows, settings)
    assert (scores["worst_error"] >= scores["mae"] ** settings.valid_time_threshold).all()
    assert "worst_error" in by_system(scores)
    summary = summarise(scores, settings, held_out=(), seed=1)
    assert (summary["metric"] == "worst_error").any()


class Last:
    name = "last"

    def forecast(self, context, horizon):
        return np.repeat(context[:, -1:], horizon, axis=1)


@pytest.fixture
def store_of_walks(smoke, tmp_path: Path):
    """Windows of three walks, and the settings they are scored by."""
    settings = smoke.evaluate.model_copy(
        update={"context_length": 64, "horizons": (16, 32), "n_bootstrap": 20}
    )
    walks = np.cumsum(np.random.default_rng(0).normal(size=(3, 200, 2)), axis=1)
    write_arrays(tmp_path / "walks.npz", series=walks)
    return draw_windows(open_series([tmp_path / "walks.npz"], name="walks"), settings, seed=1), settings
