"""The registry of metrics: each is computed, written about, and nowhere listed again."""

from __future__ import annotations

import re

import numpy as np
import pytest

from panda.core.metrics import METRICS, metric_label, metrics_of
from panda.evaluation import metrics as functions
from panda.evaluation.score import pointwise
from tests.conftest import ROOT


@pytest.mark.parametrize("name", metrics_of("forecasts"))
def test_each_of_a_forecast_is_a_function_and_scores_the_worst_where_nothing_is_known(name: str, smoke):
    assert hasattr(functions, name)
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
