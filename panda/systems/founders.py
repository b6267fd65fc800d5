"""Reads the founders from dysts: their metadata, and their right-hand sides traced from dysts' own code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from panda.core.errors import PandaError
from panda.systems.dependence import free_coordinates
from panda.systems.differentiate import jacobian_vector
from panda.systems.expression import Graph, Program
from panda.systems.flow import Founder
from panda.systems.switching import Switching, switching
from panda.systems.trace import traceable, traced_array


@dataclass(frozen=True)
class TracedFounder:
    """A founder with its programs: ``rhs`` gives dy, ``jvp`` gives dy then dv, for inputs t, y, v and p.

    ``switching`` has the same with jumps held on one side, None where the right-hand side does not jump.
    """

    founder: Founder
    rhs: Program
    jvp: Program
    switching: Switching | None


def founder_names() -> list[str]:
    """The names of dysts' continuous systems, those with delay among them, sorted."""
    from dysts.systems import get_attractor_list

    return sorted(get_attractor_list("continuous"))


def trace_founder(name: str) -> TracedFounder:
    """Trace one founder's right-hand side and post-processing from dysts' Python code.

    Raises:
        PandaError: dysts has no such system, or its code cannot be traced.
    """
    from dysts import flows

    if not hasattr(flows, name):
        raise PandaError(
            f"dysts has no system named {name!r}; its names are in dysts.systems.get_attractor_list"
        )
    system = getattr(flows, name)()
    graph = Graph()
    names = tuple(sorted(system.params))
    defaults = [np.asarray(system.params[key], dtype=np.float64) for key in names]
    try:
        _make_symbolic(system, graph, names, defaults)
        state = traced_array([graph.input("y", i) for i in range(_n_inputs(system))])
        outputs = [_node(graph, value) for value in _flat(_derivative(system, state, graph.input("t")))]
        post = _postprocessing(system, graph, list(state))
        rhs = Program.of(outputs)
        jvp = Program.of([*outputs, *jacobian_vector(outputs)])
        jumps = None if _delayed(system) else switching(outputs, sum(default.size for default in defaults))
    except (TypeError, AttributeError, ValueError) as error:
        raise PandaError(f"the right-hand side of {name} in this dysts cannot be traced: {error}") from error
    expected = 1 if _delayed(system) else system.dimension
    if len(outputs) != expected:
        raise PandaError(f"{name}: dysts gives {len(outputs)} derivatives, expected {expected}")
    founder = replace(
        _metadata(name, system, names, defaults, rhs, post), n_switches=0 if jumps is None else jumps.n
    )
    return TracedFounder(founder, rhs, jvp, jumps)


def _delayed(system: Any) -> bool:
    from dysts.base import DynSysDelay

    return isinstance(system, DynSysDelay)


def _n_inputs(system: Any) -> int:
    """Coordinates that the right-hand side reads: with delay x(t) and x(t - tau)."""
    return 2 if _delayed(system) else system.dimension


def _derivative(system: Any, state: Any, t: Any) -> Any:
    """dysts' right-hand side; with delay one number, as a list."""
    return [system._rhs(*state, t, *system.param_list)] if _delayed(system) else system.rhs(state, t)


def _initial_condition(system: Any) -> np.ndarray:
    """dysts' start; with delay it takes the first number of its list as x at all times before zero."""
    start = np.asarray(system.ic, dtype=np.float64).ravel()
    return np.full(system.dimension, start[0]) if _delayed(system) else start


def _make_symbolic(system: Any, graph: Graph, names: tuple[str, ...], defaults: list[np.ndarray]) -> None:
    """Replace the parameters by symbols, and compiled functions by Python functions."""
    offset = 0
    for key, default in zip(names, defaults, strict=True):
        nodes = [graph.input("p", offset + i) for i in range(default.size)]
        offset += default.size
        box = np.empty(default.size, dtype=object)
        box[:] = nodes
        system.params[key] = traced_array(box.reshape(default.shape)) if default.shape else nodes[0]
        setattr(system, key, system.params[key])
    system.param_list = [system.params[key] for key in names]
    for key in dir(type(system)):
        member = getattr(type(system), key)
        if hasattr(member, "py_func") or key == "_rhs":
            setattr(system, key, traceable(member))


def _postprocessing(system: Any, graph: Graph, state: list[Any]) -> Program | None:
    if not hasattr(system, "_postprocessing"):
        return None
    function = system._postprocessing
    if not hasattr(function, "__self__"):  # a static method, possibly compiled
        function = traceable(function)
    return Program.of([_node(graph, value) for value in function(*state)])


def _flat(values: Any) -> list[Any]:
    return list(values.ravel()) if isinstance(values, np.ndarray) else list(values)


def _node(graph: Graph, value: Any) -> Any:
    return graph.constant(value) if isinstance(value, int | float | np.number) else value


def _metadata(
    name: str,
    system: Any,
    names: tuple[str, ...],
    defaults: list[np.ndarray],
    rhs: Program,
    post: Program | None,
) -> Founder:
    def optional(key: str) -> Any:
        value = system.metadata.get(key)
        return None if value is None else np.asarray(value, dtype=np.float64)

    lyapunov = system.metadata.get("maximum_lyapunov_estimated")
    return Founder(
        name=name,
        dimension=int(system.dimension),
        parameter_names=names,
        parameter_shapes=tuple(default.shape for default in defaults),
        parameters=np.concatenate([np.empty(0), *(default.ravel() for default in defaults)]),
        initial_condition=_initial_condition(system),
        period=float(system.period),
        dt=float(system.dt),
        unbounded_indices=tuple(int(i) for i in system.unbounded_indices),
        free_coordinates=free_coordinates(rhs, int(system.dimension), delayed=_delayed(system)),
        mean=optional("mean"),
        std=optional("std"),
        maximum_lyapunov_estimated=None if lyapunov is None else float(lyapunov),
        nonautonomous=bool(system.nonautonomous),
        hamiltonian=bool(system.hamiltonian),
        smooth=rhs.smooth,
        time_dependent=rhs.uses("t"),
        citation=str(system.citation),
        postprocessing=post,
        delay_index=_delay_index(names, defaults) if _delayed(system) else None,
    )


def _delay_index(names: tuple[str, ...], defaults: list[np.ndarray]) -> int:
    """Where tau, which dysts takes for the delay, stands in the flat parameter vector."""
    return sum(default.size for default in defaults[: names.index("tau")])
