"""Reading config.yaml and its overlays, and saying where a wrong value stands."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from panda.config.pretrained import REVISION_PATTERN, SHA256_PATTERN
from panda.config.types import PATH_PATTERN
from panda.config.whole import Config
from panda.core.baseline_files import read_baselines
from panda.core.checkout import advice_without_configuration
from panda.core.errors import PandaError, did_you_mean
from panda.core.names import NAME_PATTERN
from panda.core.resolved import commit_of
from panda.core.yaml_file import read_nodes, read_values

Key = tuple[str | int, ...]
BASE = Path("config.yaml")


class Layers(NamedTuple):
    """Merged values, and what they were merged from: files, lowest first, and over them the command line."""

    values: Mapping[str, Any]
    files: Sequence[str | Path]
    given: Mapping[str, Any]


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        PandaError: no such file, or no YAML mapping; the line is named.
    """
    if not Path(path).exists():
        raise PandaError(f"{path}: no such configuration file; {advice_without_configuration()}")
    value = read_values(path, "configuration file")
    if not isinstance(value, dict):
        raise PandaError(f"{path}: the file must hold a mapping of keys to values")
    return value


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with `above` on top: mappings merge, everything else (lists too) is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = overlay(old, value)
        merged[key] = value
    return merged


def preset_file(preset: Any, root: str | Path = ".") -> str:
    """The path of a preset's file.

    Raises:
        PandaError: there is no such preset; the nearest one is named.
    """
    folder, known = Path(root) / "presets", presets(root)
    if str(preset) not in known:
        raise PandaError(
            f"preset: no preset {preset!r}{did_you_mean(str(preset), known)}; known: {', '.join(known)}"
        )
    return str(folder / f"{preset}.yaml")


def presets(root: str | Path = ".") -> list[str]:
    """The names of the presets, sorted."""
    return sorted(path.stem for path in (Path(root) / "presets").glob("*.yaml"))


def load_config(
    files: str | Path | Sequence[str | Path],
    *,
    preset: str | None = None,
    given: Mapping[str, Any] | None = None,
    baselines: Sequence[str] | None = None,
) -> Config:
    """The configuration in one or more files, for commands used by hand, with presets/<preset>.yaml over the first.

    Layers as the workflow has them, each over the one before: the first file, its preset (`preset`, or what `given`,
    the last file that names one, or the first says), the other files, `given` (the command line). A first file
    that is not whole is such another file, over the config.yaml of this folder; a resolved configuration
    (results/<run>/config.yaml) is taken as it stands. `baselines`: see `validate`.
    """
    paths = [Path(file) for file in ([files] if isinstance(files, str | Path) else files)]
    read = [read_yaml(path) for path in paths]
    resolved = bool(read[0].pop("resolved", False))
    if not resolved and _is_part(paths[0], read[0]):
        paths, read = [BASE, *paths], [read_yaml(BASE), *read]
    for values in read[1:]:
        values.pop("resolved", None)
    above = [*read[1:], given or {}, {"preset": preset}]
    names = [values["preset"] for values in above if values.get("preset") is not None]
    if names or not resolved:
        name = names[-1] if names else read[0].get("preset")
        file = Path(preset_file(name, _presets_beside(paths[0])))
        paths, read = [paths[0], file, *paths[1:]], [read[0], read_yaml(file), *read[1:]]
    values: dict[str, Any] = reduce(overlay, [*read, dict(given or {})])
    if names:
        values["preset"] = names[-1]
    return validate(values, paths, given=given, baselines=baselines, resolved=resolved)


