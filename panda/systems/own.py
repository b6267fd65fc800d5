"""A user's own founder: its file is run once, checked, and its right-hand side traced as dysts' are."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
from jaxtyping import Float64

from panda.config.own_founders import read_source
from panda.core.errors import PandaError
from panda.systems.dependence import free_coordinates
from panda.systems.differentiate import jacobian_vector
from panda.systems.expression import Graph, Node, Program
from panda.systems.flow import Founder
from panda.systems.founders import TracedFounder
from panda.systems.switching import switching
from panda.systems.trace import traceable_builtins, traced_array, traced_names

# States at which the traced function is held against the plain one, and how far apart they may be.
N_CHECKED = 16
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class OwnSystem:
    """What a founder's file defines, checked. `rhs` and `postprocess` take (state[, t]) and parameters by name."""

    path: str
    name: str
    parameters: Mapping[str, np.ndarray]
    initial_condition: Float64[np.ndarray, " dimension"]
    rhs: Callable[..., Any]
    postprocess: Callable[..., Any] | None
    unbounded_indices: tuple[int, ...]
    period: float | None
    citation: str


def read_system(path: str) -> OwnSystem:
    """Run a founder's file and check what it defines.

    Raises:
        PandaError: one line with the file (and line, for an error of Python) and what is wrong.
    """
    values = _run(path)
    parameters = _parameters(path, values.get("parameters"))
    initial = _numbers(path, "initial_condition", values.get("initial_condition"))
    if initial.ndim != 1 or not initial.size:
        raise PandaError(f"{path}: `initial_condition` must be a list of numbers, one for each coordinate")
    unbounded = values.get("unbounded_indices", ())
    if not all(isinstance(i, int) and 0 <= i < initial.size for i in unbounded):
        raise PandaError(f"{path}: `unbounded_indices` must be a list of indices in 0..{initial.size - 1}")
    if unbounded and "postprocess" not in values:
        raise PandaError(
            f"{path}: coordinates {list(unbounded)} grow for ever; add `def postprocess(state, *, ...)` that "
            "returns bounded ones (np.sin of a phase, say)"
        )
    period = values.get("period")
    if period is not None and not (isinstance(period, int | float) and np.isfinite(period) and period > 0):
        raise PandaError(f"{path}: `period` must be a number above 0, or be left out and measured")
    system = OwnSystem(
        path=path,
        name=Path(path).stem,
        parameters=parameters,
        initial_condition=initial,
        rhs=_function(path, "rhs", values.get("rhs"), ("state", "t"), parameters),
        postprocess=(
            _function(path, "postprocess", values["postprocess"], ("state",), parameters)
            if "postprocess" in values
            else None
        ),
        unbounded_indices=tuple(sorted(set(unbounded))),
        period=None if period is None else float(period),
        citation=str(values.get("citation", "")),
    )
    if not np.all(np.isfinite(plain_rhs(system, initial, 0.0))):
        raise PandaError(f"{path}: `rhs` is not finite at `initial_condition`")
    return system


def plain_rhs(
    system: OwnSystem, state: Float64[np.ndarray, " dimension"], t: float
) -> Float64[np.ndarray, " dimension"]:
    """The user's function on numbers, as Python computes it, at the default parameters.

    Raises:
        PandaError: it raises, or does not return one number for each coordinate.
    """
    return _called(system, "rhs", system.rhs, np.array(state), t)


