"""Exact directional derivatives of traced programs, by forward-mode differentiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from panda.systems.expression import Graph, Node

Tangent = Node | None
"""None stands for an exact zero."""


def jacobian_vector(outputs: Sequence[Node]) -> list[Node]:
    """The nodes of ``(df/dy) v``: the derivative of every output along the tangent inputs ``("v", i)``.

    The derivative of abs is sign, that of a minimum or maximum the branch's, that of sign and heaviside 0: what
    a jump does to a tangent is none of this, see ``switching.py``.
    """
    return _along(outputs, lambda graph, kind, index: graph.input("v", index) if kind == "y" else None)


def time_derivative(outputs: Sequence[Node]) -> list[Node]:
    """The nodes of ``df/dt`` at a fixed state."""
    return _along(outputs, lambda graph, kind, index: graph.constant(1.0) if kind == "t" else None)


def _along(outputs: Sequence[Node], seed: Callable[[Graph, str, int], Tangent]) -> list[Node]:
    """The derivative of every output when each input changes by what ``seed`` gives for it."""
    graph = outputs[0].graph
    tangents: list[Tangent] = []
    for index in range(len(graph.instructions)):
        instruction = graph.instructions[index]
        if instruction.op == "input":
            kind, component = instruction.value
            tangents.append(seed(graph, kind, component))
            continue
        operands = [Node(graph, a) for a in instruction.arguments]
        along = [tangents[a] for a in instruction.arguments]
        if all(tangent is None for tangent in along):
            tangents.append(None)
        else:
            tangents.append(_RULES[instruction.op](graph, Node(graph, index), operands, along))
    zero = graph.constant(0.0)
    return [zero if (tangent := tangents[node.index]) is None else tangent for node in outputs]


def _add(a: Tangent, b: Tangent) -> Tangent:
    if a is None or b is None:
        return a if b is None else b
    return a + b


def _times(tangent: Tangent, factor: Node) -> Tangent:
    return None if tangent is None else factor * tangent


def _power(graph: Graph, result: Node, x: list[Node], d: list[Tangent]) -> Tangent:
    base, exponent = x
    by_base = None if d[0] is None else exponent * base ** (exponent - 1.0) * d[0]
    by_exponent = None if d[1] is None else result * graph.apply("log", base) * d[1]
    return _add(by_base, by_exponent)


def _branch(first_if_less: bool) -> Callable[[Graph, Node, list[Node], list[Tangent]], Tangent]:
    def rule(graph: Graph, result: Node, x: list[Node], d: list[Tangent]) -> Tangent:
        a, b = (0.0 if tangent is None else tangent for tangent in d)
        # minimum is "b where b < a, else a", maximum "b where a < b, else a": the same branch here.
        return graph.apply("select_less", *((x[1], x[0]) if first_if_less else (x[0], x[1])), b, a)

    return rule


def _select(graph: Graph, result: Node, x: list[Node], d: list[Tangent]) -> Tangent:
    return graph.apply("select_less", x[0], x[1], *(0.0 if tangent is None else tangent for tangent in d[2:]))


def _divide(graph: Graph, result: Node, x: list[Node], d: list[Tangent]) -> Tangent:
    if d[1] is None:
        return d[0] / x[1] if d[0] is not None else None
    rest = result * d[1]
    return (-rest if d[0] is None else d[0] - rest) / x[1]


def _subtract(graph: Graph, result: Node, x: list[Node], d: list[Tangent]) -> Tangent:
    if d[1] is None:
        return d[0]
    return -d[1] if d[0] is None else d[0] - d[1]


_RULES: dict[str, Callable[[Graph, Node, list[Node], list[Tangent]], Tangent]] = {
    "add": lambda g, r, x, d: _add(d[0], d[1]),
    "sub": _subtract,
    "mul": lambda g, r, x, d: _add(_times(d[0], x[1]), _times(d[1], x[0])),
    "div": _divide,
    "neg": lambda g, r, x, d: None if d[0] is None else -d[0],
    "pow": _power,
    "sqrt": lambda g, r, x, d: d[0] / (2.0 * r),
    "sin": lambda g, r, x, d: g.apply("cos", x[0]) * d[0],
    "cos": lambda g, r, x, d: -(g.apply("sin", x[0]) * d[0]),
    "exp": lambda g, r, x, d: r * d[0],
    "log": lambda g, r, x, d: d[0] / x[0],
    "sinh": lambda g, r, x, d: g.apply("cosh", x[0]) * d[0],
    "cosh": lambda g, r, x, d: g.apply("sinh", x[0]) * d[0],
    "tanh": lambda g, r, x, d: (1.0 - r * r) * d[0],
    "abs": lambda g, r, x, d: g.apply("sign", x[0]) * d[0],
    "sign": lambda g, r, x, d: None,
    "heaviside": lambda g, r, x, d: None,
    "minimum": _branch(first_if_less=True),
    "maximum": _branch(first_if_less=False),
    "select_less": _select,
}
