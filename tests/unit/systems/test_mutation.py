"""The distribution of mutated parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.systems.mutation import perturb

PLAIN = {"sizes": None, "sign_match_probability": 0.0, "ignore_probability": 0.0}
N = 40_000


@settings(max_examples=25, deadline=None)
@given(
    theta=st.floats(-50, 50),
    scale=st.floats(0, 2),
    floor=st.floats(1e-8, 1e-2),
    seed=st.integers(0, 2**32),
)
def test_steps_have_the_stated_mean_and_variance(theta: float, scale: float, floor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = perturb(np.full(N, theta), scale=scale, variance_floor=floor, generator=rng, **PLAIN) - theta
    sigma = np.sqrt((theta * scale) ** 2 + floor)
    assert abs(steps.mean()) < 6 * sigma / np.sqrt(N)
    assert steps.std() == pytest.approx(sigma, rel=6 / np.sqrt(2 * N))


@settings(max_examples=25, deadline=None)
@given(probability=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_sign_matching_pushes_away_from_zero(probability: float, seed: int) -> None:
    theta = np.resize([-3.0, 2.0], N)
    options = {"sizes": None, "scale": 1.0, "variance_floor": 1e-6, "ignore_probability": 0.0}
    mutated = perturb(
        theta, sign_match_probability=probability, generator=np.random.default_rng(seed), **options
    )
    outward = np.mean(np.sign(mutated - theta) == np.sign(theta))
    assert outward == pytest.approx(probability + 0.5 * (1 - probability), abs=6 * 0.5 / np.sqrt(N))


def test_sign_matching_and_ignoring_take_a_named_parameter_whole() -> None:
    sizes = [4] * (N // 4)
    theta = np.full(N, 2.0)
    options = {"sizes": sizes, "scale": 1.0, "variance_floor": 1e-6}
    rng = np.random.default_rng(0)
    kept = perturb(theta, sign_match_probability=0.0, ignore_probability=0.5, generator=rng, **options)
    blocks = (kept == theta).reshape(-1, 4)
    assert np.all(blocks.all(axis=1) == blocks.any(axis=1))
    assert blocks[:, 0].mean() == pytest.approx(0.5, abs=0.03)
    matched = perturb(theta, sign_match_probability=0.5, ignore_probability=0.0, generator=rng, **options)
    outward = (matched > theta).reshape(-1, 4).all(axis=1).mean()
    assert outward == pytest.approx(0.5 + 0.5 * 2.0**-4, abs=0.03)


@pytest.mark.parametrize("n_names", [1, 2, 5])
def test_few_parameters_are_ignored_less_often(n_names: int) -> None:
    rng = np.random.default_rng(n_names)
    options = {"sizes": None, "scale": 1.0, "variance_floor": 1e-6, "sign_match_probability": 0.0}
    kept = [
        np.mean(perturb(np.ones(n_names), ignore_probability=0.8, generator=rng, **options) == 1.0)
        for _ in range(8000)
    ]
    assert np.mean(kept) == pytest.approx(0.8 * (1 - np.exp(-n_names)), abs=0.02)


def test_zero_parameters_move_by_the_floor_and_none_stay_none() -> None:
    rng = np.random.default_rng(0)
    steps = perturb(np.zeros(N), scale=1.0, variance_floor=1e-6, generator=rng, **PLAIN)
    assert steps.std() == pytest.approx(1e-3, rel=0.02)
    assert perturb(np.empty(0), scale=1.0, variance_floor=1e-6, generator=rng, **PLAIN).shape == (0,)


def test_an_option_does_not_shift_the_stream_of_another() -> None:
    theta = np.array([1.0, -2.0, 3.0])
    base = {"sizes": None, "scale": 1.0, "variance_floor": 1e-6, "ignore_probability": 0.0}
    plain = perturb(theta, sign_match_probability=0.0, generator=np.random.default_rng(4), **base)
    matched = perturb(theta, sign_match_probability=1.0, generator=np.random.default_rng(4), **base)
    np.testing.assert_array_equal(np.abs(plain - theta), np.abs(matched - theta))


def test_sizes_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(PandaError, match="sizes"):
        perturb(
            np.ones(3),
            sizes=[2, 2],
            scale=1.0,
            variance_floor=1e-6,
            sign_match_probability=0.0,
            ignore_probability=0.0,
            generator=np.random.default_rng(0),
        )
