"""The names of dysts' founders, without importing dysts (which takes seconds)."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

from panda.core.errors import PandaError


@cache
def founder_names() -> tuple[str, ...]:
    """Every continuous system of dysts without delay, sorted.

    Raises:
        PandaError: dysts is not installed.
    """
    found = importlib.util.find_spec("dysts")
    if found is None or found.origin is None:
        raise PandaError("dysts is not installed; run `make setup`, or install requirements.lock")
    text = (Path(found.origin).parent / "data" / "chaotic_attractors.json").read_text(encoding="utf-8")
    return tuple(sorted(name for name, entry in json.loads(text).items() if not entry.get("delay")))
