"""The code version sees code, and only code."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda.core import code_version as module


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
