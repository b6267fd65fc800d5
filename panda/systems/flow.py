"""What an integrator needs to know: founders, the flow they form, and an ensemble of its members."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

import numpy as np
from jaxtyping import Bool, Float64, Int64

from panda.core.errors import PandaError
from panda.systems.expression import Program


@dataclass(frozen=True, eq=False)
class Founder:
    """A named chaotic system of dysts with its published parameters; see ``library.py`` for its functions.

    Parameters are flat: the dysts names in sorted order, each flattened in C order. Times are in the
    system's own units. ``unbounded_indices`` are the coordinates that are said to grow for ever (phases);
    ``free_coordinates`` are those that the right-hand side does not read, or reads as an angle (``dependence.py``).
    ``smooth`` is False where the right-hand side holds an abs, a sign, a step or a comparison; ``n_switches`` counts
    the functions at whose zeros it jumps (``switching.py``).
    ``nonautonomous`` is dysts' word for a forcing, often with its phase as a coordinate; ``time_dependent``
    is True only where the right-hand side reads t itself. ``postprocessing`` maps the raw coordinates to
    bounded ones (None: the identity).

    A founder with delay obeys ``dx/dt = f(t, x(t), x(t - tau))`` for one scalar x, tau = ``parameters[delay_index]``.
    Its coordinates are what dysts saves of it, x at ``dimension`` times from t back to t - tau, equally spaced; so
    its functions read the first and the last coordinate and give the velocity of the first. ``delay_index`` is None
    for all others.
    """

    name: str
    dimension: int
    parameter_names: tuple[str, ...]
    parameter_shapes: tuple[tuple[int, ...], ...]
    parameters: Float64[np.ndarray, " n_params"]
    initial_condition: Float64[np.ndarray, " dimension"]
    period: float
    dt: float
    unbounded_indices: tuple[int, ...]
    free_coordinates: tuple[int, ...]
    mean: Float64[np.ndarray, " dimension"] | None
    std: Float64[np.ndarray, " dimension"] | None
    maximum_lyapunov_estimated: float | None
    nonautonomous: bool
    hamiltonian: bool
    smooth: bool
    time_dependent: bool
    citation: str
    postprocessing: Program | None
    delay_index: int | None = None
    n_switches: int = 0
    scale: Float64[np.ndarray, " dimension"] | None = None
    """Size of each coordinate, in its units: absolute bounds and tolerances are in these. None: ones, as in the paper."""
    time_scale: float = 1.0
    """The same for times."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """The coordinates that the right-hand side reads."""
        return tuple(range(self.dimension)) if self.delay_index is None else (0, self.dimension - 1)

    @property
    def n_parameters(self) -> int:
        """Length of the flat parameter vector."""
        return len(self.parameters)

    @property
    def parameter_sizes(self) -> tuple[int, ...]:
        """How many entries of the flat vector each named parameter has."""
        return tuple(math.prod(shape) for shape in self.parameter_shapes)

    @property
    def bounded(self) -> Bool[np.ndarray, " dimension"]:
        """True for the coordinates that must stay on the attractor: all but unbounded ones that are free."""
        mask = np.ones(self.dimension, dtype=bool)
        mask[list(self.unbounded_indices)] = False
        return mask | ~self.free

    @property
    def free(self) -> Bool[np.ndarray, " dimension"]:
        """True for the coordinates that may drift and change nothing."""
        mask = np.zeros(self.dimension, dtype=bool)
        mask[list(self.free_coordinates)] = True
        return mask


@dataclass(frozen=True, eq=False)
class Flow:
    """The structure an ensemble shares: one founder, or one ordered pair (driver, response).

    The addresses are those of compiled functions with the signatures of ``lanes.py``; 0 when there is no
    response, or no jump to hold. A skew product obeys (paper, skew products)::

        dx_a = f_a(t, x_a)
        dx_b[i] = driver_scale[i] * Pad(f_a)[driver_index[i]] + response_scale[i] * f_b(t, x_b)[i]
    """

    driver: Founder
    response: Founder | None
    driver_rhs: int
    driver_jvp: int
    response_rhs: int
    response_jvp: int
    driver_held: int = 0
    driver_surfaces: int = 0
    response_held: int = 0
    response_surfaces: int = 0
    code: tuple[object, ...] = field(default=(), repr=False)
    """What keeps the functions in memory."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Flow holds addresses of this process: send the names, and open the library there")

    @property
    def time_dependent(self) -> bool:
        """Whether the field varies with time at a fixed state: motion goes on from a state at that time alone."""
        return any(founder.time_dependent for founder in (self.driver, self.response) if founder is not None)

    @property
    def driver_dimension(self) -> int:
        """Coordinates of the driver (of the founder itself, when it stands alone)."""
        return self.driver.dimension

    @property
    def response_dimension(self) -> int:
        """Coordinates of the response, 0 if there is none."""
        return 0 if self.response is None else self.response.dimension

    @property
    def dimension(self) -> int:
        """Coordinates of the whole state."""
        return self.driver_dimension + self.response_dimension

    @property
    def name(self) -> str:
        """``Driver`` or ``Driver_Response``."""
        return self.driver.name if self.response is None else f"{self.driver.name}_{self.response.name}"

    @cached_property
    def scale(self) -> Float64[np.ndarray, " dimension"]:
        """Size of each coordinate of the whole state, see ``Founder``."""
        founders = [self.driver] if self.response is None else [self.driver, self.response]
        return np.concatenate([np.ones(f.dimension) if f.scale is None else f.scale for f in founders])

    @property
    def time_scale(self) -> float:
        """The shorter of the founders' own."""
        return min(f.time_scale for f in (self.driver, self.response) if f is not None)

    @property
    def period(self) -> float:
        """Dominant period in time units, ``max(period_a, period_b)``."""
        return self.driver.period if self.response is None else max(self.driver.period, self.response.period)

    @property
    def delayed(self) -> bool:
        """True for a founder with delay, which only stands alone."""
        return self.driver.delay_index is not None

    @cached_property
    def bounded(self) -> Bool[np.ndarray, " dimension"]:
        """True for coordinates that either founder on its own keeps bounded.

        What a member's coupling adds, an unbounded driver coordinate that drives a response coordinate,
        is in ``bounded_coordinates(flow, ensemble)``.
        """
        if self.response is None:
            return self.driver.bounded
        return np.concatenate([self.driver.bounded, self.response.bounded])


