"""The names of dysts' founders, without importing dysts (which takes seconds)."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from panda.core.errors import PandaError


@cache
def founder_names() -> tuple[str, ...]:
    """Every continuous system of dysts, sorted.

    Raises:
        PandaError: dysts is not installed.
    """
    return tuple(sorted(_metadata()))


@cache
def delayed_names() -> frozenset[str]:
    """Those with a delay, which are in no skew product (spec 1.1)."""
    return frozenset(name for name, entry in _metadata().items() if entry.get("delay"))


def without_delay(names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that a skew product may be made of, in their order."""
    return tuple(name for name in names if name not in delayed_names())


def _metadata() -> dict[str, dict[str, object]]:
    found = importlib.util.find_spec("dysts")
    if found is None or found.origin is None:
        raise PandaError("dysts is not installed; run `make setup`, or install requirements.lock")
    text = (Path(found.origin).parent / "data" / "chaotic_attractors.json").read_text(encoding="utf-8")
    return json.loads(text)
