"""Reading config.yaml and its overlays, and saying where a wrong value stands."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from panda.config.types import NAME_PATTERN, PATH_PATTERN
from panda.config.whole import Config
from panda.core.errors import PandaError
from panda.core.resolved import commit_of
from panda.core.yaml_file import read_nodes, read_values

Key = tuple[str | int, ...]


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        PandaError: no such file, or no YAML mapping; the line is named.
    """
    value = read_values(path, "configuration file")
    if not isinstance(value, dict):
        raise PandaError(f"{path}: the file must hold a mapping of keys to values")
    return value


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with `above` on top: mappings merge, everything else (lists too) is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = overlay(old, value) if both else value
    return merged


def preset_file(preset: Any, root: str | Path = ".") -> str:
    """The path of a preset's file.

    Raises:
        PandaError: there is no such preset; the nearest one is named.
    """
    folder = Path(root) / "presets"
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if str(preset) not in known:
        raise PandaError(
            f"preset: no preset {preset!r}{_nearest(str(preset), known)}; known: {', '.join(known)}"
        )
    return str(folder / f"{preset}.yaml")


def load_config(
    path: str | Path, *, preset: str | None = None, baselines: Sequence[str] | None = None
) -> Config:
    """The configuration in a file, for commands used by hand, with presets/<preset>.yaml over it.

    A file that names a preset which differs from its own values (config.yaml) is overlaid by that preset, as
    the workflow does; a resolved configuration (results/<run>/config.yaml) is taken as it stands.
    `baselines`: see `validate`.
    """
    path = Path(path)
    values, files = read_yaml(path), [path]
    resolved = bool(values.pop("resolved", False))
    if preset is not None or not resolved:
        name = preset or values.get("preset")
        file = Path(preset_file(name, path.parent))
        values, files = overlay(values, read_yaml(file)), [path, file]
    return validate(values, files, baselines=baselines, resolved=resolved)


def validate(
    values: Mapping[str, Any],
    files: Sequence[str | Path],
    *,
    baselines: Sequence[str] | None = None,
    resolved: bool = False,
) -> Config:
    """Check merged values; `files`, lowest first, are re-read to say where a wrong one stands.

    `baselines`: the baselines there are, to hold the names of forecasters against; None leaves them unchecked.
    `resolved`: the first file was written by a run, so that other keys than ours mean that other code wrote it.

    Raises:
        PandaError: one line per problem: file and line (or "command line"), key, what is wrong, nearest key; one line
            for all keys of a resolved configuration of other code, with its commit.
    """
    try:
        config = Config.model_validate(dict(values))
    except ValidationError as error:
        if resolved:
            _check_same_code(error.errors(), values, files[0])
        lines = [_explain(problem, values, files) for problem in error.errors()]
        raise PandaError("\n".join(dict.fromkeys(lines))) from None
    if baselines is not None:
        for name in config.named_models():
            if name in baselines:
                where = locate(("train", "definitions", name), values, files)
                raise PandaError(
                    f"{where}: train.definitions: {name!r} is the name of a baseline; give the model another"
                )
        known = [*config.named_models(), *baselines]
        for stage, names in config.forecasters().items():
            for name in names:
                if name not in known:
                    where = locate((stage, "forecasters"), values, files)
                    raise PandaError(
                        f"{where}: {stage}.forecasters: no model or baseline {name!r}{_nearest(name, known)}; "
                        f"baselines: {', '.join(baselines)}"
                    )
    return config


def _check_same_code(problems: Sequence[Any], values: Mapping[str, Any], file: str | Path) -> None:
    """Refuse a resolved configuration that lacks keys of ours, or has others.

    Raises:
        PandaError: it does; its commit is named, if it says one.
    """
    words = {"missing": "lacks", "extra_forbidden": "has the unknown key"}
    keys = [
        f"{words[problem['type']]} {'.'.join(map(str, _plain_key(problem['loc'], values)))}"
        for problem in problems
        if problem["type"] in words
    ]
    if not keys:
        return
    commit = commit_of(file)
    loads = (
        f"it loads at commit {commit[:12]}: check that out"
        if commit
        else "load it with the code that wrote it"
    )
    more = f", and {len(keys) - 1} more such" if len(keys) > 1 else ""
    raise PandaError(
        f"{file}: resolved by other code ({keys[0]}{more}); {loads}, or write it anew from config.yaml"
    )


