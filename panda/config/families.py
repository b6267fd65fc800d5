"""Families of founders: near relatives by their equations, from the reviewed list in families.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from panda.core.errors import PandaError

_FILE = Path(__file__).with_name("families.yaml")


@cache
def families() -> dict[str, dict[str, str]]:
    """Every family: its founders, each with the reason why it is there.

    Raises:
        PandaError: a founder is in two families.
    """
    listed = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    found = {family: dict(entry["founders"]) for family, entry in listed.items()}
    seen: dict[str, str] = {}
    for family, members in found.items():
        for name in members:
            if name in seen:
                raise PandaError(f"{_FILE.name}: {name} is in {seen[name]} and in {family}; one is enough")
            seen[name] = family
    return found


@cache
def family_of(founder: str) -> str:
    """The family of a founder of dysts; its own name if it has no relatives."""
    return next((family for family, members in families().items() if founder in members), founder)
