"""Importing modules that users write or edit: what is wrong in one is said with its file and line."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import traceback
from pathlib import Path
from types import ModuleType

from panda.core.code_version import PACKAGES, code_version
from panda.core.errors import PandaError

_SOURCE = Path(__file__).resolve().parents[2]


def import_ours(name: str, *, extra: str = "") -> ModuleType:
    """The module `name` of panda or baselines; `extra` are the optional dependencies it is installed with.

    Raises:
        PandaError: it is not there, is no Python, needs a package that is not installed, or fails in another way.
    """
    try:
        return importlib.import_module(name)
    except PandaError:
        raise
    except SyntaxError as error:
        raise PandaError(
            f"{shown(error.filename or name)}:{error.lineno}: not Python ({error.msg})"
        ) from error
    except ModuleNotFoundError as error:
        raise PandaError(f"{_place(error, name)}: {_missing(error.name or '', extra)}") from error
    except Exception as error:
        what = " ".join(str(error).split())
        raise PandaError(
            f"{_place(error, name)}: fails when it is imported ({type(error).__name__}: {what})"
        ) from error


def import_file(path: Path) -> ModuleType:
    """The module in a file of the user's own, wherever it is.

    Raises:
        PandaError: it fails when it is run; with its line.
    """
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise PandaError(f"{path}: no Python file; give one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except PandaError:
        raise
    except Exception as error:
        frames = [
            one for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path.absolute())
        ]
        line = frames[-1].lineno if frames else getattr(error, "lineno", 1)
        what = " ".join(str(error).split())
        raise PandaError(f"{path}:{line}: fails when it is run ({type(error).__name__}: {what})") from error
    return module


def check_imports(name: str, *, extra: str = "") -> None:
    """Refuse a module of ours that will not be imported, without running it: what its file's first level imports.

    Raises:
        PandaError: it is not there or no Python, or imports a module that is not there, with the line.
    """
    file = _file_of(name)
    if file is None:
        raise PandaError(f"{name}: there is no such file; correct the name")
    code_version([name], _SOURCE)  # all that it imports of ours is Python
    check_imports_of_file(file, extra=extra)


def check_imports_of_file(file: Path, *, extra: str = "") -> None:
    """Refuse a file of Python that imports, at its first level, what is not there; without running it.

    Of a package only its first name is looked for: finding a module inside would run the package. What stands inside
    `try`, `if` or a function may be missing.

    Raises:
        PandaError: a module is not there, or is named relative to a package that the file is not part of; with the line.
    """
    for node in ast.parse(file.read_text(encoding="utf-8-sig")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            if node.level and not file.is_relative_to(_SOURCE):
                dots = "." * node.level
                raise PandaError(
                    f"{shown(file)}:{node.lineno}: imports {dots + (node.module or '')!r}, but the file is run by "
                    "itself, outside any package; import an installed module, or put that code into this file"
                )
            names = [node.module] if node.module and not node.level else []
        for imported in names:
            if not _is_there(imported):
                raise PandaError(f"{shown(file)}:{node.lineno}: {_missing(imported, extra)}")


def missing_package(file: Path, *, extra: str = "") -> str:
    """What to install for a file to be imported, in a few words; empty if `check_imports_of_file` lets it pass."""
    try:
        check_imports_of_file(file, extra=extra)
    except PandaError as error:
        return str(error).partition(": ")[2]
    return ""


def _is_there(name: str) -> bool:
    top = name.split(".")[0]
    return _file_of(name) is not None if top in PACKAGES else importlib.util.find_spec(top) is not None


def _file_of(name: str) -> Path | None:
    path = _SOURCE.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _missing(name: str, extra: str) -> str:
    if name.split(".")[0] in PACKAGES:
        return f"no module {name!r}; correct the name"
    advice = f"the extra {extra!r} (pip install '.[{extra}]')" if extra else "it, or correct the name"
    return f"needs the package {name!r}; install {advice}"


def shown(path: str | Path) -> str:
    """A path of ours as a message shows it: from the project's folder on."""
    path = Path(path)
    return str(path.relative_to(_SOURCE)) if path.is_relative_to(_SOURCE) else str(path)


def _place(error: Exception, name: str) -> str:
    """`file:line` of the last line of ours that ran; the module's name if none of its lines did."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_SOURCE)]
    return f"{shown(ours[-1].filename)}:{ours[-1].lineno}" if ours else name
