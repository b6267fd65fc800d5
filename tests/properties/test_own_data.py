"""Forecasts of a user's series go with its units, its channels and its neighbours, whatever these are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import panda
from panda.config import ModelShape
from panda.model.panda import Panda
from panda.model.weights import save_model
from panda.own_data.model import Model
from tests.unit.own_data.conftest import SHAPE

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# The model computes in single precision: in units of the context's spread, forecasts of a few are known to this.
CLOSE = 2e-3

seeds = st.integers(0, 2**32 - 1)
offsets = st.floats(-1e6, 1e6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    torch.set_num_threads(1)
    place: Path = tmp_path_factory.mktemp("models") / "tiny"
    save_model(Panda(ModelShape(**SHAPE), torch.Generator().manual_seed(3)), place)
    return panda.load(place, device="cpu")


def walk(seed: int, n: int = 64, n_channels: int = 3) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(n, n_channels)).cumsum(axis=0)
    return (values - values.mean(axis=0)) / values.std(axis=0)


@MANY
@given(seeds, st.floats(1e-250, 1e250), offsets)
def test_other_units_are_other_units_of_the_forecast(model: Model, seed: int, factor: float, offset: float):
    series = walk(seed)
    forecast = model.predict(factor * (series + offset), 24)
    np.testing.assert_allclose(forecast / factor - offset, model.predict(series, 24), atol=CLOSE)


@MANY
@given(seeds, st.integers(-900, 900))
def test_a_power_of_two_changes_no_digit(model: Model, seed: int, exponent: int):
    series = walk(seed)
    np.testing.assert_array_equal(
        model.predict(np.ldexp(series, exponent), 9), np.ldexp(model.predict(series, 9), exponent)
    )


@MANY
@given(seeds, st.permutations(range(5)))
def test_the_order_of_channels_is_that_of_the_forecast(model: Model, seed: int, order: list[int]):
    series = walk(seed, n_channels=5)
    np.testing.assert_allclose(
        model.predict(series[:, order], 9), model.predict(series, 9)[:, order], atol=CLOSE
    )


@MANY
@given(seeds, st.lists(st.tuples(st.integers(8, 90), st.integers(1, 4)), min_size=1, max_size=6))
def test_neighbours_in_a_list_change_nothing(model: Model, seed: int, shapes: list[tuple[int, int]]):
    many = [walk(seed + i, *shape) for i, shape in enumerate(shapes)]
    for forecast, one in zip(model.predict(many, 20), many, strict=True):
        np.testing.assert_allclose(forecast, model.predict(one, 20), atol=CLOSE)


@MANY
@given(
    seeds, st.sampled_from(["s", "7min", "h", "D", "B", "W", "MS", "ME", "QE", "YS"]), st.integers(0, 10**9)
)
def test_times_change_no_number_and_go_on(model: Model, seed: int, frequency: str, start: int):
    series = walk(seed)
    times = pd.date_range(pd.Timestamp(start, unit="s"), periods=70, freq=frequency)
    frame = pd.DataFrame(series, columns=list("abc")).assign(time=times[:64])
    found = model.predict(frame, 6)
    np.testing.assert_array_equal(found[list("abc")].to_numpy(), model.predict(series, 6))
    assert found["time"].tolist() == list(times[64:])


@MANY
@given(seeds, st.floats(-1e300, 1e300))
def test_a_constant_channel_stays_constant(model: Model, seed: int, value: float):
    series = walk(seed)
    series[:, 1] = value
    assert (model.predict(series, 12)[:, 1] == value).all()