def trace_own(system: OwnSystem) -> TracedFounder:
    """Trace a user's system; `period` is NaN where the file states none, `dt`, `mean` and `std` unknown.

    The traced function is compared with the plain one at states near the initial condition.

    Raises:
        PandaError: something in the file has no counterpart in compiled code, a branch decides differently, or an
            unbounded coordinate is no angle.
    """
    graph, offset, symbols = Graph(), 0, {}
    names = tuple(sorted(system.parameters))
    for name in names:
        default = system.parameters[name]
        nodes = [graph.input("p", offset + i) for i in range(default.size)]
        offset += default.size
        symbols[name] = traced_array(_boxed(nodes).reshape(default.shape)) if default.shape else nodes[0]
    d = system.initial_condition.size
    state = traced_array([graph.input("y", i) for i in range(d)])
    outputs = _traced(system, "rhs", system.rhs, graph, (state, graph.input("t")), symbols)
    post = None
    if system.postprocess is not None:
        post = Program.of(_traced(system, "postprocess", system.postprocess, graph, (state,), symbols))
    rhs = Program.of(outputs)
    jumps = switching(outputs, offset)
    founder = Founder(
        name=system.name,
        dimension=d,
        parameter_names=names,
        parameter_shapes=tuple(system.parameters[name].shape for name in names),
        parameters=np.concatenate([np.empty(0), *(system.parameters[name].ravel() for name in names)]),
        initial_condition=system.initial_condition,
        period=np.nan if system.period is None else system.period,
        dt=np.nan,
        unbounded_indices=system.unbounded_indices,
        free_coordinates=_free(system, rhs),
        mean=None,
        std=None,
        maximum_lyapunov_estimated=None,
        nonautonomous=rhs.uses("t"),
        hamiltonian=False,
        smooth=rhs.smooth,
        time_dependent=rhs.uses("t"),
        citation=system.citation,
        postprocessing=post,
        n_switches=0 if jumps is None else jumps.n,
    )
    _compare(system, founder, rhs)
    return TracedFounder(founder, rhs, Program.of([*outputs, *jacobian_vector(outputs)]), jumps)


def _free(system: OwnSystem, rhs: Program) -> tuple[int, ...]:
    """The free coordinates.

    Raises:
        PandaError: an unbounded coordinate is not among them: as it grows, so do the terms that it enters.
    """
    free = free_coordinates(rhs, system.initial_condition.size, delayed=False)
    bound = [i for i in system.unbounded_indices if i not in free]
    if bound:
        raise PandaError(
            f"{system.path}: `rhs` reads coordinate {bound[0]} of `unbounded_indices` otherwise than in np.sin and "
            "np.cos of it times parameters; take it off `unbounded_indices`, or write `rhs` as a function of an angle"
        )
    return free


def _run(path: str) -> dict[str, Any]:
    """The names that the file defines; `max` and `min` in it also take traced values."""
    values: dict[str, Any] = {"__name__": f"panda_own_{Path(path).stem}", "__file__": path}
    values |= traceable_builtins()
    try:
        source = read_source(path)
    except ValueError as error:
        raise PandaError(str(error)) from None
    try:
        code: CodeType = compile(source, path, "exec")
        exec(code, values)  # the user's own code, named by the user
    except SyntaxError as error:
        raise PandaError(f"{path}:{error.lineno}: not Python ({error.msg})") from error
    except (Exception, SystemExit) as error:
        raise PandaError(f"{_where(path, error)}: {_what(error)}") from error
    return values


def _parameters(path: str, given: Any) -> dict[str, np.ndarray]:
    if not isinstance(given, dict) or not all(isinstance(key, str) and key.isidentifier() for key in given):
        raise PandaError(f"{path}: `parameters` must be a dict of names and numbers, such as {{'a': 0.2}}")
    return {key: _numbers(path, f"parameters[{key!r}]", value) for key, value in given.items()}


def _numbers(path: str, what: str, value: Any) -> np.ndarray:
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if not np.all(np.isfinite(numbers)):
        raise PandaError(f"{path}: `{what}` must be finite numbers, not {value!r}")
    return numbers


def _function(
    path: str, name: str, function: Any, positional: tuple[str, ...], parameters: Mapping[str, Any]
) -> Callable[..., Any]:
    """`function`, if it takes what it will be given.

    Raises:
        PandaError: it is none, or its signature does not fit the parameters.
    """
    if not inspect.isfunction(function):
        raise PandaError(f"{path}: `{name}` must be a function: def {name}({', '.join(positional)}, *, ...)")
    try:
        inspect.signature(function).bind(*positional, **dict.fromkeys(parameters))
    except TypeError as error:
        wanted = ", ".join((*positional, "*", *parameters) if parameters else positional)
        line = function.__code__.co_firstlineno
        raise PandaError(
            f"{path}:{line}: `{name}` does not fit `parameters` ({error}); expected def {name}({wanted})"
        ) from None
    return function


