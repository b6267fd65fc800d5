"""YAML that people write: read with the line of whatever is wrong, and never at more cost than such a file is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from panda.core.errors import PandaError

# The longest of ours has 30 kB and some thousand values. Aliases of aliases make billions of a file of one kilobyte.
MAX_BYTES, MAX_VALUES = 4_000_000, 200_000


def read_nodes(path: str | Path, what: str) -> yaml.Node | None:
    """The document in a YAML file as nodes that know their lines; None if it is empty.

    `what` says in the message what was looked for: "configuration file".

    Raises:
        PandaError: no such file, not UTF-8, no valid YAML, nested without end, or of an absurd size; with file and line.
    """
    path = Path(path)
    if not path.is_file():
        raise PandaError(f"{path}: no such {what}")
    text = _text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        n_values = _size(node, {}) if node is not None else 0
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise PandaError(
            f"{path}:{line}: not valid YAML (the character {chr(int(error.character))!r})"
        ) from error
    except yaml.YAMLError as error:
        raise PandaError(f"{_where(path, error)}: not valid YAML ({_reason(error)})") from error
    except RecursionError:
        raise PandaError(
            f"{path}: not valid YAML (nested too deeply, or a value that contains itself)"
        ) from None
    if n_values > MAX_VALUES:
        raise PandaError(
            f"{path}: its aliases stand for {n_values:.3g} values, more than {MAX_VALUES:,}; write out what is meant"
        )
    return node


def read_values(path: str | Path, what: str) -> Any:
    """The document in a YAML file as plain data.

    Raises:
        PandaError: as `read_nodes`, or a number or date that cannot be one.
    """
    return values_of(read_nodes(path, what), path)


def values_of(node: yaml.Node | None, path: str | Path) -> Any:
    """What the nodes of the file at `path` stand for, as plain data.

    Raises:
        PandaError: a value that YAML knows a type of cannot have it: a number too long, a date that is none.
    """
    if node is None:
        return None
    try:
        return yaml.SafeLoader("").construct_document(node)
    except yaml.YAMLError as error:
        raise PandaError(f"{_where(path, error)}: not valid YAML ({_reason(error)})") from error
    except (ValueError, OverflowError) as error:
        raise PandaError(f"{_unreadable(path, node)}: not valid YAML ({_reason(error)})") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PandaError(
                f"{path}: larger than {MAX_BYTES // 1_000_000} MB; it is another file than meant"
            )
        data = path.read_bytes()
    except OSError as error:
        raise PandaError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PandaError(
            f"{path}:{line}: not UTF-8 text (byte 0x{data[error.start]:02x}); save it as UTF-8"
        ) from error


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for with its aliases written out."""
    if id(node) not in known:
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        known[id(node)] = 1 + sum(_size(child, known) for child in children)
    return known[id(node)]


def _unreadable(path: str | Path, node: yaml.Node) -> str:
    """`file:line` of the scalar that has no value."""
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.ScalarNode):
            try:
                yaml.SafeLoader("").construct_document(node)
            except (ValueError, OverflowError):
                return f"{path}:{node.start_mark.line + 1}"
        elif isinstance(node, yaml.MappingNode):
            pending += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value
    return str(path)


def _where(path: str | Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{path}:{mark.line + 1}" if mark else str(path)


def _reason(error: Exception) -> str:
    """What is wrong, in one line."""
    text = (
        getattr(error, "problem", None) or str(error).partition(";")[0]
    )  # what follows is advice to programmers
    return " ".join(text.split())
