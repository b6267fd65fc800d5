"""The configuration as the workflow resolved it, written for the jobs to read and for people."""

from __future__ import annotations

import hashlib
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
    text = _text(config)
    state = git_state()
    if state["commit"] is not None:
        changes = " with uncommitted changes" if state["dirty"] else ""
        text = f"{_COMMIT}{state['commit']}{changes}\n{text}"
    _write_if_other(path, text)


def write_by_content(config: Any, run: str | Path) -> None:
    """Write a configuration to its own file in the folder of a run (`path_by_content`), for the run's jobs.

    Other configurations have other files: a job that was given this one keeps reading it, whatever is resolved later.
    """
    _write_if_other(path_by_content(config, run), _text(config))


def path_by_content(config: Any, run: str | Path) -> Path:
    """Where the folder of a run keeps a configuration: `config/<digest>.yaml`."""
    return Path(run, "config", f"{digest(config)}.yaml")


def digest(config: Any) -> str:
    """Twelve hex digits over a configuration as it is written, without the commit: the same code and values, the same."""
    return hashlib.sha256(_text(config).encode()).hexdigest()[:12]


def commit_of(path: str | Path) -> str | None:
    """The commit that a resolved configuration says it is of, in its first line; None if it says none."""
    first = Path(path).read_text(encoding="utf-8").partition("\n")[0]
    words = first.removeprefix(_COMMIT).split() if first.startswith(_COMMIT) else []
    return words[0] if words else None


def _text(config: Any) -> str:
    # In the order of the values: where mappings are of free names, it is the order of models.
    return yaml.safe_dump({"resolved": True, **config.model_dump(mode="json")}, sort_keys=False)


def _write_if_other(path: str | Path, text: str) -> None:
    path = Path(path)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
