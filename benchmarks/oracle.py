"""True states of a subject, by other methods than ours: heyoka's Taylor series, or scipy's DOP853.

A smooth right-hand side goes to heyoka (extra `oracle`): Taylor series of order 19 to 22 whose error is of the
size of rounding. Across a kink a Taylor series has no error estimate, so a right-hand side with one goes to
scipy's DOP853 at its tightest tolerance, with dysts' own Python function; so does all without heyoka.

heyoka gets our traced expressions, so it cannot see an error of tracing: tests/unit/systems/test_founders.py
holds every traced right-hand side against dysts' numerical one.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.integrate import solve_ivp

from benchmarks.subjects import Subject
from panda.core.errors import PandaError
from panda.systems.expression import Program
from panda.systems.founders import trace_founder

try:
    import heyoka
except ImportError:
    heyoka = None

TOLERANCE = {np.float64: 1e-15, np.longdouble: 1e-18}
"""heyoka's tolerance (relative to the largest coordinate) by precision; scipy's smallest is 100 epsilon."""
SCIPY_RTOL, SCIPY_ATOL = 100 * np.finfo(float).eps, 1e-15

MAX_STEPS = 20_000
"""Of heyoka, over times that others need some hundred for: a series that stops at a singularity ends here."""

States = Float64[np.ndarray, "time dimension"]


class TaylorError(PandaError):
    """The Taylor series does not reach the last time."""


def true_states(subject: Subject, times: Float64[np.ndarray, " time"]) -> tuple[States, str]:
    """States of the subject's member at rising times from 0, and the method: `Taylor` or `DOP853`.

    Raises:
        PandaError: the solution does not reach the last time.
    """
    if subject.smooth and heyoka is not None:
        with contextlib.suppress(TaylorError):
            return taylor_states(subject, times, extended_or_double()), "Taylor"
    return _scipy_states(subject, times), "DOP853"


def extended_or_double() -> type:
    """`numpy.longdouble` where it has 64 bits of mantissa (x86), so that rounding is beyond doubt; else float64."""
    return np.longdouble if np.finfo(np.longdouble).eps < 1.1e-19 else np.float64


def taylor_states(subject: Subject, times: Float64[np.ndarray, " time"], real: type) -> States:
    """heyoka's solution at rising times from 0, computed in `real`, returned in float64.

    Raises:
        TaylorError: the series does not reach the last time. ExcitableCell's does not: it meets the removable
            singularity x / (1 - exp(-x)) at 0, where every coefficient is 0 / 0.
        PandaError: heyoka is not installed.
    """
    if heyoka is None:
        raise PandaError("heyoka is not installed: pip install 'heyoka', or this project's extra `oracle`")
    initial = [real(value) for value in subject.member.initial[0]]
    grid = np.asarray(times, dtype=real)
    solver = heyoka.taylor_adaptive(
        taylor_system(subject),
        initial,
        tol=real(TOLERANCE[real]),
        fp_type=float if real is np.float64 else real,
        compact_mode=True,  # unrolled code of the longest right-hand sides takes minutes to compile
    )
    outcome, *_, states = solver.propagate_grid(grid, max_steps=MAX_STEPS)
    if outcome != heyoka.taylor_outcome.time_limit:
        raise TaylorError(f"{subject.name}: heyoka stopped before the last time ({outcome})")
    return np.asarray(states, dtype=np.float64)


def taylor_system(subject: Subject) -> list[tuple[Any, Any]]:
    """The subject's equations for heyoka: pairs of a variable and the expression of its derivative."""
    flow, member = subject.flow, subject.member
    d_a, d_b = flow.driver_dimension, flow.response_dimension
    variables = heyoka.make_vars(*(f"x{i}" for i in range(flow.dimension)))
    driver = _expressions(_program(flow.driver.name), variables[:d_a], member.driver_parameters[0])
    if flow.response is None:
        return list(zip(variables, driver, strict=True))
    response = _expressions(_program(flow.response.name), variables[d_a:], member.response_parameters[0])
    padded = [*driver, *[heyoka.expression(0.0)] * max(0, d_b - d_a)]
    coupled = [
        member.driver_scale[0, i] * padded[member.driver_index[0, i]]
        + member.response_scale[0, i] * response[i]
        for i in range(d_b)
    ]
    return list(zip(variables, [*driver, *coupled], strict=True))


def _expressions(program: Program, y: Sequence[Any], p: Float64[np.ndarray, " n_params"]) -> list[Any]:
    """A traced program's outputs as heyoka expressions of the variables y; parameters become numbers."""
    table = {
        **{"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv},
        **{"neg": operator.neg, "pow": operator.pow},
        **{
            name: getattr(heyoka, name)
            for name in ("sqrt", "sin", "cos", "exp", "log", "sinh", "cosh", "tanh")
        },
    }
    inputs = {"t": [heyoka.time], "y": y, "p": [heyoka.expression(float(value)) for value in p]}
    values: list[Any] = []
    for i in program.instructions:
        if i.op == "const":
            values.append(heyoka.expression(i.value))
        elif i.op == "input":
            values.append(inputs[i.value[0]][i.value[1]])
        else:
            values.append(table[i.op](*(values[a] for a in i.arguments)))
    return [values[index] for index in program.outputs]


@cache
def _program(name: str) -> Program:
    return trace_founder(name).rhs


def _scipy_states(subject: Subject, times: Float64[np.ndarray, " time"]) -> States:
    solution = solve_ivp(
        lambda t, x: np.asarray(subject.theirs.rhs(x, t), dtype=np.float64),
        (0.0, times[-1]),
        subject.member.initial[0],
        "DOP853",
        times,
        rtol=SCIPY_RTOL,
        atol=SCIPY_ATOL,
    )
    if not solution.success:
        raise PandaError(f"{subject.name}: scipy's DOP853 stopped before the last time ({solution.message})")
    return solution.y.T
