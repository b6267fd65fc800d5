"""All baselines by name: those of our own folder, and those in the user's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from panda.core.baseline_files import FOLDER, Baseline, described_here, is_baseline, read_baselines
from panda.core.importing import shown


def read_all(own: Iterable[str | Path] = ()) -> dict[str, Baseline]:
    """The baselines of our own folder and of the user's `own` files.

    Raises:
        ValueError: one line: a file does not describe itself, or two files have a baseline of the same name.
    """
    ours = filter(is_baseline, sorted(FOLDER.glob("*.py")))
    return _joined(read_baselines(path).baselines for path in (*ours, *own))


def describe_all(own: Iterable[str | Path] = ()) -> dict[str, Baseline]:
    """As `read_all`, without those of our own files that cannot be read.

    Raises:
        ValueError: one line: a file of the user's does not describe itself, or two files have a baseline of the same
            name.
    """
    return _joined([described_here(), *(read_baselines(path).baselines for path in own)])


def _joined(files: Iterable[Mapping[str, Baseline]]) -> dict[str, Baseline]:
    found: dict[str, Baseline] = {}
    for baselines in files:
        for name, one in baselines.items():
            if name in found:
                raise ValueError(
                    f"there are two baselines {name!r}, in {shown(found[name].file)} and in {shown(one.file)}; "
                    "give one of them another name"
                )
            found[name] = one
    return found
