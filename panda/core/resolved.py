"""The configuration as the workflow resolved it, written for the jobs to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from panda.core.files import write_text
from panda.core.provenance import git_state

# Of the first line, a comment: so that the code of that commit, which knows no such key, loads the file.
_COMMIT = "# commit: "


def write_resolved(config: Any, path: str | Path) -> None:
    """Write a configuration (a pydantic model) as YAML with `resolved: true`; unchanged content is left alone.

    Its first line says the commit of the code whose keys it has, where there is one.
    """
    text = yaml.safe_dump({"resolved": True, **config.model_dump(mode="json")}, sort_keys=False)
    state = git_state()
    if state["commit"] is not None:
        changes = " with uncommitted changes" if state["dirty"] else ""
        text = f"{_COMMIT}{state['commit']}{changes}\n{text}"
    path = Path(path)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def commit_of(path: str | Path) -> str | None:
    """The commit that a resolved configuration says it is of, in its first line; None if it says none."""
    first = Path(path).read_text(encoding="utf-8").partition("\n")[0]
    words = first.removeprefix(_COMMIT).split() if first.startswith(_COMMIT) else []
    return words[0] if words else None
