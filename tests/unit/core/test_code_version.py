"""The code version sees code, and only code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from panda.core import code_version as module
from tests.conftest import ROOT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    package = tmp_path / "panda"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text('"""A."""\n\ndef f():\n    from panda import b\n    return b.g()\n')
    (package / "b.py").write_text("def g():\n    return 1\n")
    (package / "c.py").write_text("def h():\n    return 2\n")
    return tmp_path


def version(tree: Path, *roots: str) -> str:
    module._file.cache_clear()
    module._parsed.cache_clear()
    return module.code_version(roots, tree)


def test_comments_docstrings_and_formatting_change_nothing(tree: Path):
    before = version(tree, "panda.a")
    text = (tree / "panda/a.py").read_text()
    (tree / "panda/a.py").write_text(text.replace("A.", "Other words.") + "\n# a comment\n")
    (tree / "panda/b.py").write_text('def g():\n    """Doc."""\n    return (1)\n')
    assert version(tree, "panda.a") == before


def test_code_reached_inside_a_function_counts_and_other_code_does_not(tree: Path):
    before = version(tree, "panda.a")
    (tree / "panda/c.py").write_text("def h():\n    return 3\n")
    assert version(tree, "panda.a") == before
    (tree / "panda/b.py").write_text("def g():\n    return 10\n")
    assert version(tree, "panda.a") != before


# What versions of Python parse or print differently: new and empty fields, f-strings, characters that Unicode defined
# later, None as a value and as nothing.
VARIED = r'''
"""Of what the hash is deaf to."""
import a.b as c

GREEK = "λ₁\n\U0001fae8"
"""What GREEK is."""
LIMITS = 1e-300, 1e999, -0.0, 10**40, 3j, b"\xff", None, ..., True

@c.d(key=None)
class A(c.B, metaclass=c.M):
    n: int = 0
    """What n is."""

    def f(self, x, /, y=None, *rest: "A", z, w=None, **more) -> None:
        """Doc."""
        return f"{x!r:>{y}}" f"{z=}" "tail" f"" if x else f"a{{b}}{x:.3f}{y:{z}.{w}}"

    async def g(self):
        async with self as (p, q):
            return [i async for i in p if i], {**q, "k": lambda: (yield)}, {*p}, p[1:, ::2]

match GREEK:
    case {"a": [1, *_], **rest} | A(n=0) if rest: del rest
    case None: pass
try:
    x: int
except* (ValueError, KeyError) as error: raise A from error
else: (y := not x < 1 <= 2)
'''


def test_the_hash_of_a_text_is_the_same_on_every_python():
    # `make test-pythons` runs this on the others. If you change what the hash sees, this number changes on all.
    assert module.syntax_hash(VARIED) == "606f2d6dc707"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = None", "x = ..."),
        ("f(None)", "f()"),
        ("f'a{b}c'", "f'ac{b}'"),
        ("f'{a}{b}'", "f'{a} {b}'"),
        ("x = f'a'", "x = 'a'"),
        ("x: int = 1", "x = 1"),
        ("f(a, b)", "f(a, *b)"),
        ("x = {**a, 1: 2}", "x = {1: 2, **a}"),
        ("def f(a, b=None): ...", "def f(a, *, b=None): ..."),
        ("x = 'λ'", "x = 'µ'"),
    ],
)
def test_what_means_another_thing_has_another_hash(one: str, other: str):
    assert module.syntax_hash(one) != module.syntax_hash(other)


def test_strings_that_stand_alone_change_nothing():
    assert module.syntax_hash("x = 1\n'''What x is.'''") == module.syntax_hash("'''A file.'''\nx = 1")
    assert module.syntax_hash("def f():\n  'Doc.'\n  return 'a'") == module.syntax_hash("def f(): return 'a'")


def test_an_f_string_in_pieces_is_one():
    assert module.syntax_hash("x = f'a{b}' 'c' f'd'") == module.syntax_hash("x = f'a{b}cd'")


def test_where_a_users_python_comes_in_is_no_step(tree: Path):
    door = tree / "panda" / "__init__.py"
    door.write_text('__version__ = "1"\n')
    (tree / "panda/a.py").write_text("from panda import b\n\ndef f():\n    return b.g()\n")
    before = version(tree, "panda.a")
    door.write_text('__version__ = "1"\n\ndef load():\n    from panda.c import h\n    return h()\n')
    assert version(tree, "panda.a") == before
    (tree / "panda/c.py").write_text("def h():\n    return 3\n")
    assert version(tree, "panda.a") == before
    door.write_text('__version__ = "2"\n')
    assert version(tree, "panda.a") != before


def test_an_unknown_root_is_refused(tree: Path):
    with pytest.raises(FileNotFoundError, match=r"panda\.nothing"):
        version(tree, "panda.nothing")


def test_of_a_section_only_what_it_computes_counts(tree: Path):
    config = tree / "panda" / "config"
    config.mkdir()
    (config / "__init__.py").write_text("from panda.config.search import Search\n")
    text = (
        "class Search(Section):\n    n: int\n\n    @property\n    def half(self):\n        return self.n / 2\n\n"
        "    @model_validator(mode='after')\n    def _even(self):\n        return self.n % 2\n"
    )
    (config / "search.py").write_text(text)
    (tree / "panda/a.py").write_text("from panda.config import Search\n")
    before = version(tree, "panda.a")
    (config / "search.py").write_text(text.replace("n: int", "n: int\n    m: float").replace("% 2", "% 3"))
    assert version(tree, "panda.a") == before
    (config / "search.py").write_text(text.replace("/ 2", "/ 3"))
    assert version(tree, "panda.a") != before


def test_formulas_of_the_configuration_count_for_the_search():
    module._parsed.cache_clear()
    found = module._parsed("panda.config.search", str(ROOT))[0]
    assert found != module._hash(ast.Module(body=[], type_ignores=[]))
    for name in ("panda.config.search", "panda.config.founders", "panda.config.discover"):
        assert not name.startswith(module.NOT_SCIENCE)


# What a command may add up: how much it shows of its progress, its words, and which generation or subset is meant.
ARITHMETIC = {
    ("evolve.py", "generation - 1"),
    ("evolve.py", "wanted.n_pairs * wanted.n_perturbations"),
    ("integrate.py", "len(accepted) + len(to_lengthen)"),
    ("options.py", "n_shards - 1"),
    ("options.py", "index + 1"),
    ("options.py", "path.suffix + SUFFIX"),
    ("scaling.py", "split + 1"),
}


def test_commands_compute_nothing():
    operators = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
    found = set()
    for path in (ROOT / "panda" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, operators):
                continue
            text = ast.unparse(node)
            # Paths are joined with `/`, texts with `+`, sets have differences.
            if re.search(r"""['"]|\bset\(|^state / name$|^shard - present$""", text):
                continue
            found.add((path.name, text))
    assert found <= ARITHMETIC, found - ARITHMETIC
