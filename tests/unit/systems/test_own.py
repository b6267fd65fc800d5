"""A user's own system: what its file defines is what is compiled, and what is wrong is said in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from panda.config.own_founders import read_own
from panda.core.errors import PandaError
from panda.systems.evaluate import jacobian_vector, right_hand_side
from panda.systems.library import FounderLibrary, build_one
from panda.systems.own import plain_rhs, read_system, trace_own
from panda.systems.postprocess import postprocess
from panda.systems.skew import founder_ensemble

FORCED = """
import numpy as np

parameters = {"k": 0.05, "b": 7.5, "w": [[0.0, 1.0], [-1.0, 0.5]]}
initial_condition = [2.5, 0.1, 0.0]
unbounded_indices = [2]
citation = "someone"


def spring(x):
    return max(x, 0.0) ** 3 + min(x, 0) * np.exp(-x * x)


def rhs(state, t, *, k, b, w):
    x, y, phase = state
    dx, dy = np.matmul(w, np.array([x, y]))
    step = np.heaviside(x - 1, 0.5)
    return np.array([dx + 0.1 * step, dy - k * y - spring(x) + b * np.cos(phase) + 0.01 * t, 1.0])


def postprocess(state, *, k, b, w):
    return state[0], k * state[1], np.sin(state[2])
"""
GOOD = "parameters = {'a': 2.0}\ninitial_condition = [1.0, 0.5]\n"


def write(folder: Path, text: str, name: str = "Mine") -> str:
    path = folder / f"{name}.py"
    path.write_text(text)
    return str(path)


def test_the_compiled_function_is_the_plain_one(tmp_path: Path) -> None:
    system = read_system(write(tmp_path, FORCED))
    traced = trace_own(system)
    founder = traced.founder
    assert (founder.dimension, founder.n_parameters, founder.citation) == (3, 6, "someone")
    assert founder.time_dependent and not founder.smooth and founder.unbounded_indices == (2,)
    assert founder.free_coordinates == (2,)
    build_one(tmp_path / "library", traced, lambda library: replace(library["Mine"], period=1.0, dt=0.1))
    flow = FounderLibrary.open(tmp_path / "library").flow("Mine")
    rng = np.random.default_rng(1)
    states, tangents = rng.standard_normal((2, 11, 3)) * 2
    times = rng.uniform(0, 9, 11)
    ensemble = founder_ensemble(flow, np.tile(founder.parameters, (11, 1)), states)
    plain = np.array([plain_rhs(system, x, t) for x, t in zip(states, times, strict=True)])
    np.testing.assert_allclose(right_hand_side(flow, ensemble, states, times), plain, rtol=1e-12, atol=1e-12)
    h = 1e-6
    slope = [
        (plain_rhs(system, x + h * v, t) - plain_rhs(system, x - h * v, t)) / (2 * h)
        for x, v, t in zip(states, tangents, times, strict=True)
    ]
    assert flow.driver.free_coordinates == (2,) and flow.bounded.tolist() == [True, True, False]
    ours = jacobian_vector(flow, ensemble, states, tangents, times)
    np.testing.assert_allclose(ours, slope, rtol=1e-5, atol=1e-5)
    saved = postprocess(founder, states, np.tile(founder.parameters, (11, 1)))
    np.testing.assert_allclose(saved, np.stack([states[:, 0], 0.05 * states[:, 1], np.sin(states[:, 2])], 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parameters = {}\ninitial_condition = [1]\nx = missing\n", r"Mine\.py:3: NameError: name 'missing'"),
        ("import nowhere_at_all\n", r"Mine\.py:1: ModuleNotFoundError"),
        ("parameters = 3\n", r"`parameters` must be a dict"),
        ("parameters = {'a': 'two'}\n", r"`parameters\['a'\]` must be finite numbers, not 'two'"),
        ("parameters = {'a': 1}\ninitial_condition = 3\n", "`initial_condition` must be a list"),
        ("parameters = {'a': 1}\ninitial_condition = [1, float('nan')]\n", "must be finite numbers"),
        (GOOD + "rhs = 3\n", r"`rhs` must be a function: def rhs\(state, t, \*, \.\.\.\)"),
        (GOOD + "def rhs(state, t):\n    return state\n", r"Mine\.py:3: `rhs` does not fit .*'a'"),
        (GOOD + "def rhs(state, t, *, a, b):\n    return state\n", r"Mine\.py:3: .*'b'.*def rhs\(state, t, \*, a\)"),
        (GOOD + "def rhs(state, t, *, a):\n    return [1.0]\n", "`rhs` returns 1 values for 2 coordinates"),
        (GOOD + "def rhs(state, t, *, a):\n    return state[5], 1\n", r"Mine\.py:4: IndexError"),
        (GOOD + "def rhs(state, t, *, a):\n    return state / 0\n", "not finite at `initial_condition`"),
        (GOOD + "unbounded_indices = [0]\ndef rhs(state, t, *, a):\n    return state\n", "add `def postprocess"),
        (GOOD + "unbounded_indices = [7]\ndef rhs(state, t, *, a):\n    return state\n", r"indices in 0\.\.1"),
        (GOOD + "period = -1\ndef rhs(state, t, *, a):\n    return state\n", "`period` must be a number above 0"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PandaError, match=words) as caught:
        read_system(write(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    if state[0] > 0:\n        return state\n    return -state", r"Mine\.py:4: cannot be compiled"),
        ("    return np.arctan(state)", r"Mine\.py:4: .*numpy\.arctan.*np\.tanh.*np\.heaviside"),
        ("    return math.sin(state[0]), 1.0", r"Mine\.py:4: cannot be compiled"),
        ("    return rng.normal() * state", "a function of state, t and parameters alone"),
        ("    return state * (2 if isinstance(state[0], float) else 3)", "but its compiled form"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_line(tmp_path: Path, body: str, words: str) -> None:
    text = "import math; import numpy as np; parameters = {}; initial_condition = [1.0, 2.0]\n"
    path = write(tmp_path, f"{text}rng = np.random.default_rng(0)\ndef rhs(state, t):\n{body}\n")
    with pytest.raises(PandaError, match=words) as caught:
        trace_own(read_system(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "third", ["phase * x", "0.01 * phase", "np.cos(x * phase)", "np.sign(phase)", "np.cos(t * phase)"]
)
def test_what_grows_for_ever_must_be_an_angle(tmp_path: Path, third: str) -> None:
    text = FORCED.replace("b * np.cos(phase)", f"b * ({third})")
    with pytest.raises(
        PandaError, match=r"Mine\.py: `rhs` reads coordinate 2 of `unbounded_indices`"
    ) as caught:
        trace_own(read_system(write(tmp_path, text)))
    assert "\n" not in str(caught.value)
    bounded = text.replace("unbounded_indices = [2]", "")
    assert trace_own(read_system(write(tmp_path, bounded))).founder.free_coordinates == ()


@pytest.mark.parametrize(
    "third", ["0.0", "np.cos(k * phase - x)", "np.sign(np.sin(phase) - x)", "np.cos(phase) ** 3"]
)
def test_an_angle_may_enter_as_the_sine_of_its_multiples(tmp_path: Path, third: str) -> None:
    text = FORCED.replace("b * np.cos(phase)", f"b * ({third})")
    assert trace_own(read_system(write(tmp_path, text))).founder.free_coordinates == (2,)


LORENZ = """
parameters = {"s": 10.0, "r": 28.0, "b": 8 / 3}  # \u00e9tat, \u00fcblich
initial_condition = [1.0, 1.0, 20.0]
citation = "\u00c9douard"


