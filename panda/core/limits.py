"""What an integration must respect: tolerances, budget and bounds, which travel together."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from panda.core.errors import PandaError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of an integration; `dataclasses.replace` changes some of them.

    ``atol``, ``max_abs``, ``max_angle`` and ``min_step`` are in units of the flow's ``scale`` and ``time_scale``:
    absolute for dysts' founders, without units for a user's own.

    Raises:
        PandaError: a value is not above zero.
    """

    rtol: float
    """Relative tolerance."""
    atol: float
    """Absolute tolerance."""
    max_steps: int
    """Accepted and rejected steps that a member may take."""
    max_abs: float
    """Bound on the coordinates that should stay bounded,"""
    max_angle: float
    """and on the others, which may drift (``bounded_coordinates``)."""
    min_step: float
    """Smallest step in time."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise PandaError(f"{name} is {value}; it must be > 0")