def _is_part(path: Path, values: Mapping[str, Any]) -> bool:
    """Whether a file holds some keys of a configuration, to be laid over the config.yaml of this folder.

    Raises:
        PandaError: it does, and here is none.
    """
    sections = [name for name, field in Config.model_fields.items() if field.is_required()]
    missing = [name for name in sections if name not in values]
    if not missing or (BASE.exists() and path.samefile(BASE)) or path.name == BASE.name:
        return False
    if not BASE.exists():
        raise PandaError(
            f"{path}: has not all of a configuration (no {missing[0]!r}), and {Path.cwd()} holds no {BASE} to lay it "
            f"over; change to the project's folder, or give that one first: --config FILE --config {path}"
        )
    return True


def _presets_beside(path: Path) -> Path:
    return path.parent if (path.parent / "presets").is_dir() else Path()


def validate(
    values: Mapping[str, Any],
    files: Sequence[str | Path],
    *,
    given: Mapping[str, Any] | None = None,
    baselines: Sequence[str] | None = None,
    resolved: bool = False,
) -> Config:
    """Check merged values; `files`, lowest first, are re-read to say where a wrong one stands.

    `given`: the values among them that the command line gave. Without it they are those that no file holds.
    `baselines`: the baselines there are, to hold the names of forecasters against; None leaves them unchecked.
    `resolved`: the first file was written by a run, so that other keys than ours mean that other code wrote it.

    Raises:
        PandaError: one line per problem: file and line (or "command line"), key, what is wrong, nearest key; one line
            for all keys of a resolved configuration of other code, with its commit.
    """
    layers = Layers(values, files, given or {})
    try:
        config = Config.model_validate(dict(values))
    except ValidationError as error:
        if resolved:
            _check_same_code(error.errors(), layers)
        lines = [_explain(problem, layers) for problem in error.errors()]
        raise PandaError("\n".join(dict.fromkeys(lines))) from None
    if baselines is not None:
        _check_forecasters(config, baselines, layers)
    return config


def _check_forecasters(config: Config, baselines: Sequence[str], layers: Layers) -> None:
    """Refuse a forecaster that is neither model nor baseline, and a model with the name of a baseline.

    Raises:
        PandaError: there is one.
    """
    own = [name for path in config.baselines.own for name in read_baselines(path).baselines]
    baselines = [*baselines, *own]
    for name in config.named_models():
        if name in baselines:
            where = locate(("train", "definitions", name), layers)
            raise PandaError(
                f"{where}: train.definitions: {name!r} is the name of a baseline; give the model another"
            )
    for name in config.pretrained:
        if name in baselines or "." in name:
            where = locate(("pretrained", name), layers)
            wrong = "is the name of a baseline" if name in baselines else "has a dot"
            raise PandaError(f"{where}: pretrained: {name!r} {wrong}; give the model another")
    known = [*config.named_models(), *config.pretrained, *baselines]
    for stage, names in config.forecasters().items():
        for name in names:
            if name not in known:
                where = locate((*stage.split("."), "forecasters"), layers)
                raise PandaError(
                    f"{where}: {stage}.forecasters: no model or baseline {name!r}{did_you_mean(name, known)}; "
                    f"baselines: {', '.join(baselines)}"
                )


