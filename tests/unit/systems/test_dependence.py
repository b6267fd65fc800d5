"""Which coordinates are angles: by hand, against the functions' own numbers, and for programs drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panda.systems.dependence import dependence, free_coordinates
from panda.systems.evaluate import right_hand_side
from panda.systems.expression import Graph, Node, Program
from panda.systems.library import FounderLibrary
from panda.systems.skew import founder_ensemble


def program(build: Callable[..., Any]) -> Program:
    """The program of ``build(x, y, t, p, q, f)``; f gives the operations by name."""
    graph = Graph()
    inputs = [
        graph.input("y", 0),
        graph.input("y", 1),
        graph.input("t"),
        *(graph.input("p", i) for i in (0, 1)),
    ]
    return Program.of([build(*inputs, graph.apply)])


@pytest.mark.parametrize(
    ("expected", "build"),
    [
        ("none", lambda x, y, t, p, q, f: y * p + f("exp", t)),
        ("none", lambda x, y, t, p, q, f: f("select_less", y, p, t, q)),
        ("periodic", lambda x, y, t, p, q, f: f("sin", x)),
        ("periodic", lambda x, y, t, p, q, f: y**2 * f("cos", p * x / q + y * t - 3.0) + y),
        ("periodic", lambda x, y, t, p, q, f: f("sin", y - (q + x) * -f("sqrt", p))),
        ("periodic", lambda x, y, t, p, q, f: f("exp", f("sin", x) * y) / (2.0 + f("cos", 3.0 * x)) ** p),
        ("periodic", lambda x, y, t, p, q, f: f("sign", f("sin", x) - y)),
        ("periodic", lambda x, y, t, p, q, f: f("heaviside", f("cos", x), 0.5) * abs(f("sin", x))),
        ("periodic", lambda x, y, t, p, q, f: f("select_less", f("sin", x), 0.0, y, f("maximum", f("cos", x), p))),
        ("periodic", lambda x, y, t, p, q, f: f("sin", f("sin", x) * y + p * x)),
        ("other", lambda x, y, t, p, q, f: x),
        ("other", lambda x, y, t, p, q, f: f("sin", x) - 1e-9 * x),
        ("other", lambda x, y, t, p, q, f: x * f("sin", x)),
        ("other", lambda x, y, t, p, q, f: f("sin", y * x)),
        ("other", lambda x, y, t, p, q, f: f("sin", t * x)),
        ("other", lambda x, y, t, p, q, f: f("sin", x / y)),
        ("other", lambda x, y, t, p, q, f: f("sin", p / x)),
        ("other", lambda x, y, t, p, q, f: f("cos", x * x)),
        ("other", lambda x, y, t, p, q, f: f("sin", abs(x))),
        ("other", lambda x, y, t, p, q, f: f("tanh", x)),
        ("other", lambda x, y, t, p, q, f: f("sign", x)),
        ("other", lambda x, y, t, p, q, f: f("select_less", x, 0.0, y, t)),
        ("other", lambda x, y, t, p, q, f: f("select_less", y, 0.0, f("sin", x), x)),
        ("other", lambda x, y, t, p, q, f: f("minimum", f("sin", x), x)),
        ("other", lambda x, y, t, p, q, f: p**x),
        ("other", lambda x, y, t, p, q, f: f("sin", f("sin", y * x))),
    ],
)  # fmt: skip
def test_the_form_of_a_function_by_hand(expected: str, build: Callable[..., Any]) -> None:
    assert dependence(program(build), {0}) == expected


def test_coordinates_that_move_together_are_shifted_together() -> None:
    """With delay x(t) and x(t - tau) are one coordinate; their difference under a sine knows no origin."""
    phases = program(lambda x, y, t, p, q, f: q + f("sin", p * y - p * x))
    mixed = program(lambda x, y, t, p, q, f: f("sin", x) - 0.1 * y)
    assert free_coordinates(phases, 10, delayed=True) == tuple(range(10))
    assert free_coordinates(mixed, 10, delayed=True) == ()
    assert free_coordinates(mixed, 2, delayed=False) == (0,)


def recurs(library: FounderLibrary, name: str, coordinate: int) -> bool:
    """Whether the field comes back to its value as the coordinate is shifted far: so does what is (almost) periodic;
    a polynomial grows, a sigmoid saturates elsewhere. Measured in the spread over small shifts."""
    flow = library.flow(name)
    founder = flow.driver
    rng = np.random.default_rng([ord(letter) for letter in name])
    # Wide enough for BickleyJet, whose phase has periods of some 1e6.
    near = np.geomspace(0.1, 1e6, 128)
    far = rng.uniform(1e7, 1e9, 4_000)
    shifts = np.concatenate([[0.0], near, -near, far, -far])
    # SprottDelay is free at its published parameters, one of which is zero, and at no others.
    parameters = 1.05 * founder.parameters + 0.01
    fields = []
    for _ in range(2):
        start = founder.initial_condition * (1 + 0.1 * rng.standard_normal(founder.dimension))
        states = np.tile(start, (len(shifts), 1))
        states[:, founder.inputs if founder.delay_index is not None else [coordinate]] += shifts[:, None]
        ensemble = founder_ensemble(flow, np.tile(parameters, (len(shifts), 1)), states)
        fields.append(right_hand_side(flow, ensemble, states, np.zeros(len(shifts))))
    field = np.concatenate(fields, axis=1)
    with np.errstate(all="ignore"):
        spread = np.nanstd(field[1 : 1 + 2 * len(near)], axis=0)
        change = np.abs(field[1 + 2 * len(near) :] - field[0])
        relative = np.where(spread > 0, change / spread, np.where(change > 0, np.inf, 0.0)).max(axis=1)
    # On both sides: a kink may leave one of them flat.
    return bool(np.nanmin(relative.reshape(2, -1), axis=1, initial=np.inf).max() < 0.2)


def test_free_coordinates_of_all_founders_are_those_in_which_their_fields_recur(
    library: FounderLibrary,
) -> None:
    n = 0
    for name in library:
        founder = library[name]
        coordinates = range(founder.dimension if founder.delay_index is None else 1)
        found = {i for i in coordinates if recurs(library, name, i)}
        assert found == set(founder.free_coordinates), name
        n += len(found)
    assert n > 30


def test_every_coordinate_that_dysts_lets_grow_is_an_angle(library: FounderLibrary) -> None:
    unbounded = {name: library[name].unbounded_indices for name in library if library[name].unbounded_indices}
    assert len(unbounded) == 19
    assert all(set(indices) <= set(library[name].free_coordinates) for name, indices in unbounded.items())


UNARY = ("neg", "sin", "cos", "exp", "tanh", "abs", "sign")
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")


def trees() -> st.SearchStrategy[Any]:
    """Expressions of x, y and t in which every coefficient of x is a whole number: what is periodic has period 2 pi."""
    whole = st.integers(-3, 3)
    return st.recursive(
        st.sampled_from("xxyt"),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(UNARY), inner),
            st.tuples(st.sampled_from(BINARY), inner, inner),
            st.tuples(st.just("scale"), inner, whole),
            st.tuples(st.just("select_less"), inner, inner, inner, inner),
        ),
        max_leaves=8,
    )


def build(tree: Any, leaves: dict[str, Node], graph: Graph) -> Node:
    if isinstance(tree, str):
        return leaves[tree]
    op, *operands = tree
    if op == "scale":
        return graph.apply("mul", build(operands[0], leaves, graph), float(operands[1]))
    return graph.apply(op, *(build(operand, leaves, graph) for operand in operands))


@given(trees())
def test_what_is_called_free_is_the_same_one_turn_on(tree: Any) -> None:
    graph = Graph()
    leaves = {"x": graph.input("y", 0), "y": graph.input("y", 1), "t": graph.input("t")}
    made = Program.of([build(tree, leaves, graph)])
    form = dependence(made, {0})
    if form == "other":
        return
    x, y, t = np.random.default_rng(0).uniform(-2, 2, (3, 40))
    shift = 2 * np.pi * 3 if form == "periodic" else 0.7
    with np.errstate(all="ignore"):
        here, there = (
            np.broadcast_to(made.evaluate(t=t, y=[at, y])[0], 40).astype(float) for at in (x, x + shift)
        )
        same = np.isclose(here, there, rtol=1e-6, atol=1e-9, equal_nan=True)
    # Rounding decides at a jump.
    assert same.mean() >= 0.8
