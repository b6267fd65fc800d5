"""Units in which numbers of any offset and size keep what tells them apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Units(NamedTuple):
    """An origin and a power of two for every channel. The power costs no digit, the origin at most the last one."""

    origin: Float[np.ndarray, " channel"]
    exponent: Int[np.ndarray, " channel"]

    def apply(self, values: Float[np.ndarray, "time channel"]) -> Float[np.ndarray, "time channel"]:
        """`(values - origin) / 2^exponent`."""
        return np.ldexp(values, -self.exponent) - np.ldexp(self.origin, -self.exponent)

    def undo(self, values: Float[np.ndarray, "time channel"]) -> Float[np.ndarray, "time channel"]:
        """`origin + 2^exponent values`."""
        return np.ldexp(values + np.ldexp(self.origin, -self.exponent), self.exponent)


def units_of(context: Float[np.ndarray, "time channel"]) -> Units:
    """Units in which a context ends at 0, and its numbers lie within one or two of it.

    The evaluation calls a channel constant whose spread is 1e-10 of its largest magnitude. Its trajectories stay near
    their origin. A user's series may lie anywhere: measured from one of its own points (differences of numbers that are
    close are exact) it is constant only if all its numbers are equal. And squares of numbers near 1e-200 or 1e200, of
    which a variance is the sum, would be none.
    """
    largest = np.abs(context).max(axis=0)
    return Units(context[-1], np.frexp(largest)[1])
