"""A model as one asks it: the same kind out as in, times continued, wrong things refused in a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import panda
from panda.core import shipped
from panda.core.errors import PandaError
from panda.model.panda import rollout
from panda.model.weights import load_model
from panda.own_data.model import Model

RNG = np.random.default_rng(1)


def walk(n: int, n_channels: int = 3) -> np.ndarray:
    return RNG.normal(size=(n, n_channels)).cumsum(axis=0)


def refusal(call, *words, **options) -> str:
    with pytest.raises(PandaError) as error:
        call(*words, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_it_is_the_rollout_of_what_the_evaluation_shows_it(model: Model, folder: Path):
    series = walk(100)
    seen = series[-64:]
    mean, std = seen.mean(axis=0), seen.std(axis=0)
    given = torch.from_numpy((seen - mean) / std)[None]
    expected = rollout(load_model(folder), given, 40, sliding=True)[0].numpy() * std + mean
    np.testing.assert_allclose(model.predict(series, 40), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n", [8, 9, 16, 63, 64, 200])
def test_a_model_of_analogues_is_asked_in_the_same_way(of_analogues: Model, n: int):
    many = [walk(n), walk(n, 1), 1e9 + 1e-3 * walk(n), walk(n, 40)]
    for forecast, one in zip(of_analogues.predict(many, 40), many, strict=True):
        alone, spread = of_analogues.predict(one, 40), one[-64:].std(axis=0)
        assert alone.shape == (40, one.shape[1])
        np.testing.assert_allclose((forecast - alone) / spread, 0, atol=1e-3)


def test_arrays_keep_their_form(model: Model):
    assert model.predict(walk(70), 5).shape == (5, 3)
    assert model.predict(walk(70)[:, 0], 5).shape == (5,)
    assert model.predict(walk(70, 1), 5).shape == (5, 1)
    assert model.predict(np.stack([walk(70), walk(70)]), 5).shape == (2, 5, 3)
    assert model.predict(torch.from_numpy(walk(70)), 5).shape == (5, 3)
    assert model.predict([1, 2, 3, 4] * 5, 5).shape == (5,)
    assert model.predict(walk(70).astype(np.float32), 5).dtype == np.float64
    assert model.predict((100 * walk(70)).astype(int), 5).shape == (5, 3)
    assert model.predict(walk(8), 1).shape == (1, 3)


def test_lists_of_series_of_all_lengths_and_kinds(model: Model):
    many = [walk(70), walk(20, 1)[:, 0], pd.DataFrame(walk(70), columns=list("abc")), walk(33, 2).tolist()]
    made = model.predict(many, 6)
    for one, forecast in zip(many, made, strict=True):
        alone = model.predict(np.asarray(one), 6)
        np.testing.assert_allclose(np.asarray(forecast), alone, rtol=1e-4, atol=1e-5)
    assert list(made[2].columns) == ["a", "b", "c"]


def test_a_table_goes_on_in_its_columns(model: Model):
    months = pd.date_range("2020-01-31", periods=40, freq="ME")
    frame = pd.DataFrame({"x": walk(40)[:, 0], "date": months, "k": 7, 5: walk(40)[:, 1]})
    found = model.predict(frame, 3)
    assert list(found.columns) == ["x", "date", "k", 5] and list(found.index) == [40, 41, 42]
    assert found["date"].tolist() == list(pd.date_range("2023-05-31", periods=3, freq="ME"))
    assert (found["k"] == 7).all()
    chosen = model.predict(frame, 3, columns=[5, "x"])
    assert list(chosen.columns) == ["date", 5, "x"] or list(chosen.columns) == [5, "date", "x"]


def test_a_table_goes_on_in_its_index(model: Model):
    hours = pd.date_range("2020-01-01", periods=40, freq="h", tz="Europe/Berlin", name="when")
    found = model.predict(pd.DataFrame({"x": walk(40)[:, 0]}, index=hours), 3)
    pd.testing.assert_index_equal(
        found.index, pd.date_range(hours[-1], periods=4, freq="h", name="when")[1:], exact="equiv"
    )
    series = model.predict(pd.Series(walk(40)[:, 0], index=np.arange(40) * 0.5, name="x"), 2)
    assert series.name == "x" and series.index.tolist() == [20.0, 20.5]
    counted = model.predict(pd.Series(walk(40)[:, 0], index=pd.RangeIndex(10, 90, 2)), 2)
    assert counted.index.tolist() == [90, 92]


def test_gaps_are_refused_or_filled(model: Model):
    series = walk(70)
    series[-3, 1] = np.nan
    assert "row 68, column 'channel_2': no number, as in 1 of the 192 cells" in refusal(
        model.predict, series, 2
    )
    straight = series.copy()
    straight[-3, 1] = (series[-4, 1] + series[-2, 1]) / 2
    filled = model.predict(series, 2, fill="linear")
    np.testing.assert_allclose(filled, model.predict(straight, 2), rtol=1e-4, atol=1e-4)
    # Before what the model sees a gap does not matter.
    series = walk(70)
    series[0] = np.nan
    assert np.isfinite(model.predict(series, 2)).all()


def test_the_oldest_points_of_no_whole_patch_are_left_out(model: Model):
    series = walk(29)
    other = series.copy()
    other[:5] = 1e6
    np.testing.assert_array_equal(model.predict(series, 4), model.predict(other, 4))
    np.testing.assert_array_equal(model.predict(series, 4, context_length=16), model.predict(series[-16:], 4))


@pytest.mark.parametrize("horizon", [0, -1, 1.5, "3", True])
def test_a_horizon_is_a_count(model: Model, horizon):
    assert f"a horizon of {horizon!r} steps" in refusal(model.predict, walk(20), horizon)


def test_what_is_refused(model: Model):
    assert "7 points, fewer than a patch of 8, the least that tiny sees; give more" in refusal(
        model.predict, walk(7), 1
    )
    assert refusal(model.predict, walk(20).T, 1).endswith("is the table transposed? A row is a time")
    assert "0 channels" not in refusal(model.predict, np.zeros((0, 3)), 1)
    assert "give numbers (time,)" in refusal(model.predict, np.zeros((2, 20, 3, 4)), 1)
    assert "give numbers (time,)" in refusal(model.predict, "abc", 1)
    assert "give numbers (time,)" in refusal(model.predict, [], 1)
    assert "holds no numbers" in refusal(model.predict, np.array([["a"]] * 9, dtype=object), 1)
    assert "only a DataFrame has columns" in refusal(model.predict, walk(20), 1, columns=["x"])
    assert "a context of 65 points: tiny takes 8 (a patch) to 64" in refusal(
        model.predict, walk(99), 1, context_length=65
    )
    assert "fill 'spline': no such method" in refusal(model.predict, walk(20), 1, fill="spline")
    assert "1500 channels, and tiny attends over all at once, 1024 at most" in refusal(
        model.predict, np.zeros((20, 1500)), 1
    )


def test_many_channels_at_once(model: Model):
    assert model.predict(walk(64, 500), 16).shape == (16, 500)


def test_long_tables_as_chronos_takes_them(model: Model):
    days = pd.date_range("2024-01-01", periods=30)
    parts = [
        pd.DataFrame(
            {"item_id": name, "timestamp": days, "x": walk(30)[:, 0], "y": walk(30)[:, 1], "note": "-"}
        )
        for name in ("B", "A")
    ]
    long = pd.concat(parts)
    found = model.predict_df(long, prediction_length=2, target=["x", "y"])
    assert list(found.columns) == ["item_id", "timestamp", "target_name", "predictions"]
    assert found["item_id"].tolist() == ["B"] * 4 + ["A"] * 4
    assert found["target_name"].tolist() == ["x", "x", "y", "y"] * 2
    assert found["timestamp"].tolist()[:2] == list(pd.date_range("2024-01-31", periods=2))
    alone = model.predict(parts[1][["x", "y"]].to_numpy(), 2)
    np.testing.assert_allclose(found["predictions"].to_numpy()[4:], alone.T.ravel(), rtol=1e-4, atol=1e-5)
    shuffled = model.predict_df(long.sample(frac=1, random_state=1), 2, target=["x", "y"])
    key = ["item_id", "target_name", "timestamp"]
    pd.testing.assert_frame_equal(
        shuffled.sort_values(key, ignore_index=True), found.sort_values(key, ignore_index=True)
    )
    one = parts[0].rename(columns={"x": "target"}).drop(columns="item_id")
    assert list(model.predict_df(one, 2).columns) == ["timestamp", "target_name", "predictions"]
    assert "the table: no column 'target'" in refusal(model.predict_df, long, 2)
    assert "the table: no column 'who'" in refusal(model.predict_df, long, 2, id_column="who", target="x")
    gap = long[long["timestamp"] != days[20]]
    message = refusal(model.predict_df, gap, 2, target="x")
    assert message.startswith("series 'B', row 21, column 'timestamp': 1 step of 1 day is missing")


@pytest.fixture
def shelf(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shipped models of a version that has some."""
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "shipped")
    for name in ("panda_analogue", "panda_base"):
        place = tmp_path / "shipped" / name
        place.mkdir(parents=True)
        for file in folder.iterdir():
            (place / file.name).write_bytes(file.read_bytes())
    return tmp_path / "shipped"