def rhs(q, t, *, s, r, b):
    x, y, z = q
    return [s * (y - x), r * x - y - x * z, x * y - b * z]
"""


@pytest.mark.parametrize(
    "data",
    [
        LORENZ.encode("utf-8"),
        LORENZ.encode("utf-8-sig"),
        LORENZ.replace("\n", "\r\n").encode("utf-8-sig"),
        LORENZ.replace("\n", "\r").encode("utf-8"),
        ("# -*- coding: latin-1 -*-\n" + LORENZ).encode("latin-1"),
        ("#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\r\n" + LORENZ).encode("cp1252"),
    ],
    ids=["plain", "mark", "mark and CRLF", "CR", "latin-1", "cp1252, second line"],
)
def test_a_file_is_read_as_python_reads_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "Mine.py"
    path.write_bytes(data)
    expected: dict = {}
    exec(compile(data, str(path), "exec"), expected)
    system = read_system(str(path))
    assert system.citation == expected["citation"] == "\u00c9douard"
    reference = tmp_path / "Other.py"
    reference.write_bytes(LORENZ.encode())
    digests = {read_own(str(file), taken=(), families=()).digest for file in (path, reference)}
    assert len(digests) == 1  # it is the same founder


@pytest.mark.parametrize(
    "data",
    [
        LORENZ.encode("utf-16"),
        LORENZ.encode("utf-32"),
        LORENZ.encode("latin-1"),
        b"# coding: utf-8\n" + LORENZ.encode("latin-1"),
        b"# coding: klingon\n" + LORENZ.encode(),
        b"\xef\xbb\xbf# coding: latin-1\n" + LORENZ.encode(),
    ],
    ids=["utf-16", "utf-32", "latin-1", "declared utf-8", "unknown", "mark against declaration"],
)
def test_an_unreadable_encoding_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "Mine.py"
    path.write_bytes(data)
    words = r"Mine\.py: .*save it as UTF-8$"
    with pytest.raises(ValueError, match=words):
        read_own(str(path), taken=(), families=())
    with pytest.raises(PandaError, match=words):
        read_system(str(path))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import sys\nsys.exit('no licence')\n" + LORENZ, 2),
        ("raise SystemExit\n" + LORENZ, 1),
        ("import sys\n" + LORENZ.replace("    x, y, z = q\n", "    sys.exit(3)\n"), 9),
    ],
)
def test_a_file_that_ends_the_program_is_one_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(PandaError, match=rf"Mine\.py:{line}: the file ends the program") as caught:
        read_system(write(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_wrong_branch_is_found_in_any_units(tmp_path: Path, unit: float) -> None:
    text = f"u = {unit}\nparameters = {{}}\ninitial_condition = [1.0, u]\n"
    body = "    return [-state[0], -state[1] * (2 if isinstance(state[1], float) else 3)]\n"
    with pytest.raises(PandaError, match="but its compiled form"):
        trace_own(read_system(write(tmp_path, f"{text}def rhs(state, t):\n{body}")))