def _called(system: OwnSystem, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    parameters = {key: value if value.shape else float(value) for key, value in system.parameters.items()}
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(*arguments, **parameters), dtype=np.float64)
    except (Exception, SystemExit) as error:
        raise PandaError(f"{_where(system.path, error)}: {_what(error)}") from error
    return _one_each(system, name, result)


def _traced(
    system: OwnSystem,
    name: str,
    function: Callable[..., Any],
    graph: Graph,
    arguments: tuple[Any, ...],
    symbols: Mapping[str, Any],
) -> list[Node]:
    try:
        result = _boxed(list(_flat(function(*arguments, **symbols))))
        nodes = [x if isinstance(x, Node) else graph.constant(float(x)) for x in result]
    except SystemExit as error:
        raise PandaError(f"{_where(system.path, error)}: {_what(error)}") from error
    except Exception as error:
        raise PandaError(
            f"{_where(system.path, error)}: cannot be compiled ({error}); use arithmetic and the functions of "
            f"numpy that have a compiled form ({', '.join(traced_names())}); for a branch use np.heaviside, "
            "np.sign, np.maximum or np.minimum"
        ) from error
    return list(_one_each(system, name, _boxed(nodes)))


def _one_each(system: OwnSystem, name: str, result: np.ndarray) -> np.ndarray:
    d = system.initial_condition.size
    if result.shape != (d,):
        got = f"{result.size} values" if result.ndim == 1 else f"an array of shape {result.shape}"
        raise PandaError(f"{system.path}: `{name}` returns {got} for {d} coordinates")
    return result


def _flat(values: Any) -> Any:
    return values.ravel() if isinstance(values, np.ndarray) else values


def _boxed(items: list[Any]) -> np.ndarray:
    """A one-dimensional object array; numpy itself would look inside the items."""
    box = np.empty(len(items), dtype=object)
    box[:] = items
    return box


def _compare(system: OwnSystem, founder: Founder, rhs: Program) -> None:
    """Refuse a function whose traced form gives other numbers: it branches, or is not a function of its inputs."""
    rng = np.random.default_rng(0)
    # Of the state's own size, whatever its units.
    size = np.abs(system.initial_condition)
    spread = np.where(size > 0.0, size, size.max() or 1.0)
    states = system.initial_condition + spread * rng.standard_normal((N_CHECKED, founder.dimension))
    times = rng.uniform(0.0, 10.0, N_CHECKED)
    plain = np.array([plain_rhs(system, state, t) for state, t in zip(states, times.tolist(), strict=True)])
    with np.errstate(all="ignore"):
        traced = np.array(
            [
                [float(x) for x in rhs.evaluate(t=t, y=state, p=founder.parameters)]
                for state, t in zip(states, times.tolist(), strict=True)
            ]
        )
    both = np.isfinite(plain) & np.isfinite(traced)
    scale = np.where(both, np.abs(plain), 0.0).max(axis=0)
    wrong = both & (np.abs(np.where(both, plain - traced, 0.0)) > _TOLERANCE * scale)
    if wrong.any():
        i = int(np.argmax(wrong.any(axis=1)))
        raise PandaError(
            f"{system.path}: `rhs` gives {plain[i].tolist()} at {states[i].tolist()}, but its compiled form "
            f"{traced[i].tolist()}; it must be a function of state, t and parameters alone"
        )


def _what(error: BaseException) -> str:
    """An error of the user's code in one line."""
    if isinstance(error, SystemExit):
        return "the file ends the program (sys.exit); a founder's file only defines what a system is"
    return " ".join(f"{type(error).__name__}: {error}".split())


def _where(path: str, error: BaseException) -> str:
    """`file:line` of the innermost line of the user's file in a traceback."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"{path}:{lines[-1]}" if lines else path
