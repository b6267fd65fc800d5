"""Estimates joined over stretches of time: their errors hold, also for what one stretch does not show."""

from __future__ import annotations

import numpy as np
import pytest

from panda.discovery.certificates.verdict import Estimate, estimate

TRANSIENT = 60


def joined(parts: list[np.ndarray], settings) -> Estimate:
    total = Estimate.none()
    for blocks in parts:
        total = total + estimate(blocks, TRANSIENT, settings)
    return total


@pytest.fixture(scope="module")
def settings(smoke):
    return smoke.discover.follow


def test_joining_gives_the_mean_of_all_blocks_in_any_order(settings):
    rng = np.random.default_rng(0)
    parts = [rng.normal(0.2, 0.1, n) for n in (60, 100, 400)]
    one, two = joined(parts, settings), joined(parts[::-1], settings)
    every = np.concatenate(parts)
    assert one.exponent == pytest.approx(every.mean()) and one.n_periods == every.size
    weights, means = [60, 100, 400], [part.mean() for part in parts]
    spread = sum(n * (mean - every.mean()) ** 2 for n, mean in zip(weights, means, strict=True))
    assert one.spread == pytest.approx(spread) and one.n_parts == 3
    np.testing.assert_allclose(one, two, rtol=1e-12)
    left = (
        estimate(parts[0], TRANSIENT, settings) + estimate(parts[1], TRANSIENT, settings)
    ) + Estimate.none()
    np.testing.assert_allclose(left + estimate(parts[2], TRANSIENT, settings), one, rtol=1e-12)


def test_the_error_is_that_of_independent_blocks_where_they_are(settings):
    """Of white noise: neither scatter within nor between claims more than there is, but for the larger of both."""
    rng = np.random.default_rng(1)
    z, errors = [], []
    for _ in range(500):
        found = joined([rng.normal(0.3, 1.0, n) for n in (100, 100, 200)], settings)
        errors.append(found.error)
        z.append((found.exponent - 0.3) / found.error)
    assert 0.8 < np.std(z) < 1.0
    assert 1.0 < np.median(errors) * np.sqrt(400) < 1.5
    assert np.mean(np.abs(z) < 3) >= 0.98


def test_what_one_stretch_does_not_show_enlarges_the_error(settings):
    """Exponents that change from stretch to stretch, each of which hardly scatters: within alone, all would be wrong."""
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(300):
        levels = rng.normal(0.5, 0.1, 4)
        found = joined([rng.normal(level, 0.01, 100) for level in levels], settings)
        inside.append(
            (abs(found.exponent - 0.5) < 3 * found.error, abs(found.exponent - 0.5) < 3 * found.within)
        )
    assert np.mean([both for both, _ in inside]) > 0.9
    assert np.mean([within for _, within in inside]) < 0.2


def test_a_transient_in_the_first_stretch_leaves_the_verdict_open(settings):
    """Two stretches that disagree, the first far above zero and the second at zero, decide nothing."""
    first = estimate(0.3 + 0.001 * np.random.default_rng(3).normal(size=60), TRANSIENT, settings)
    second = estimate(0.001 * np.random.default_rng(4).normal(size=100), TRANSIENT, settings)
    assert first.verdict(settings) == "chaotic"
    assert (first + second).verdict(settings) == "undecided"
