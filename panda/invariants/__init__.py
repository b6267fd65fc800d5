"""What one computes from a series alone: one file per test, each from arrays (dimension, time) to numbers.

A statistic that a series does not define (not finite, constant, too short) is NaN, and every verdict is
written as a comparison that must hold to pass, so that what is undefined is rejected.
"""

from pathlib import Path

from panda.core.kernel_cache import ensure_kernel_cache

ensure_kernel_cache(Path(__file__).parent)  # before any of its modules imports numba
