"""What the file of a baseline says of what is in it, read without running it: a dry run needs no library of a baseline.

Such a file has two literals at its first level: `BASELINES`, a description of each baseline by name, and, where they have
numbers, `SETTINGS`, the type of each. The numbers themselves stand in the configuration.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from panda.core.importing import shown
from panda.core.names import NAME_PATTERN

FOLDER = Path(__file__).resolve().parents[2] / "baselines"


@dataclass(frozen=True)
class Baseline:
    """One baseline.

    `file` is where it is; `reads` are keys of the configuration that its forecasts depend on beside its own settings,
    `extra` the optional dependencies it is installed with, without which an `optional` one is left out, others refused.
    Where it is `trained`, its file has `fit`. The rest is for readers: `label` and `colour` (#rrggbb; none: one by its
    name) in figures and tables, `idea`, `channels` (each on its own or jointly), what it `learns_from`, its `weights`,
    `licence` and `source`.
    """

    file: Path
    label: str
    idea: str
    licence: str
    channels: str = "each"
    learns_from: str = "the context"
    weights: str = "none"
    source: str = ""
    colour: str = ""
    reads: tuple[str, ...] = ()
    trained: bool = False
    extra: str = ""
    optional: bool = False


@dataclass(frozen=True)
class BaselineFile:
    """The baselines of one file, and the types of the settings that they share, by name."""

    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def is_baseline(path: Path) -> bool:
    """Whether a file of ours describes baselines, as its text says: others beside it serve them."""
    return re.search(r"^BASELINES\b", path.read_text(encoding="utf-8", errors="replace"), re.M) is not None


@cache
def read_baselines(path: str | Path) -> BaselineFile:
    """What a baseline's file says of itself.

    Raises:
        ValueError: one line with the file: it cannot be read, is no Python, describes no baseline, or not as it must.
    """
    path = Path(path)
    where = shown(path)
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{where}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{where}{line}: not Python ({getattr(error, 'msg', error)})") from None
    described, settings = (_literal(where, tree, name) for name in ("BASELINES", "SETTINGS"))
    if not described:
        raise ValueError(f"{where}: describes no baseline; see baselines/README.md")
    return BaselineFile({name: _described(path, name, value) for name, value in described.items()}, settings)


@cache
def described_here() -> dict[str, Baseline]:
    """The baselines of our own folder, for readers; files that cannot be read are left out."""
    found: dict[str, Baseline] = {}
    for path in filter(is_baseline, sorted(FOLDER.glob("*.py"))):
        try:
            found |= read_baselines(path).baselines
        except ValueError:
            continue
    return found


def _literal(where: str, tree: ast.Module, name: str) -> dict[str, Any]:
    for node in (node for node in tree.body if isinstance(node, ast.Assign)):
        if any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                value = None
            if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
                raise ValueError(
                    f"{where}:{node.lineno}: {name} must be a literal dict with names as its keys"
                )
            return value
    return {}


def _described(path: Path, name: str, value: Any) -> Baseline:
    known = {one.name for one in fields(Baseline)} - {"file"}
    needed = {"label", "idea", "licence"}
    if not re.fullmatch(NAME_PATTERN, name):
        raise ValueError(f"{shown(path)}: {name!r} is no name: letters, digits, '.', '_' and '-' only")
    if not isinstance(value, dict) or set(value) - known or needed - set(value):
        raise ValueError(
            f"{shown(path)}: BASELINES[{name!r}] needs {', '.join(sorted(needed))}; it may say "
            f"{', '.join(sorted(known - needed))}"
        )
    given: dict[str, Any] = {key: tuple(part) if key == "reads" else part for key, part in value.items()}
    return Baseline(file=path, **given)
