"""How a traced right-hand side depends on a coordinate: not at all, periodically (an angle), or otherwise."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import Literal

from panda.systems.expression import Instruction, Program

Dependence = Literal["none", "periodic", "other"]


class _Form(IntEnum):
    """What a value is as a function of the shifted coordinates x, the least special last."""

    constant = 0
    """Of parameters and numbers alone: a coefficient may be one."""
    free = 1
    """No function of x; of time or other coordinates, maybe."""
    periodic = 2
    """A function of sines and cosines of affine values, and of what is free of x."""
    affine = 3
    """``a x + b`` with a constant, and b free of x or periodic in it."""
    other = 4


def dependence(program: Program, shifted: Collection[int]) -> Dependence:
    """How a program's outputs change when the same number is added to all inputs ``y[i]``, i in ``shifted``.

    - ``none``: not at all,
    - ``periodic``: x enters through sines and cosines of ``a x + b`` alone, where a holds parameters and numbers, and
      b no x but in sines and cosines; so x is an angle (of several periods, if there are several a),
    - ``other``: anything else, and all that the rules of one operation after another cannot tell from it: a
      difference ``(x + a) - x`` is other though it is none.

    Args:
        program: a right-hand side; its inputs other than ``y[i]`` are held.
        shifted: indices of one coordinate, or of several that move together.
    """
    forms: list[_Form] = []
    for instruction in program.instructions:
        arguments = [forms[i] for i in instruction.arguments]
        forms.append(_leaf(instruction, shifted) if not arguments else _applied(instruction.op, arguments))
    worst = max(forms[i] for i in program.outputs)
    if worst <= _Form.free:
        return "none"
    return "periodic" if worst == _Form.periodic else "other"


def free_coordinates(rhs: Program, dimension: int, *, delayed: bool) -> tuple[int, ...]:
    """The coordinates that a right-hand side does not read, or only as an angle: nothing changes if they drift.

    With delay all coordinates are one x at several times, so all are free or none is.
    """
    if delayed:
        inputs = {i.value[1] for i in rhs.instructions if i.op == "input" and i.value[0] == "y"}
        return tuple(range(dimension)) if dependence(rhs, inputs) != "other" else ()
    return tuple(i for i in range(dimension) if dependence(rhs, {i}) != "other")


def _leaf(instruction: Instruction, shifted: Collection[int]) -> _Form:
    if instruction.op == "const":
        return _Form.constant
    kind, index = instruction.value
    if kind == "p":
        return _Form.constant
    return _Form.affine if kind == "y" and index in shifted else _Form.free


def _applied(op: str, arguments: list[_Form]) -> _Form:
    worst = max(arguments)
    if worst < _Form.affine:  # a function of what is periodic is periodic
        return worst
    if worst == _Form.other:
        return _Form.other
    match op, arguments:
        case ("add" | "sub" | "neg", _):
            return _Form.affine
        case ("mul", [_Form.constant, _] | [_, _Form.constant]) | ("div", [_, _Form.constant]):
            return _Form.affine
        case ("sin" | "cos", _):
            return _Form.periodic
    return _Form.other
