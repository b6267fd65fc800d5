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
