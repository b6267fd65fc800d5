"""What is wrong with a call of Snakemake, said in one line before Snakemake says it in forty.

The default profile calls `prepare`: it is the first of ours that Snakemake reads, before it looks at `--config`.
"""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from panda.config.command_line import merge_settings, nested
from panda.config.load import read_yaml
from panda.core.errors import PandaError


def prepare() -> None:
    """Refuse what can only be a slip in this process's call of Snakemake, and let `--config` take dotted keys."""
    import snakemake.cli

    try:
        check(sys.argv[1:])
    except PandaError as error:
        sys.exit(f"error: {error}")
    snakemake.cli.parse_config = _with_dotted_keys(snakemake.cli.parse_config)


def parsed(words: Sequence[str]) -> Namespace:
    """The options of a call of Snakemake; its targets are `targets`."""
    from snakemake.cli import get_argument_parser

    return get_argument_parser().parse_known_args(list(words))[0]


def check(words: Sequence[str]) -> None:
    """Refuse targets that an option has taken for its own values, and configuration files that are none.

    Raises:
        PandaError: there are such.
    """
    options = parsed(words)
    for entry in options.config or []:
        if "=" not in entry:
            raise PandaError(
                _swallowed(entry, "--config", "a setting, but has no '='", options.config, words)
            )
    for path in options.configfile or []:
        if not Path(path).exists() and Path(path).suffix not in (".yaml", ".yml", ".json"):
            raise PandaError(
                _swallowed(str(path), "--configfile", "a file, and there is none", options.configfile, words)
            )
        read_yaml(path)


def _swallowed(entry: str, option: str, what: str, values: Sequence[Any], words: Sequence[str]) -> str:
    after = [str(value) for value in values]
    targets = after[after.index(entry) :]
    call = shlex.join(word for word in words if word not in targets)
    return (
        f"{option} takes {entry!r} for {what}; if it is a target, put -- before it: "
        f"snakemake {call} -- {shlex.join(targets)}"
    )


def _with_dotted_keys(parse: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """Snakemake's reading of `--config`, which knows one-level keys alone, for entries such as `train.batch_size=64`."""

    def value(key: str, text: str) -> Any:
        return parse([f"value={text}"])["value"]

    def read(entries: Any) -> dict[str, Any]:
        try:
            return merge_settings([nested(entry, "--config", value) for entry in entries or []])
        except PandaError as error:
            sys.exit(f"error: {error}")

    return read
