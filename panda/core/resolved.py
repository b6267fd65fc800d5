"""The configuration as the workflow resolved it, written for the jobs to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from panda.core.files import write_text


def write_resolved(config: Any, path: str | Path) -> None:
    """Write a configuration (a pydantic model) as YAML with `resolved: true`; unchanged content is left alone."""
    text = yaml.safe_dump({"resolved": True, **config.model_dump(mode="json")}, sort_keys=False)
    path = Path(path)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
