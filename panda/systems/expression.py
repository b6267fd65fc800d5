"""Straight-line programs: an expression graph in which equal subexpressions are one node."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np

INPUT_KINDS = ("t", "y", "v", "p")
"""Time, state, tangent and parameters: an input's value is ``(kind, index)``."""


def _heaviside(x: Any, at_zero: Any) -> Any:
    return np.where(x < 0.0, 0.0, np.where(x > 0.0, 1.0, np.where(x == 0.0, at_zero, x)))


NUMPY: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": np.power,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "exp": np.exp,
    "log": np.log,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "abs": np.abs,
    "sign": np.sign,
    "heaviside": _heaviside,
    "minimum": lambda a, b: np.where(b < a, b, a),
    "maximum": lambda a, b: np.where(b > a, b, a),
    "select_less": lambda a, b, x, y: np.where(a < b, x, y),
}
"""Every operation and its meaning; ``select_less(a, b, x, y)`` is x where a < b, else y."""

JUMPS = {"sign": 1, "heaviside": 1, "select_less": 2}
"""Operations whose value jumps, and how many of their operands decide on which side it is."""

NOT_SMOOTH = frozenset({"abs", "sign", "heaviside", "minimum", "maximum", "select_less"})


@dataclass(frozen=True)
class Instruction:
    """``op(arguments)``; the value is a constant (``const``) or an input's kind and index (``input``)."""

    op: str
    arguments: tuple[int, ...]
    value: Any = None


class Graph:
    """Makes nodes; the same operation on the same operands gives the same node."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self._known: dict[Any, int] = {}

    def _node(self, op: str, arguments: tuple[int, ...] = (), value: Any = None) -> Node:
        # float.hex keeps 0.0 and -0.0 apart, which compare equal.
        key = (op, arguments, value.hex() if isinstance(value, float) else value)
        index = self._known.get(key)
        if index is None:
            index = self._known[key] = len(self.instructions)
            self.instructions.append(Instruction(op, arguments, value))
        return Node(self, index)

    def input(self, kind: str, index: int = 0) -> Node:
        """The node of an input: ``kind`` one of ``INPUT_KINDS``."""
        return self._node("input", value=(kind, index))

    def constant(self, value: SupportsFloat) -> Node:
        """The node of a number."""
        return self._node("const", value=float(value))

    def apply(self, op: str, *operands: Any) -> Node:
        """The node of ``op(*operands)``; operands are nodes of this graph or numbers (folded)."""
        nodes = [x if isinstance(x, Node) else self.constant(x) for x in operands]
        constants = [node.constant for node in nodes]
        if all(value is not None for value in constants):
            return self.constant(float(NUMPY[op](*(np.float64(value) for value in constants))))
        match op, constants:
            case ("add", [0.0, None]) | ("mul", [1.0, None]):
                return nodes[1]
            case ("add" | "sub", [None, 0.0]) | ("mul" | "div", [None, 1.0]):
                return nodes[0]
            case ("sub", [0.0, None]) | ("mul", [-1.0, None]):
                return self.apply("neg", nodes[1])
            case ("pow", [None, float(exponent)]):
                if (node := self._constant_power(nodes[0], exponent)) is not None:
                    return node
        return self._node(op, tuple(node.index for node in nodes))

    def _constant_power(self, base: Node, exponent: float) -> Node | None:
        """Small whole powers as products (squaring repeatedly), as every compiler does; else None."""
        if exponent == 0.5:
            return self.apply("sqrt", base)
        if not exponent.is_integer() or abs(exponent) > 64:
            return None
        if exponent < 0:
            return self.apply("div", 1.0, base ** (-exponent))
        result, factor, rest = None, base, int(exponent)
        while rest:
            if rest & 1:
                result = factor if result is None else result * factor
            rest >>= 1
            if rest:
                factor = factor * factor
        return self.constant(1.0) if result is None else result


class Node:
    """A value in a graph; supports Python's arithmetic, and numpy's through ``trace.TracedArray``."""

    __slots__ = ("graph", "index")

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph, self.index = graph, index

    @property
    def constant(self) -> float | None:
        """The number, if this node is one."""
        instruction = self.graph.instructions[self.index]
        return instruction.value if instruction.op == "const" else None

    def __bool__(self) -> bool:
        raise TypeError("a right-hand side branches on a traced value")

    def __add__(self, other: Any) -> Any:
        return self._binary("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._binary("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._binary("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._binary("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._binary("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._binary("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._binary("div", other, self)

    def __pow__(self, other: Any) -> Any:
        return self._binary("pow", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._binary("pow", other, self)

    def __neg__(self) -> Node:
        return self.graph.apply("neg", self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return self.graph.apply("abs", self)

    def _binary(self, op: str, a: Any, b: Any) -> Any:
        # An array operand takes over and calls back for each of its elements.
        if any(isinstance(x, np.ndarray) and x.ndim for x in (a, b)):
            return NotImplemented
        return self.graph.apply(op, a, b)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from panda.systems.trace import traced_ufunc

        return traced_ufunc(ufunc, method, inputs, kwargs)


@dataclass(frozen=True)
class Program:
    """Instructions in an order in which each uses earlier ones only, and which of them are the outputs."""

    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    @classmethod
    def of(cls, outputs: Sequence[Node]) -> Program:
        """The program that computes these nodes of one graph and nothing else."""
        graph = outputs[0].graph
        needed = {node.index for node in outputs}
        for index in range(len(graph.instructions) - 1, -1, -1):
            if index in needed:
                needed.update(graph.instructions[index].arguments)
        order = sorted(needed)
        place = {index: k for k, index in enumerate(order)}
        moved = (graph.instructions[index] for index in order)
        return cls(
            tuple(Instruction(i.op, tuple(place[a] for a in i.arguments), i.value) for i in moved),
            tuple(place[node.index] for node in outputs),
        )

    @property
    def smooth(self) -> bool:
        """False if an operation has a kink or a jump."""
        return not any(i.op in NOT_SMOOTH for i in self.instructions)

    def uses(self, kind: str) -> bool:
        """True if an input of this kind is read."""
        return any(i.op == "input" and i.value[0] == kind for i in self.instructions)

    def evaluate(
        self,
        *,
        t: Any = 0.0,
        y: Sequence[Any] | np.ndarray = (),
        v: Sequence[Any] | np.ndarray = (),
        p: Sequence[Any] | np.ndarray = (),
    ) -> list[Any]:
        """The outputs, interpreted with numpy; inputs are sequences of components, each of any one shape."""
        given = {"t": (t,), "y": y, "v": v, "p": p}
        values: list[Any] = []
        for i in self.instructions:
            if i.op == "const":
                values.append(i.value)
            elif i.op == "input":
                values.append(given[i.value[0]][i.value[1]])
            else:
                values.append(NUMPY[i.op](*(values[a] for a in i.arguments)))
        return [values[index] for index in self.outputs]

    def to_json(self) -> dict[str, Any]:
        """Lists and numbers only; ``from_json`` gives the same program back."""
        rows = [[i.op, list(i.arguments), _plain(i.value)] for i in self.instructions]
        return {"instructions": rows, "outputs": list(self.outputs)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Program:
        """The program that ``to_json`` wrote."""
        rows: Iterable[tuple[str, list[int], Any]] = value["instructions"]
        return cls(
            tuple(Instruction(op, tuple(a), tuple(v) if isinstance(v, list) else v) for op, a, v in rows),
            tuple(value["outputs"]),
        )


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a program holds a constant that is not finite")
    return list(value) if isinstance(value, tuple) else value
