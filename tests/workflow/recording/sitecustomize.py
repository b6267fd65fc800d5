"""Python runs this at its start where this folder is on its path: it records which keys each command reads.

A job is `python -m panda ...`; when it ends, the keys stand in a file of their own in `PANDA_RECORD_READS`, with the step
that it carried out and what it declared for it. Only what is read of the configuration counts, not what is written of it:
provenance, digests, sections.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = os.environ.get("PANDA_RECORD_READS")
PATHS: dict[int, str] = {}  # of every section of the configuration, by identity
KEPT: list[Any] = []  # so that no identity is given away
FOUND: dict[str, Any] = {"step": None, "reads": set(), "declared": [], "content": []}
PAUSED = [True]


@contextmanager
def paused():
    PAUSED.append(True)
    try:
        yield
    finally:
        PAUSED.pop()


def within_pause(function):
    def wrapped(*args, **options):
        with paused():
            return function(*args, **options)

    return wrapped


def replace(function, other) -> None:
    """Put `other` in the place of a function wherever a module of ours has it by its name."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "panda" and getattr(module, function.__name__, None) is function:
            setattr(module, function.__name__, other)


def install() -> None:
    from panda.cli import options
    from panda.config import steps, types
    from panda.core import resolved

    def register(section: Any, path: str) -> None:
        PATHS[id(section)] = path
        KEPT.append(section)
        for name in type(section).model_fields:
            value = section.__dict__[name]
            below = f"{path}.{name}".lstrip(".")
            if isinstance(value, types.Section):
                register(value, below)
            elif isinstance(value, dict):
                for key, item in value.items():
                    if isinstance(item, types.Section):
                        register(item, f"{below}.{key}")

    def note(path: str, name: str, value: Any) -> None:
        sections = isinstance(value, types.Section) or (
            isinstance(value, dict) and any(isinstance(item, types.Section) for item in value.values())
        )
        if not sections:
            FOUND["reads"].add(f"{path}.{name}".lstrip("."))

    def read(self, name):
        value = object.__getattribute__(self, name)
        if not PAUSED[-1] and name in type(self).model_fields:
            path = PATHS.get(id(self))
            if path is not None:
                note(path, name, value)
        return value

    def dump(self, *args, **options):
        if not PAUSED[-1]:
            read_all(self, options.get("include"))
        return whole_dump(self, *args, **options)

    def read_all(section, include):
        for name in include or type(section).model_fields:
            value = read(section, name)
            inner = value.values() if isinstance(value, dict) else [value]
            for part in inner:
                if isinstance(part, types.Section):
                    read_all(part, None)

    def copy(self, *args, **options):
        copied = whole_copy(self, *args, **options)
        if id(self) in PATHS and not PAUSED[-1]:
            PATHS[id(copied)] = PATHS[id(self)]
            KEPT.append(copied)
        return copied

    whole_dump, whole_copy = types.Section.model_dump, types.Section.model_copy
    types.Section.__getattribute__ = read
    types.Section.model_dump = dump
    types.Section.model_copy = copy
    load, recorded = options.load, options.recorded

    def loaded(path):
        config = load(path)
        register(config, "")
        PAUSED.clear()
        PAUSED.append(False)
        return config

    @contextmanager
    def noted(step, config, outputs, *, reads=(), content=None, **others):
        FOUND.update(step=step, declared=list(reads), content=sorted(content or {}))
        with paused():
            record = recorded(step, config, outputs, reads=reads, content=content, **others)
            yielded = record.__enter__()
        try:
            yield yielded
        except BaseException:
            if not record.__exit__(*sys.exc_info()):
                raise
        else:
            with paused():
                record.__exit__(None, None, None)

    # Commands have these by name already.
    replace(load, loaded)
    replace(recorded, noted)
    for function in (steps.trained, steps.forecaster, resolved.digest):
        replace(function, within_pause(function))
    steps.Step.section = within_pause(steps.Step.section)

    def write() -> None:
        if FOUND["step"] is not None:
            content = FOUND | {"reads": sorted(FOUND["reads"])}
            Path(FOLDER, f"{secrets.token_hex(8)}.json").write_text(json.dumps(content))

    atexit.register(write)


if FOLDER and sys.orig_argv[1:3] == ["-m", "panda"]:
    install()