@dataclass(frozen=True, eq=False)
class Ensemble:
    """``n`` members of one flow: parameters, coupling and initial states, C-contiguous float64 and int64.

    Without a response the response and coupling arrays have shape ``(n, 0)``.
    """

    driver_parameters: Float64[np.ndarray, "n n_params_a"]
    response_parameters: Float64[np.ndarray, "n n_params_b"]
    driver_scale: Float64[np.ndarray, "n d_b"]
    response_scale: Float64[np.ndarray, "n d_b"]
    driver_index: Int64[np.ndarray, "n d_b"]
    initial: Float64[np.ndarray, "n dimension"]

    def __post_init__(self) -> None:
        for name in (
            "driver_parameters",
            "response_parameters",
            "driver_scale",
            "response_scale",
            "initial",
        ):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))
        object.__setattr__(self, "driver_index", np.ascontiguousarray(self.driver_index, dtype=np.int64))
        lengths = {field: len(array) for field, array in vars(self).items()}
        if len(set(lengths.values())) != 1:
            raise PandaError(f"an ensemble's arrays must have one row a member, but the rows are {lengths}")

    def __len__(self) -> int:
        return len(self.initial)

    def __getitem__(self, members: slice | np.ndarray | list[int]) -> Ensemble:
        """The ensemble of the chosen members (a slice, an index array, a mask)."""
        return Ensemble(**{field: array[members] for field, array in vars(self).items()})


def check_ensemble(flow: Flow, ensemble: Ensemble) -> None:
    """Raise ``PandaError`` unless the ensemble's widths are the flow's and its indices are in range."""
    d_b = flow.response_dimension
    n_params_b = 0 if flow.response is None else flow.response.n_parameters
    widths = {
        "driver_parameters": flow.driver.n_parameters,
        "response_parameters": n_params_b,
        "driver_scale": d_b,
        "response_scale": d_b,
        "driver_index": d_b,
        "initial": flow.dimension,
    }
    for name, width in widths.items():
        shape = getattr(ensemble, name).shape
        if len(shape) != 2 or shape[1] != width:
            raise PandaError(f"{flow.name}: {name} has shape {shape}, expected (n, {width})")
    index = ensemble.driver_index
    if index.size and (index.min() < 0 or index.max() >= max(flow.driver_dimension, d_b)):
        raise PandaError(f"{flow.name}: driver_index leaves 0..{max(flow.driver_dimension, d_b) - 1}")


def bounded_coordinates(flow: Flow, ensemble: Ensemble) -> Bool[np.ndarray, "n dimension"]:
    """True where a member's coordinate must stay bounded (spec: unbounded indices of a skew product).

    A response coordinate need not if it is unbounded in the response itself, or drifts with the driver
    (``drifts_with_driver``). Only what is free is ever let go, so that no escape passes for a phase.
    """
    mask = np.tile(flow.bounded, (len(ensemble), 1))
    if flow.response is not None:
        mask[:, flow.driver_dimension :] &= ~drifts_with_driver(flow, ensemble)
    return mask


def drifts_with_driver(flow: Flow, ensemble: Ensemble) -> Bool[np.ndarray, "n d_b"]:
    """True for a response coordinate that receives the velocity of an unbounded driver coordinate, and is free in
    the response: its own field knows it as an angle, or not at all.

    Raises:
        PandaError: the flow has no response.
    """
    if flow.response is None:
        raise PandaError(f"{flow.name} is a founder on its own: nothing drives it")
    unbounded = np.zeros(max(flow.driver_dimension, flow.response_dimension), dtype=bool)
    unbounded[: flow.driver_dimension] = ~flow.driver.bounded
    return unbounded[ensemble.driver_index] & flow.response.free
