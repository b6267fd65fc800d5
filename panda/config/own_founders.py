"""A user's own founders: Python files named in the configuration, read here without being run."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from panda.config.types import FOUNDER_PATTERN, NAME_LENGTH
from panda.core.code_version import syntax_hash
from panda.core.errors import did_you_mean

_REQUIRED = ("parameters", "initial_condition", "rhs")


@dataclass(frozen=True)
class OwnFile:
    """A founder's file: its stem is the founder's name; the digest is deaf to comments and docstrings."""

    name: str
    path: str
    family: str | None
    digest: str


def read_own(path: str, *, taken: Collection[str], families: Collection[str]) -> OwnFile:
    """Look at a founder's file: it parses, defines what it must, and its name is free.

    `taken` are the names that it must not have, in whatever case; `families` those it may belong to.

    Raises:
        ValueError: one line with the file, where that helps its line, and what is wrong.
    """
    name = Path(path).stem
    if Path(path).suffix != ".py" or not Path(path).is_file():
        raise ValueError(f"{path}: no such Python file; a founder of your own is a file like systems/Ueda.py")
    if not re.fullmatch(FOUNDER_PATTERN, name) or len(name) > NAME_LENGTH:
        raise ValueError(
            f"{path}: {name!r} is no founder's name: letters and digits only, a letter first, {NAME_LENGTH} at most; "
            "rename the file"
        )
    clash = next((other for other in sorted(taken) if other.casefold() == name.casefold()), None)
    if clash is not None:
        raise ValueError(f"{path}: there is a founder {clash!r} already; rename the file")
    text = read_source(path)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{path}{line}: not Python ({getattr(error, 'msg', error)})") from None
    values = _top_level(tree)
    for key in _REQUIRED:
        if key not in values:
            raise ValueError(f"{path}: defines no `{key}`; see docs/own-system.md")
    return OwnFile(name, path, _family(path, values.get("family"), families), syntax_hash(text))


def read_source(path: str) -> str:
    """The text of a Python file as Python itself reads it: a byte order mark or a line that declares an encoding counts.

    Raises:
        ValueError: one line; the file cannot be read, or is in neither UTF-8 nor the encoding that it declares.
    """
    try:
        with tokenize.open(path) as file:
            return file.read()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except (SyntaxError, UnicodeError):
        raise ValueError(
            f"{path}: its text is neither UTF-8 nor in the encoding that its first lines declare; save it as UTF-8"
        ) from None


def _top_level(tree: ast.Module) -> dict[str, ast.AST]:
    """What the file defines at its top level: names with their values or functions."""
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def _family(path: str, value: ast.AST | None, families: Collection[str]) -> str | None:
    if value is None:
        return None
    family = value.value if isinstance(value, ast.Constant) else None
    if family not in families:
        hint = did_you_mean(family, families, f"; there are {', '.join(sorted(families))}")
        line = getattr(value, "lineno", 1)
        raise ValueError(f"{path}:{line}: no family {ast.unparse(value)}{hint}")
    return str(family)
