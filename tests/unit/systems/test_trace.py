"""Tracing, the programs it gives, and the vector functions that compute them."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panda.systems.differentiate import jacobian_vector
from panda.systems.expression import NUMPY, Graph, Program
from panda.systems.lanes import N_LANES
from panda.systems.machine_code import LoadedCode, compile_functions, lane_function
from panda.systems.trace import traceable, traced_array


def _compiled(op: str, n_arguments: int) -> Callable[..., np.ndarray]:
    graph = Graph()
    program = Program.of([graph.apply(op, *(graph.input("y", i) for i in range(n_arguments)))])
    code = LoadedCode(compile_functions(lane_function("f", program, {"dy": 1})))
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(code.address("f"))

    def call(*x: np.ndarray, code: LoadedCode = code) -> np.ndarray:
        rows = np.stack(x).reshape(n_arguments, -1, N_LANES).swapaxes(0, 1).copy()
        out = np.empty((len(rows), N_LANES))
        none = np.zeros(N_LANES)
        for y, dy in zip(rows, out, strict=True):
            function(none.ctypes.data, y.ctypes.data, none.ctypes.data, dy.ctypes.data)
        return out.ravel()

    return call


@pytest.mark.parametrize("op", ["sin", "cos", "exp", "sinh", "cosh", "tanh"])
def test_vector_functions_are_right_to_three_units_in_the_last_place(op: str) -> None:
    rng = np.random.default_rng(5)
    size = 10.0 ** rng.uniform(-8, 12 if op in ("sin", "cos") else 2.84, 40_000)
    x = size * rng.choice([-1, 1], size.size)
    near_zeros = np.round(x[:8000] % 1e6) * (np.pi / 2)
    x = np.concatenate([x, near_zeros if op in ("sin", "cos") else near_zeros * 1e-9])
    exact = NUMPY[op](x.astype(np.longdouble))
    error = np.abs((_compiled(op, 1)(x) - exact) / np.spacing(np.abs(exact).astype(float)))
    assert error.max() < 3


@pytest.mark.parametrize("op", ["sin", "cos", "exp", "sinh", "cosh", "tanh", "sign", "abs", "log", "sqrt"])
def test_vector_functions_at_the_edges(op: str) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -800.0, 5e-324])
    with np.errstate(all="ignore"):
        expected = NUMPY[op](x)
    got = _compiled(op, 1)(x)
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    numbers = np.abs(expected) > 0  # the sign of a zero is left open
    np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("op", ["minimum", "maximum", "heaviside", "pow"])
def test_functions_of_two_arguments(op: str) -> None:
    a, b = (grid.ravel() for grid in np.meshgrid([-2.0, -0.5, 0.0, 3.0], [-1.0, 0.0, 0.5, 3.0]))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(_compiled(op, 2)(a, b), NUMPY[op](a, b), rtol=1e-15)


def test_equal_subexpressions_are_one_node() -> None:
    graph = Graph()
    x, y = graph.input("y", 0), graph.input("y", 1)
    program = Program.of([np.sin(x * y) + 1, np.sin(x * y) * 2])
    assert [i.op for i in program.instructions].count("sin") == 1
    assert program.smooth and not Program.of([abs(x)]).smooth


def test_array_code_traces_to_what_numpy_computes() -> None:
    def function(x: np.ndarray, w: np.ndarray) -> list:
        out = np.zeros_like(x)
        out[1:] = (x[1:] - x[:-1]) * x[0] ** 3
        out[0] += np.min(x * w[0])
        out *= np.tanh(x)
        mixed = np.matmul(w, 1.0 / (1.0 + np.exp(-x)))
        return [*out, *mixed, np.sum(np.abs(x)), np.dot(x, np.heaviside(x, 0.5)), max(0, x[1]), x[2] ** -2]

    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(4), rng.standard_normal((4, 4))
    graph = Graph()
    state = traced_array([graph.input("y", i) for i in range(4)])
    weights = traced_array(np.array([graph.input("p", i) for i in range(16)], dtype=object).reshape(4, 4))
    program = Program.of(traceable(function)(state, weights))
    expected = np.array(function(x, w), dtype=float)
    np.testing.assert_allclose(program.evaluate(y=x, p=w.ravel()), expected, rtol=1e-14)
    again = Program.from_json(json.loads(json.dumps(program.to_json())))
    assert again == program


def test_a_branch_on_a_traced_value_is_refused() -> None:
    graph = Graph()
    with pytest.raises(TypeError):
        traceable(lambda x: x if x > 0 else -x)(graph.input("y"))
    with pytest.raises(TypeError, match="arctan"):
        np.arctan(graph.input("y"))


@settings(max_examples=60, deadline=None)
@given(
    ops=st.lists(st.sampled_from(["add", "sub", "mul", "div", "sin", "exp", "tanh", "pow"]), max_size=8),
    seed=st.integers(0, 2**20),
)
def test_derivative_of_any_composition_is_the_complex_step(ops: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = Graph()
    nodes = [graph.input("y", 0), graph.input("y", 1), graph.input("p", 0)]
    for op in ops:
        a, b = (nodes[i] for i in rng.integers(0, len(nodes), 2))
        if op == "div":
            nodes.append(a / (b * b + 2.0))
        elif op == "pow":
            nodes.append((a * a + 1.0) ** np.tanh(b))
        else:
            nodes.append(
                graph.apply(op, a, b) if op in ("add", "sub", "mul") else graph.apply(op, np.tanh(a))
            )
    y, v, p = rng.uniform(-1, 1, 2), rng.uniform(-1, 1, 2), rng.uniform(-1, 1, 1)
    (value,) = Program.of([nodes[-1]]).evaluate(y=y + 1e-30j * v, p=p)
    (ours,) = Program.of(jacobian_vector([nodes[-1]])).evaluate(y=y, v=v, p=p)
    np.testing.assert_allclose(ours, np.imag(value) / 1e-30, rtol=1e-9, atol=1e-12)
