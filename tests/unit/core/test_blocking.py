"""Errors of correlated means, against the closed form of an autoregressive series."""

from __future__ import annotations

import numpy as np
import pytest

from panda.core.blocking import blocking_error


def autoregressive(generator: np.random.Generator, n: int, memory: float) -> np.ndarray:
    """x_{t+1} = memory x_t + noise, of variance 1, from its stationary distribution."""
    noise = generator.standard_normal(n) * np.sqrt(1 - memory**2)
    x = np.empty(n)
    x[0] = generator.standard_normal()
    for t in range(1, n):
        x[t] = memory * x[t - 1] + noise[t]
    return x


@pytest.mark.parametrize(("memory", "n"), [(0.0, 400), (0.5, 400), (0.9, 1000)])
def test_three_errors_hold_the_true_mean(memory: float, n: int):
    generator = np.random.default_rng(1)
    series = [autoregressive(generator, n, memory) for _ in range(300)]
    errors = np.array([blocking_error(x, min_blocks=8) for x in series])
    assert np.mean(np.abs([x.mean() for x in series]) < 3 * errors) >= 0.98
    # The variance of the mean is (1 + m) / (1 - m) / n for long series: cautious, and not by much.
    right = np.sqrt((1 + memory) / (1 - memory) / n)
    assert 0.9 * right < np.median(errors) < 1.5 * right


def test_a_mean_whose_sum_stays_bounded_is_known_far_better():
    """Growth along a limit cycle: large terms that cancel, so that the mean is off by one term's part of it."""
    x = np.diff(np.sin(0.7 * np.arange(4001)))
    assert abs(x.mean()) < 3 * blocking_error(x, min_blocks=8) < x.std() / np.sqrt(x.size)


def test_without_correlations_and_joined_blocks_it_is_the_plain_error():
    x = np.random.default_rng(2).standard_normal(50)
    assert blocking_error(x, min_blocks=50) == pytest.approx(x.std(ddof=1) / np.sqrt(50))


def test_too_few_terms_have_no_error():
    assert np.isnan(blocking_error(np.ones(7), min_blocks=8))
