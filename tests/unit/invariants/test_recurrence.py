"""Recurrences against the definition, written out, and against dysts' verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from dysts.attractor import check_not_limit_cycle
from hypothesis import given, settings
from hypothesis import strategies as st

from panda.core.errors import PandaError
from panda.invariants.recurrence import half_precision_bounds, recurrence


def by_definition(x: np.ndarray, *, tolerance: float, min_recurrence_time: int) -> list[float]:
    """Every pair of times in order, its runs counted one by one."""
    n = x.shape[1]
    pairs = [
        (i, j)
        for i in range(n)
        for j in range(i + 1, n)
        if 0 < np.float16(np.sqrt(((x[:, i] - x[:, j]) ** 2).sum())) < np.float16(tolerance)
    ]
    endpoint = any(i == 0 or j == n - 1 for i, j in pairs)
    pairs = [(i, j) for i, j in pairs if j - i >= min_recurrence_time]
    runs: list[int] = []
    for before, after in zip([None, *pairs], pairs, strict=False):
        if before is not None and after == (before[0] + 1, before[1] + 1):
            runs[-1] += 1
        else:
            runs.append(1)
    counts = np.bincount([j - i for i, j in pairs], minlength=1)
    # Closed runs in order of length; the last run is open.
    closed = sorted(runs[:-1], reverse=True)
    second = closed[1] if len(closed) > 1 else 0
    return [len(pairs), float(endpoint), n, counts.max(), max(runs, default=0), second]


@pytest.mark.parametrize("min_recurrence_time", [1, 4])
def test_statistics_are_the_definitions(min_recurrence_time):
    rng = np.random.default_rng(1)
    base = np.tile(rng.standard_normal((2, 37)), 4)
    x = base + 3e-4 * rng.standard_normal(base.shape)
    got = recurrence(x, tolerance=1e-3, min_recurrence_time=min_recurrence_time)
    assert got.n_recurrences > 100 and got.longest_block > 3
    assert list(got) == by_definition(x, tolerance=1e-3, min_recurrence_time=min_recurrence_time)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    cycle=st.integers(3, 40),
    n_cycles=st.integers(1, 6),
    noise=st.sampled_from([0.0, 1e-8, 2e-4, 1e-3]),
    dimension=st.integers(1, 4),
)
def test_verdicts_are_dysts_ones(filters, seed, cycle, n_cycles, noise, dimension):
    rng = np.random.default_rng(seed)
    x = np.tile(0.05 * rng.standard_normal((dimension, cycle)), n_cycles)
    x += noise * rng.standard_normal(x.shape)
    m = recurrence(x, tolerance=1e-3, min_recurrence_time=1)._asdict()
    for share, count, block in [(0.1, 5, 3), (0.1, 20, 10), (0.5, 1, 2), (0.0, 3, 1)]:
        passes = check_not_limit_cycle(
            x,
            tolerance=1e-3,
            min_prop_recurrences=share,
            min_counts_per_rtime=count,
            min_block_length=block,
            enforce_endpoint_recurrence=True,
        )
        ours = filters.is_no_limit_cycle(m, least_share=share, least_count=count, least_block=block)
        assert ours == passes


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shift=st.integers(-8, 8),
    reverse=st.booleans(),
)
def test_order_and_place_of_the_dimensions_do_not_matter(seed, shift, reverse):
    rng = np.random.default_rng(seed)
    # Multiples of 2^-12: sums with the shift are exact, so distances stay the same to the last digit.
    x = np.round(rng.standard_normal((3, 120)) * 2**6) / 2**12
    moved = (x[::-1] if reverse else -x) + shift
    options = {"tolerance": 4e-3, "min_recurrence_time": 1}
    assert recurrence(x, **options) == recurrence(moved, **options)


@pytest.mark.parametrize("tolerance", [1e-3, 0.1, 1.0, 3e-7, 2.0**-10])
def test_bounds_are_where_half_precision_changes(tolerance):
    nearest, farthest = half_precision_bounds(tolerance)

    def close(d):
        return 0 < np.float16(d) < np.float16(tolerance)

    assert not close(nearest) and close(np.nextafter(nearest, 1))
    assert close(np.nextafter(farthest, 0)) and not close(farthest)


def test_a_tolerance_must_be_positive():
    with pytest.raises(PandaError, match="tolerance"):
        recurrence(np.zeros((1, 5)), tolerance=0.0, min_recurrence_time=1)
    assert half_precision_bounds(1e-9) == (0.0, 0.0)
