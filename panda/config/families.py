"""Families of founders: relatives by their equations, and twins among them, from the reviewed list in families.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from panda.core.errors import PandaError

_FILE = Path(__file__).with_name("families.yaml")


@cache
def families() -> dict[str, dict[str, str]]:
    """Every family: its founders, each with the reason why it is there.

    Raises:
        PandaError: a founder is in two families.
    """
    found = {family: dict(entry["founders"]) for family, entry in _listed().items()}
    seen: dict[str, str] = {}
    for family, members in found.items():
        for name in members:
            if name in seen:
                raise PandaError(f"{_FILE.name}: {name} is in {seen[name]} and in {family}; one is enough")
            seen[name] = family
    return found


@cache
def twins() -> dict[str, frozenset[str]]:
    """Of every founder that has a twin: its twins.

    Twins have the same equations, at the same or at other parameters, in the same or in linearly mixed
    coordinates. A founder is in one set of twins at most, and so its twins are each other's.

    Raises:
        PandaError: a set holds a founder of another family, or one that is in another set.
    """
    found: dict[str, frozenset[str]] = {}
    for family, entry in _listed().items():
        for group in entry.get("twins", ()):
            members = frozenset(group["founders"])
            for name in sorted(members):
                if name not in entry["founders"] or name in found:
                    raise PandaError(f"{_FILE.name}: twin {name} is in no or another list of {family}")
                found[name] = members - {name}
    return found


@cache
def _listed() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))


@cache
def family_of(founder: str) -> str:
    """The family of a founder of dysts; its own name if it has no relatives."""
    return next((family for family, members in families().items() if founder in members), founder)
