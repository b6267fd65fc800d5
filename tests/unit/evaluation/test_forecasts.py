"""Stored forecasts: what is stored is what is scored, and of no other windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.config import Evaluate
from panda.core.errors import PandaError
from panda.core.files import read_arrays, write_arrays
from panda.data.series import open_series
from panda.evaluation.forecaster import Checked
from panda.evaluation.forecasts import Forecasts, forecast_windows
from panda.evaluation.score import pointwise, score
from panda.evaluation.windows import draw_windows


class Drift:
    """The last value, moved on by thirds; no number in windows that start low."""

    name = "drift"

    def forecast(self, context, horizon):
        steps = np.arange(1, horizon + 1)[None, :, None] / 3
        forecast = context[:, -1:] + steps * 1e-3
        forecast[context[:, 0, 0] < -0.5, horizon // 2 :] = np.nan
        return forecast


class Transposed(Drift):
    """The same numbers, channels before times in memory."""

    def forecast(self, context, horizon):
        made = super().forecast(context, horizon)
        return np.ascontiguousarray(made.transpose(0, 2, 1)).transpose(0, 2, 1)


def stored(forecasts: Forecasts, path: Path) -> Forecasts:
    write_arrays(path, **forecasts.arrays())
    return Forecasts.from_arrays(read_arrays(path), str(path))


@pytest.mark.parametrize("forecaster", [Drift(), Transposed()])
def test_stored_forecasts_score_as_forecasts_do_to_the_bit(
    forecaster: Drift, store, settings: Evaluate, tmp_path: Path
) -> None:
    windows = draw_windows(store, settings, seed=1)
    made = forecast_windows(forecaster, windows, settings)
    found = score(stored(made, tmp_path / "f.npz"), windows, settings)
    assert found["failed"].any() and not found["failed"].all()
    for batch in windows.batches(settings.batch_size):
        forecast = Checked(forecaster).forecast(batch.context, 96)
        direct = pointwise(forecast, batch.context, batch.truth, settings)
        for place, row in enumerate(batch.rows.itertuples()):
            mine = found[(found["system"] == row.system) & (found["window"] == row.window)]
            for metric in ("smape", "mse", "mae", "spearman", "failed"):
                np.testing.assert_array_equal(mine[metric].to_numpy(), direct[metric][place])


def test_how_a_forecaster_lays_out_its_array_in_memory_changes_nothing(store, settings: Evaluate) -> None:
    """Sums are taken in the order of the memory: the last bit of a score would hang on it."""
    assert (
        Checked(Transposed()).forecast(np.random.default_rng(0).normal(size=(2, 9, 3)), 4).flags.c_contiguous
    )
    single = settings.model_copy(update={"precision": "float32"})
    windows = draw_windows(store, single, seed=1)
    plain, transposed = (forecast_windows(one, windows, single) for one in (Drift(), Transposed()))
    assert plain.values.dtype == transposed.values.dtype == np.float32
    for name, array in plain.arrays().items():
        np.testing.assert_array_equal(transposed.arrays()[name], array)
    for batch in windows.batches(single.batch_size):
        assert transposed.of(batch.rows).flags.c_contiguous
    pd.testing.assert_frame_equal(
        score(transposed, windows, single), score(plain, windows, single), check_exact=True
    )


def test_as_float32_they_take_half_and_differ_by_rounding(store, settings: Evaluate, tmp_path: Path) -> None:
    windows = draw_windows(store, settings, seed=1)
    single = settings.model_copy(update={"precision": "float32"})
    one, other = (forecast_windows(Drift(), windows, s) for s in (settings, single))
    assert other.values.nbytes * 2 == one.values.nbytes
    a, b = score(one, windows, settings), score(stored(other, tmp_path / "f.npz"), windows, single)
    np.testing.assert_allclose(a["smape"], b["smape"], rtol=1e-4)
    assert not np.array_equal(a["smape"], b["smape"])


def test_what_float32_cannot_hold_is_still_a_number(store, settings: Evaluate) -> None:
    class Huge:
        name = "huge"

        def forecast(self, context, horizon):
            return np.full((len(context), horizon, context.shape[2]), 1e300)

    windows = draw_windows(store, settings, seed=1)
    single = settings.model_copy(update={"precision": "float32"})
    assert not score(forecast_windows(Huge(), windows, single), windows, single)["failed"].any()


def test_other_windows_are_refused(store, settings: Evaluate) -> None:
    made = forecast_windows(Drift(), draw_windows(store, settings, seed=1), settings)
    for seed, other in ((2, settings), (1, settings.model_copy(update={"horizons": (32, 64)}))):
        with pytest.raises(PandaError, match="drift: the stored forecasts are of other windows"):
            score(made, draw_windows(store, other, seed=seed), other)


def test_no_forecasts_and_too_few_numbers_are_refused(store, settings: Evaluate) -> None:
    arrays = forecast_windows(Drift(), draw_windows(store, settings, seed=1), settings).arrays()
    with pytest.raises(PandaError, match=r"f\.npz: no array 'values'"):
        Forecasts.from_arrays({name: arrays[name] for name in arrays if name != "values"}, "f.npz")
    with pytest.raises(PandaError, match=r"f\.npz: not as many numbers"):
        Forecasts.from_arrays(arrays | {"values": arrays["values"][:-1]}, "f.npz")


def test_series_need_no_more_than_numbers(settings: Evaluate, tmp_path: Path) -> None:
    walks = np.cumsum(np.random.default_rng(0).normal(size=(3, 300, 2)), axis=1)
    write_arrays(tmp_path / "walks.npz", series=walks)
    opened = open_series([tmp_path / "walks.npz"], name="walks")
    windows = draw_windows(opened, settings, seed=1)
    table = score(forecast_windows(Drift(), windows, settings), windows, settings)
    assert set(table["name"]) == {"walks"} and len(table) == 3 * 2 * 3
    assert table["valid_time"].isna().all() and table["mae"].notna().all()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 3, 4))}, "no array `series`"),
        ({"series": np.zeros((3, 4))}, r"and is \(3, 4\)"),
        ({"series": np.full((2, 3, 4), np.nan)}, "finite numbers"),
        ({"series": np.zeros((2, 3, 4)), "exponents": np.zeros(3)}, r"an entry per series \(2\)"),
    ],
)
def test_wrong_series_are_one_clear_line(arrays: dict, message: str, tmp_path: Path) -> None:
    write_arrays(tmp_path / "s.npz", **arrays)
    with pytest.raises(PandaError, match=message):
        open_series([tmp_path / "s.npz"], name="s")
