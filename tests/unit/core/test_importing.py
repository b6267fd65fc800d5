"""What is wrong in a module that a user wrote is said in one line, with its file and line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from panda.core import importing
from panda.core.code_version import code_version
from panda.core.errors import PandaError
from tests.conftest import needs_torch

WRONG = [
    ("x = = 3\n", "baselines/written.py:2: not Python (invalid syntax)"),
    ("import nonesuch\n", "baselines/written.py:2: needs the package 'nonesuch'; install it"),
    ("from panda.nothere import x\n", "baselines/written.py:2: no module 'panda.nothere'"),
    ("import panda.core.nope\n", "baselines/written.py:2: no module 'panda.core.nope'"),
]
FAILS = [
    (
        "y = 1 / 0\n",
        "baselines/written.py:2: fails when it is imported (ZeroDivisionError: division by zero)",
    ),
    (
        "from panda.core.errors import Nope\n",
        "baselines/written.py:2: fails when it is imported (ImportError: ",
    ),
]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of baselines in a project that has one of the user's own."""
    import baselines

    folder = tmp_path / "baselines"
    folder.mkdir()
    monkeypatch.setattr(importing, "_SOURCE", tmp_path)
    monkeypatch.setattr(baselines, "__path__", [str(folder), *baselines.__path__])
    (tmp_path / "panda").symlink_to(Path(importing.__file__).parents[1])
    importlib.invalidate_caches()
    yield folder
    sys.modules.pop("baselines.written", None)


@pytest.mark.parametrize(("line", "message"), [*WRONG, *FAILS])
def test_a_module_that_cannot_be_imported_names_its_line(source: Path, line: str, message: str):
    (source / "written.py").write_text(f'"""Mine."""\n{line}')
    with pytest.raises(PandaError) as error:
        importing.import_ours("baselines.written")
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize(("line", "message"), WRONG)
def test_it_is_found_without_running_it(source: Path, line: str, message: str):
    (source / "written.py").write_text(f'"""Mine."""\n{line}raise AssertionError\n')
    with pytest.raises(PandaError) as error:
        importing.check_imports("baselines.written")
    assert str(error.value).startswith(message)


def test_a_file_anywhere_is_held_to_the_same(tmp_path: Path):
    path = tmp_path / "mine.py"
    for line, message in (
        ("import nonesuch.deep", "needs the package 'nonesuch.deep'; install it, or correct the name"),
        ("from panda.nothere import x", "no module 'panda.nothere'; correct the name"),
        ("from .helper import x", "imports '.helper', but the file is run by itself, outside any package"),
    ):
        path.write_text(f"import json, numpy\n{line}\nraise AssertionError\n")
        with pytest.raises(PandaError) as error:
            importing.check_imports_of_file(path)
        assert str(error.value).startswith(f"{path}:2: {message}") and "\n" not in str(error.value)
    path.write_text("try:\n    import nonesuch\nexcept ImportError:\n    nonesuch = None\n")
    importing.check_imports_of_file(path)


def test_an_extra_is_named(source: Path):
    (source / "written.py").write_text("import nonesuch\n")
    for find in (importing.import_ours, importing.check_imports):
        with pytest.raises(PandaError, match=r"install the extra 'deep' \(pip install '\.\[deep\]'\)"):
            find("baselines.written", extra="deep")


def test_a_module_that_is_not_there(source: Path):
    for find in (importing.import_ours, importing.check_imports):
        with pytest.raises(PandaError, match=r"baselines\.nowhere"):
            find("baselines.nowhere")


def test_a_byte_order_mark_is_python(source: Path):
    (source / "written.py").write_text("import json\n", encoding="utf-8-sig")
    importing.check_imports("baselines.written")
    assert importing.import_ours("baselines.written").json


def test_the_code_version_names_the_line(source: Path):
    (source / "written.py").write_text("x = (\n")
    with pytest.raises(PandaError, match=r"baselines/written\.py:1: not Python"):
        code_version(["baselines.written"], source.parent)


@needs_torch
def test_the_baselines_that_are_here_pass(smoke):
    from baselines import registry

    # Chronos is no dependency of the tests: it has its own, and a line where its package is missing.
    names = [name for name in registry.names() if registry.info(name).extra != "foundation"]
    registry.check([*names, "panda"], smoke.baselines)
