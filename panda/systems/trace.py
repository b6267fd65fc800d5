"""Runs ordinary numpy code on symbols, so that what comes out is its expression graph."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from panda.systems.expression import Graph, Node

_NAMES = {
    np.add: "add", np.subtract: "sub", np.multiply: "mul", np.divide: "div", np.negative: "neg",
    np.power: "pow", np.float_power: "pow", np.sqrt: "sqrt", np.sin: "sin", np.cos: "cos",
    np.exp: "exp", np.log: "log", np.sinh: "sinh", np.cosh: "cosh", np.tanh: "tanh", np.absolute: "abs",
    np.sign: "sign", np.heaviside: "heaviside", np.minimum: "minimum", np.maximum: "maximum",
}  # fmt: skip


class TracedArray(np.ndarray):
    """An object array of nodes and numbers whose numpy functions build graph nodes element by element."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return traced_ufunc(ufunc, method, inputs, kwargs)


def traced_array(nodes: Any) -> TracedArray:
    """Nodes and numbers (nested lists or an object array) as a traced array."""
    return np.asarray(nodes, dtype=object).view(TracedArray)


def traced_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a numpy ufunc, or its reduction, to nodes and arrays of nodes.

    Raises:
        TypeError: the ufunc has no counterpart in ``expression.NUMPY``.
    """
    plain = [x.view(np.ndarray) if isinstance(x, TracedArray) else x for x in inputs]
    out = kwargs.pop("out", None)
    if ufunc is np.matmul:  # numpy's own loop for objects: sums of products
        result = np.matmul(*plain, **kwargs)
    elif ufunc in _NAMES:
        elementwise = np.frompyfunc(_applied(_NAMES[ufunc]), ufunc.nin, 1)
        # Outside an object array a node would dispatch back to here: hold single ones in 0-d arrays.
        held = [_held(x) for x in plain]
        if method == "__call__":
            result = elementwise(*held, **kwargs)
        elif method == "reduce":
            kwargs = {k: v for k, v in kwargs.items() if k in ("axis", "keepdims")}
            result = elementwise.reduce(*held, **kwargs)
        else:
            raise TypeError(f"cannot trace numpy.{ufunc.__name__}.{method}")
    else:
        raise TypeError(f"cannot trace numpy.{ufunc.__name__}")
    if out is not None:
        out[0].view(np.ndarray)[...] = result
        return out[0]
    return result.view(TracedArray) if isinstance(result, np.ndarray) and result.ndim else result


def _held(x: Any) -> Any:
    if not isinstance(x, Node):
        return x
    box = np.empty((), dtype=object)
    box[()] = x
    return box


def _applied(op: str) -> Callable[..., Any]:
    def apply(*operands: Any) -> Any:
        for operand in operands:
            if isinstance(operand, Node):
                return operand.graph.apply(op, *operands)
        graph = Graph()  # numbers only: folded
        return graph.apply(op, *operands).constant

    return apply


def traceable(function: Any) -> Any:
    """The Python function in a static method or a compiled one, with ``max`` and ``min`` made traceable."""
    while True:
        inner = getattr(function, "py_func", None) or getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    names = {**function.__globals__, **traceable_builtins()}
    copy = types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def traceable_builtins() -> dict[str, Callable[..., Any]]:
    """``max`` and ``min`` that also take nodes."""
    return {"max": _extreme("maximum"), "min": _extreme("minimum")}


def traced_names() -> list[str]:
    """The numpy functions that can be traced, sorted."""
    return sorted(f"np.{ufunc.__name__}" for ufunc in _NAMES)


def _extreme(op: str) -> Callable[..., Any]:
    builtin = {"maximum": max, "minimum": min}[op]

    def extreme(*values: Any) -> Any:
        if not any(isinstance(value, Node) for value in values):
            return builtin(*values)
        result = values[0]
        for value in values[1:]:
            result = _applied(op)(result, value)
        return result

    return extreme