def test_a_shipped_model_is_found_by_its_name(shelf: Path, folder: Path, model: Model):
    found = panda.load("panda_base")
    assert found.name == "panda_base" and found.context_length == 64
    series = walk(70)
    np.testing.assert_array_equal(found.predict(series, 4), model.predict(series, 4))
    assert panda.load().name == "panda_analogue"
    assert list(shipped.shipped_models()) == ["panda_analogue", "panda_base"]


def test_a_model_that_is_not_shipped_is_told_from_those_that_are(shelf: Path):
    assert refusal(panda.load, "panda_analog").startswith(
        "no model is shipped as 'panda_analog'; did you mean 'panda_analogue'?; or give a folder"
    )
    assert "shipped are: panda_analogue, panda_base" in refusal(panda.load, "xyz")
    assert "needs a revision" in refusal(panda.load, "owner/name")
    assert "no such folder" in refusal(panda.load, "./panda_analogue")
    assert "its SHA-256 is" in refusal(panda.load, "panda_analogue", sha256="0" * 64)


def test_where_none_is_shipped(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path)
    assert "none is in this version" in refusal(panda.load)


def test_a_record_says_where_the_model_is_from(model: Model, folder: Path):
    assert model.source["model"] == str(folder) and len(model.source["sha256"]) == 64
    assert repr(model) == "<panda model tiny: contexts of 8 to 64 points>"
