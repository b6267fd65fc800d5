"""All baselines by name: those of our own folder, and those in the user's files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from panda.core.baseline_files import FOLDER, Baseline, described_here, is_baseline, read_baselines
from panda.core.importing import shown

_OWN: ContextVar[tuple[str, ...]] = ContextVar("own baselines", default=())


def read_all(own: Iterable[str | Path] = ()) -> dict[str, Baseline]:
    """The baselines of our own folder and of the user's `own` files.

    Raises:
        ValueError: one line: a file does not describe itself, two files have a baseline of the same name, or a label or
            a colour is none.
    """
    ours = filter(is_baseline, sorted(FOLDER.glob("*.py")))
    return _joined(read_baselines(path).baselines for path in (*ours, *own))


def describe_all(own: Iterable[str | Path] = ()) -> dict[str, Baseline]:
    """As `read_all`, without those of our own files that cannot be read.

    Raises:
        ValueError: one line: a file of the user's does not describe itself, two files have a baseline of the same
            name, or a label or a colour is none.
    """
    return _joined([described_here(), *(read_baselines(path).baselines for path in own)])


@contextmanager
def knowing(own: Iterable[str]) -> Iterator[None]:
    """Inside, `described` knows the user's `own` files as well: figures and tables ask for labels by name alone."""
    token = _OWN.set(tuple(own))
    try:
        yield
    finally:
        _OWN.reset(token)


def described(name: str) -> Baseline | None:
    """What the file of a baseline says of it; None if no baseline has this name."""
    return describe_all(_OWN.get()).get(name)


def _joined(files: Iterable[Mapping[str, Baseline]]) -> dict[str, Baseline]:
    found: dict[str, Baseline] = {}
    for baselines in files:
        for name, one in baselines.items():
            if name in found:
                raise ValueError(
                    f"there are two baselines {name!r}, in {shown(found[name].file)} and in {shown(one.file)}; "
                    "give one of them another name"
                )
            if not isinstance(one.label, str) or not one.label.strip():
                raise ValueError(f"{shown(one.file)}: the label of {name!r} is {one.label!r}; give it a text")
            if one.colour and not re.fullmatch(r"#[0-9a-fA-F]{6}", str(one.colour)):
                raise ValueError(
                    f"{shown(one.file)}: the colour of {name!r} is {one.colour!r}; write it as #rrggbb"
                )
            found[name] = one
    return found
