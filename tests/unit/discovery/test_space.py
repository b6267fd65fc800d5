"""Novelty and diversity in the space of invariants: copies count once, strangers in full."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.discovery.diversity import space
from panda.discovery.diversity.novelty import Metric

THREE = np.full(20, 3)


def far_apart(n: int) -> np.ndarray:
    return 100.0 * np.eye(n)


def test_copies_count_once_and_strangers_in_full():
    copies = np.tile([[1.0, -2.0]], (20, 1))
    assert space.effective_number(copies, THREE, 2.0) == pytest.approx(1.0)
    assert space.effective_number(far_apart(20), THREE, 2.0) == pytest.approx(20.0)
    pairs = np.repeat(far_apart(10), 2, axis=0)
    assert space.effective_number(pairs, THREE, 2.0) == pytest.approx(10.0)
    assert space.effective_number(copies[:0], THREE[:0], 2.0) == 0.0


def test_systems_of_other_dimensions_are_strangers():
    copies, dimension = np.zeros((20, 2)), np.array([3] * 10 + [4] * 10)
    assert space.effective_number(copies, dimension, 2.0) == pytest.approx(2.0)
    assert space.mean_distance(copies, dimension) == 0.0
    assert np.isinf(space.novelty(copies[:2], np.array([3, 4]), 10)).all()
    assert np.isnan(space.mean_distance(copies[:2], np.array([3, 4])))


@given(st.integers(2, 30), st.integers(0, 1000))
def test_the_effective_number_is_between_one_and_all_whatever_the_order(n: int, seed: int):
    rng = np.random.default_rng(seed)
    where, dimension = rng.normal(size=(n, 3)), rng.integers(3, 5, n)
    number = space.effective_number(where, dimension, 1.0)
    assert 1.0 - 1e-9 <= number <= n + 1e-9
    order = rng.permutation(n)
    assert space.effective_number(where[order], dimension[order], 1.0) == pytest.approx(number)
    # The wider the kernel, the more alike.
    assert space.effective_number(where, dimension, 3.0) <= number + 1e-9


def test_the_outlier_is_the_most_novel():
    where = np.append(np.random.default_rng(0).normal(size=(19, 2)), [[50.0, 0.0]], axis=0)
    novelty = space.novelty(where, THREE, 5)
    assert novelty.argmax() == 19
    gaps = np.sort(np.linalg.norm(where - where[3], axis=1))[1:6]
    assert novelty[3] == pytest.approx(gaps.mean())


def test_blocks_of_the_distance_matrix_do_not_show():
    where = np.random.default_rng(1).normal(size=(1100, 3))
    dimension = np.full(1100, 3)
    gap = np.linalg.norm(where[:, None] - where, axis=2)
    assert space.mean_distance(where, dimension) == pytest.approx(gap.sum() / (1100 * 1099))
    np.testing.assert_allclose(
        space.novelty(where, dimension, 4), np.sort(gap, axis=1)[:, 1:5].mean(axis=1), rtol=1e-6
    )


def test_an_exponent_counts_in_units_of_its_error():
    systems = pd.DataFrame(
        {
            "system": ["a", "b"],
            "signature": [np.zeros(4), np.zeros(4)],
            "largest_exponent": [1.0, 1.1],
            "exponent_error": [0.1, 0.11],
            "period": [2.0, 2.0],
        }
    )
    where = space.points(systems, Metric(np.ones(4), 1.0))
    assert np.linalg.norm(where[0] - where[1]) == pytest.approx(np.log(1.1) / (np.sqrt(2) * 0.1))
    # Other units of time change nothing.
    other = systems.assign(largest_exponent=systems["largest_exponent"] * 7, period=2.0 / 7)
    other["exponent_error"] = systems["exponent_error"] * 7
    np.testing.assert_allclose(space.points(other, Metric(np.ones(4), 1.0)), where)


def test_samples_per_lyapunov_time_are_those_of_the_stored_points():
    systems = pd.DataFrame({"largest_exponent": [0.5, -0.1, float("nan"), 0.0], "dt": [0.1, 0.1, 0.1, 0.1]})
    assert space.samples_per_lyapunov_time(systems).tolist() == [
        20.0,
        float("inf"),
        float("inf"),
        float("inf"),
    ]
