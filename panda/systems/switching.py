"""Right-hand sides that jump: where they do, and their smooth pieces, held on one side of every jump."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from panda.systems.differentiate import jacobian_vector, time_derivative
from panda.systems.expression import JUMPS, Graph, Node, Program


@dataclass(frozen=True)
class Switching:
    """A right-hand side with ``n`` switching functions ``s_k(t, y)``; it jumps where one is zero.

    ``held`` computes the right-hand side and its derivative along v with every jump held on one side: the
    sides, -1 or 1 for each switch, are ``n`` further parameters behind the system's own. On the sides
    ``sign s_k`` it is the system itself. ``surfaces`` computes, from the same inputs, every ``s_k``, then every
    ``grad s_k . v``, then every ``ds_k/dt`` at a fixed state.
    """

    n: int
    held: Program
    surfaces: Program


def switching(outputs: Sequence[Node], n_parameters: int) -> Switching | None:
    """The jumps of a traced right-hand side; None if it has none that time or state can reach.

    ``sign(s)`` and ``heaviside(s)`` jump at s = 0, a selection ``a < b`` at b = a. Whether the velocity really
    jumps there (``x heaviside(x)`` does not) is left to the integrator, which has the numbers.
    """
    held, surfaces = _hold(Program.of(outputs), n_parameters)
    if not surfaces:
        return None
    along = jacobian_vector([*held, *surfaces])
    n = len(held)
    return Switching(
        n=len(surfaces),
        held=Program.of([*held, *along[:n]]),
        surfaces=Program.of([*surfaces, *along[n:], *time_derivative(surfaces)]),
    )


def _hold(program: Program, n_parameters: int) -> tuple[list[Node], list[Node]]:
    """The program's outputs with sides in the place of jumps, and the switching functions, in a new graph."""
    graph = Graph()
    nodes: list[Node] = []
    moves: list[bool] = []  # whether time or state decide the value
    sides: dict[int, Node] = {}
    surfaces: list[Node] = []

    def side(surface: Node) -> Node:
        if surface.index not in sides:
            sides[surface.index] = graph.input("p", n_parameters + len(surfaces))
            surfaces.append(surface)
        return sides[surface.index]

    for instruction in program.instructions:
        op, arguments = instruction.op, instruction.arguments
        operands = [nodes[a] for a in arguments]
        if op == "const":
            nodes.append(graph.constant(instruction.value))
        elif op == "input":
            nodes.append(graph.input(*instruction.value))
        elif op in JUMPS and any(moves[a] for a in arguments[: JUMPS[op]]):
            nodes.append(_held(graph, op, operands, side))
        else:
            nodes.append(graph.apply(op, *operands))
        moves.append(
            instruction.value[0] in ("t", "y") if op == "input" else any(moves[a] for a in arguments)
        )
    return [nodes[index] for index in program.outputs], surfaces


def _held(graph: Graph, op: str, operands: list[Node], side: Callable[[Node], Node]) -> Node:
    """What a jump's operation gives while its switching function is on the given side of zero."""
    if op == "sign":
        return side(operands[0])
    if op == "heaviside":
        return 0.5 * side(operands[0]) + 0.5
    a, b, if_less, otherwise = operands
    return graph.apply("select_less", 0.0, side(b - a), if_less, otherwise)