def _check_same_code(problems: Sequence[Any], layers: Layers) -> None:
    """Refuse a resolved configuration that lacks keys of ours, or has others.

    Raises:
        PandaError: it does; its commit is named, if it says one.
    """
    words = {"missing": "lacks", "extra_forbidden": "has the unknown key"}
    file, wrong = layers.files[0], [problem for problem in problems if problem["type"] in words]
    located = [(words[problem["type"]], _plain_key(problem["loc"], layers.values)) for problem in wrong]
    keys = [
        f"{word} {'.'.join(map(str, key))}"
        for word, key in located
        if not layers.given or locate(key, layers) != COMMAND_LINE
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


def _explain(problem: Any, layers: Layers) -> str:
    of_key = problem["loc"][-1:] == (
        "[key]",
    )  # pydantic's word for a mapping's key, where its value is no matter
    key = _plain_key(problem["loc"][:-1] if of_key else problem["loc"], layers.values)
    name = ".".join(_shown(part) for part in (key[:-1] if of_key else key))
    message = problem["msg"].removeprefix("Value error, ")
    where = _culprit(key, message, layers)
    broken = _broken_yaml(problem["input"])
    if broken:
        message = f"not valid YAML: {problem['input']!r} ({broken})"
    elif problem["type"] == "string_pattern_mismatch":
        message = f"{_ALLOWED[problem['ctx']['pattern']]} (got {problem['input']!r})"
    elif problem["type"] == "extra_forbidden":
        message = f"unknown key{did_you_mean(str(key[-1]), _fields_at(key[:-1]))}"
    elif problem["type"] == "missing":
        message = "is missing; copy its line from config.yaml"
    elif problem["type"] != "value_error":
        message = f"{message[:1].lower()}{message[1:]} (got {problem['input']!r})"
    return f"{where}: {name}: {message}" if name else f"{where}: {message}"


# What a pattern asks for, in words.
_ALLOWED = {
    NAME_PATTERN: "letters, digits, '.', '_' and '-' only, a letter or digit first",
    PATH_PATTERN: "a path, not empty and without line breaks, tabs and the like",
    REVISION_PATTERN: "a commit, tag or branch",
    SHA256_PATTERN: "64 hexadecimal digits",
}


def _shown(part: str | int) -> str:
    """A part of a key as a message shows it: quoted where it is none of ours, so that the message stays one line."""
    return str(part) if re.fullmatch(NAME_PATTERN, str(part)) else repr(part)


def _culprit(key: Key, message: str, layers: Layers) -> str:
    """Where the value stands that a problem is about.

    A problem of several values is reported at the section that holds them, and its message names them. What was
    set last among them, on the command line before any file, is what the user has just changed.
    """
    if not isinstance(_value_at(layers.values, key), Mapping):
        return locate(key, layers)
    named: list[Key] = []
    for word in re.findall(r"\w+(?:\.\w+)*", message):
        for base in ((*key,), (), named[-1] if named else ()):
            path = (*base, *word.split("."))
            if _value_at(layers.values, path) is not _ABSENT:
                named.append(path)
                break
    leaves = [path for path in named if not isinstance(_value_at(layers.values, path), Mapping)]
    places = [locate(path, layers) for path in leaves or named or [key]]
    order = [*map(str, layers.files), COMMAND_LINE]
    return max(places, key=lambda place: order.index(place.rsplit(":", 1)[0]))


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


def locate(key: Key, layers: Layers) -> str:
    """`file:line` where the value of `key` was set last; "command line" when it was there, or no file holds this value.

    A key that is nowhere is missing from the mapping that should hold it: the place is that of the mapping, where it
    was set first.
    """
    value = _value_at(layers.values, key)
    if value is _ABSENT:
        return _place_of_mapping(key[:-1], layers)
    if _value_at(layers.given, key) is not _ABSENT:
        return COMMAND_LINE
    found = None
    for file in layers.files:
        line, text = _find(read_nodes(file, "configuration file"), key)
        if line is not None:
            found = (f"{file}:{line}", text)
    if found is None:
        return COMMAND_LINE
    # Mappings merge, so that the last file with one holds a part of it; all else is replaced.
    merged = isinstance(found[1], dict) and isinstance(value, Mapping)
    return found[0] if merged or str(found[1]) == str(value) else COMMAND_LINE


def _place_of_mapping(key: Key, layers: Layers) -> str:
    if not key:
        return str(layers.files[0])
    for file in layers.files:
        line, _ = _find(read_nodes(file, "configuration file"), key)
        if line is not None:
            return f"{file}:{line}"
    return COMMAND_LINE


COMMAND_LINE = "command line"
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
            entry = node.value[part]
            line, node = entry.start_mark.line + 1, entry
        else:
            return None, None
    return line, yaml.SafeLoader("").construct_document(node) if node is not None else None
