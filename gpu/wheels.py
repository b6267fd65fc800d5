"""Collects the wheels that a machine without network will need. Imports nothing but the standard library."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gpu.machine import ROOT, needed, normal

# The systems that wheels are made for; pip takes each name literally.
_PLATFORMS = tuple(
    f"manylinux{name}_x86_64" for name in ("_2_28", "_2_27", "_2_24", "_2_17", "2014", "_2_12", "2010", "1")
)


def locked() -> dict[str, str]:
    """The version of every package in requirements.lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {normal(name): version for name, version in re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", text)}


def wanted(have: Sequence[str], only: Sequence[str]) -> list[str]:
    """What to collect, `name==version` each: all that is needed but `have`, or `only` these.

    Raises:
        KeyError: the lock does not know one of `only`.
    """
    versions, left_out = locked(), {normal(name) for name in have}
    names = [normal(name) for name in only] or [name for name in needed() if name not in left_out]
    return [f"{name}=={versions[name]}" for name in names]


def collect(folder: Path, packages: Sequence[str], *, python: str) -> int:
    """Let pip download wheels for Linux on x86-64; its exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    fixed = [
        "--no-deps",
        "--only-binary=:all:",
        "--implementation",
        "cp",
        "--disable-pip-version-check",
        "-q",
    ]
    command = [sys.executable, "-m", "pip", "download", *fixed, "--python-version", python, *platforms]
    return subprocess.run([*command, "--dest", str(folder), *packages], check=False).returncode