def _explain(problem: Any, values: Mapping[str, Any], files: Sequence[str | Path]) -> str:
    of_key = problem["loc"][-1:] == (
        "[key]",
    )  # pydantic's word for a mapping's key, where its value is no matter
    key = _plain_key(problem["loc"][:-1] if of_key else problem["loc"], values)
    name = ".".join(_shown(part) for part in (key[:-1] if of_key else key))
    message = problem["msg"].removeprefix("Value error, ")
    where = _culprit(key, message, values, files)
    broken = _broken_yaml(problem["input"])
    if broken:
        message = f"not valid YAML: {problem['input']!r} ({broken})"
    elif problem["type"] == "string_pattern_mismatch":
        message = f"{_ALLOWED[problem['ctx']['pattern']]} (got {problem['input']!r})"
    elif problem["type"] == "extra_forbidden":
        message = f"unknown key{_nearest(str(key[-1]), _fields_at(key[:-1]))}"
    elif problem["type"] == "missing":
        message = "is missing; copy its line from config.yaml"
    elif problem["type"] != "value_error":
        message = f"{message[:1].lower()}{message[1:]} (got {problem['input']!r})"
    return f"{where}: {name}: {message}" if name else f"{where}: {message}"


# What a pattern asks for, in words.
_ALLOWED = {
    NAME_PATTERN: "letters, digits, '.', '_' and '-' only, a letter or digit first",
    PATH_PATTERN: "a path, not empty and without line breaks, tabs and the like",
}


def _shown(part: str | int) -> str:
    """A part of a key as a message shows it: quoted where it is none of ours, so that the message stays one line."""
    return str(part) if re.fullmatch(NAME_PATTERN, str(part)) else repr(part)


def _culprit(key: Key, message: str, values: Mapping[str, Any], files: Sequence[str | Path]) -> str:
    """Where the value stands that a problem is about.

    A problem of several values is reported at the section that holds them, and its message names them. What was
    set last among them, on the command line before any file, is what the user has just changed.
    """
    if not isinstance(_value_at(values, key), Mapping):
        return locate(key, values, files)
    named: list[Key] = []
    for word in re.findall(r"\w+(?:\.\w+)*", message):
        for base in ((*key,), (), named[-1] if named else ()):
            path = (*base, *word.split("."))
            if _value_at(values, path) is not _ABSENT:
                named.append(path)
                break
    leaves = [path for path in named if not isinstance(_value_at(values, path), Mapping)]
    places = [locate(path, values, files) for path in leaves or named or [key]]
    layers = [*map(str, files), "command line"]
    return max(places, key=lambda place: layers.index(place.rsplit(":", 1)[0]))


def _broken_yaml(value: Any) -> str:
    """What is wrong with a value that was meant as YAML (`--config 'a={b: 1'` reaches us as text); else empty."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return ""
    try:
        yaml.safe_load(value)
    except yaml.YAMLError as error:
        return str(getattr(error, "problem", None) or error)
    return ""


def _plain_key(location: Sequence[Any], values: Any) -> Key:
    """The location without the tags that pydantic adds for unions: what exists, and one more."""
    key: list[str | int] = []
    for part in location:
        inside = isinstance(values, Mapping) or (isinstance(values, list) and isinstance(part, int))
        if not inside:
            break
        key.append(part)
        try:
            values = values[part]
        except (KeyError, IndexError):
            break
    return tuple(key)


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _fields_at(key: Key) -> list[str]:
    """The keys that the section at `key` knows."""
    annotation: Any = Config
    for part in key:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:
            annotation = typing.get_args(annotation)[-1]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return []


def locate(key: Key, values: Mapping[str, Any], files: Sequence[str | Path]) -> str:
    """`file:line` where the value of `key` was set last; "command line" when no file holds this value."""
    found = None
    for file in files:
        node = read_nodes(file, "configuration file")
        line, value = _find(node, key)
        if line is not None:
            found = (f"{file}:{line}", value)
    if found is None:
        return "command line" if _value_at(values, key) is not _ABSENT else str(files[0])
    # Mappings merge, so that the last file with one holds a part of it; all else is replaced.
    value = _value_at(values, key)
    merged = isinstance(found[1], dict) and isinstance(value, Mapping)
    same = merged or str(found[1]) == str(value)
    return found[0] if same else "command line"


_ABSENT = object()


def _value_at(values: Any, key: Key) -> Any:
    for part in key:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return values


def _find(node: yaml.Node | None, key: Key) -> tuple[int | None, Any]:
    """Line (from 1) of the entry at `key` below a YAML node, and its value."""
    line = 1
    for part in key:
        if isinstance(node, yaml.MappingNode):
            entry = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if entry is None:
                return None, None
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return None, None
    return line, yaml.SafeLoader("").construct_document(node) if node is not None else None
