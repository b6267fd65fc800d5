"""Scores of fields: the right points, nested horizons, intervals over runs."""

from __future__ import annotations

import numpy as np
import pytest

from panda.config import PDE, Evaluate
from panda.core.errors import PandaError
from panda.evaluation.fields import score_fields, summarise_fields


class Clock:
    """Goes on counting: exact on a field that counts time."""

    name = "clock"

    def forecast(self, context, horizon):
        return context[:, -1:] + np.arange(1, horizon + 1)[None, :, None]


@pytest.fixture
def pde(smoke) -> PDE:
    return smoke.pde.model_copy(update={"start": 20})


def test_fields_are_cut_where_they_should_be(settings: Evaluate, pde: PDE) -> None:
    time = np.arange(300.0)[None, :, None]
    fields = time + np.zeros((3, 1, 8))
    result = score_fields(Clock(), fields, pde, settings)
    assert result.table["mae"].max() < 1e-6
    assert result.context[:, 0].tolist() == list(range(20, 148))
    assert result.truth[0, 0] == 148 and result.forecast.shape == (96, 8)
    assert sorted(result.table["run"].unique()) == [0, 1, 2]
    with pytest.raises(PandaError, match="do not reach"):
        score_fields(Clock(), fields[:, :200], pde, settings)


def test_summary_over_runs(settings: Evaluate, pde: PDE) -> None:
    fields = np.random.default_rng(0).normal(size=(12, 300, 8))
    table = score_fields(Clock(), fields, pde, settings).table
    summary = summarise_fields(table, settings, seed=1)
    assert len(summary) == 3 * 4
    row = summary[(summary["metric"] == "smape") & (summary["horizon"] == 64)].iloc[0]
    values = table[table["horizon"] == 64]["smape"]
    assert row["mean"] == pytest.approx(values.mean()) and row["median"] == pytest.approx(values.median())
    assert row["low"] < row["mean"] < row["high"] and row["n_runs"] == 12
