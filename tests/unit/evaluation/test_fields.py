"""The equation as a data set: the right points, nested horizons, intervals over runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.config import Evaluate
from panda.core.errors import PandaError
from panda.core.files import write_arrays
from panda.data.series import open_series
from panda.evaluation.forecasts import forecast_windows
from panda.evaluation.score import example_forecasts, score
from panda.evaluation.summary import by_system, summarise
from panda.evaluation.windows import Windows, draw_windows


class Clock:
    """Goes on counting: exact on a field that counts time."""

    name = "clock"

    def forecast(self, context, horizon):
        return context[:, -1:] + np.arange(1, horizon + 1)[None, :, None]


@pytest.fixture
def from_20(settings: Evaluate) -> Evaluate:
    return settings.model_copy(update={"start": 20, "batch_size": 1})


def windows_of(fields: np.ndarray, settings: Evaluate, folder: Path) -> Windows:
    write_arrays(
        folder / "fields.npz", fields=fields, dt=np.float64(0.5), exponents=np.full(len(fields), 0.1)
    )
    return draw_windows(open_series([folder / "fields.npz"], name="equation"), settings, seed=1)


def scores_of(fields: np.ndarray, settings: Evaluate, folder: Path) -> pd.DataFrame:
    windows = windows_of(fields, settings, folder)
    return score(forecast_windows(Clock(), windows, settings), windows, settings)


def test_fields_are_cut_where_they_should_be(from_20: Evaluate, tmp_path: Path) -> None:
    fields = np.arange(300.0)[None, :, None] + np.zeros((3, 1, 8))
    windows = windows_of(fields, from_20, tmp_path)
    made = forecast_windows(Clock(), windows, from_20)
    table = score(made, windows, from_20)
    assert table["mae"].max() < 1e-6
    assert sorted(table["initial_condition"].unique()) == [0, 1, 2] and len(table) == 3 * 3
    shown = example_forecasts([made], windows, from_20, seed=1)
    assert shown["context"][0, :, 0].tolist() == list(range(20, 148))
    assert shown["truth"][0, 0, 0] == 148 and shown["forecast"].shape == (1, 1, 96, 8)
    assert shown["dt"].tolist() == [0.5] and shown["exponent"] == pytest.approx(0.1)
    with pytest.raises(PandaError, match="fewer than start 20"):
        windows_of(fields[:, :200], from_20, tmp_path)


def test_summary_over_runs(from_20: Evaluate, tmp_path: Path) -> None:
    fields = np.random.default_rng(0).normal(size=(12, 300, 8))
    table = scores_of(fields, from_20, tmp_path)
    summary = summarise(table, from_20, held_out=(), seed=1)
    assert set(summary["population"]) == {"all"} and set(summary["unit"]) == {"series"}
    row = summary[(summary["metric"] == "smape") & (summary["horizon"] == 64)].iloc[0]
    values = table[table["horizon"] == 64]["smape"]
    assert row["mean"] == pytest.approx(values.mean()) and row["median"] == pytest.approx(values.median())
    assert row["mean_low"] < row["mean"] < row["mean_high"]
    assert row["median_low"] <= row["median"] <= row["median_high"]
    assert row["n_systems"] == row["n_clusters"] == 12 and row["n_founders"] == 0
    assert by_system(table)["name"].nunique() == 12
