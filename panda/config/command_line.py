"""Settings given on the command line, one per word: `train.batch_size=64`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from panda.core.errors import PandaError

# A part of a key; in quotes it may hold dots: train.definitions."tall.model".n_steps
_PART = r"\"[^\"]+\"|'[^']+'|[^.\"']+"


def read_settings(entries: Sequence[str], option: str = "--set") -> dict[str, Any]:
    """What entries such as `train.batch_size=64` set, as nested mappings; of two for one key the later holds.

    `option` is what the entries were given to, for messages.

    Raises:
        PandaError: an entry is no KEY=VALUE, its value is no YAML, or two contradict one another.
    """
    return merge_settings([nested(entry, option, _yaml_value) for entry in entries])


def nested(entry: str, option: str, read: Callable[[str, str], Any]) -> dict[str, Any]:
    """One entry `a.b=VALUE` as `{"a": {"b": read("a.b", "VALUE")}}`.

    Raises:
        PandaError: the entry is no KEY=VALUE.
    """
    key, equals, text = entry.partition("=")
    if not equals or not re.fullmatch(rf"(?:{_PART})(?:\.(?:{_PART}))*", key):
        raise PandaError(f"command line: {option} {entry!r} is no KEY=VALUE, such as train.batch_size=64")
    value = read(key, text)
    for part in reversed(re.findall(_PART, key)):
        value = {part.strip("\"'"): value}
    return value


def merge_settings(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Settings one over the other.

    Raises:
        PandaError: one gives a key as a whole what another gives by the keys below it.
    """
    merged: dict[str, Any] = {}
    for more in settings:
        _merge_into(merged, more, "")
    return merged


def _merge_into(below: dict[str, Any], above: Mapping[str, Any], prefix: str) -> None:
    for key, value in above.items():
        old, name = below.get(key), f"{prefix}{key}"
        if key in below and isinstance(old, Mapping) != isinstance(value, Mapping):
            raise PandaError(
                f"command line: {name} is set as a whole and by the keys below it; set it in one way"
            )
        if isinstance(old, dict) and isinstance(value, Mapping):
            _merge_into(old, value, f"{name}.")
        else:
            below[key] = dict(value) if isinstance(value, Mapping) else value


def _yaml_value(key: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        raise PandaError(f"command line: {key}: not valid YAML: {text!r} ({reason})") from None
