"""What is wrong with a call of Snakemake, said in one line before Snakemake says it in forty.

The default profile calls `prepare`: it is the first of ours that Snakemake reads, before it looks at `--config`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from panda.config.command_line import merge_settings, nested
from panda.config.load import presets, read_yaml
from panda.config.whole import RESERVED_RUNS, Config
from panda.core.errors import PandaError, did_you_mean


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
    """Refuse targets that an option has taken for its own values, configuration files that are none, and a cluster
    that is not here.

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
    _check_cluster(options)


def check_targets(words: Sequence[str], config: Config) -> None:
    """Refuse files of another run than that of `config`: no rule of this call makes them.

    Raises:
        PandaError: a target is one; the settings that make it are named.
    """
    for target in parsed(words).targets or []:
        relative = os.path.relpath(target)
        parts = Path(relative).parts
        if parts[:1] == ("results",) and Path(target).is_absolute():
            raise PandaError(f"{target}: rules know paths from the project's folder on; say {relative}")
        if parts[:1] != ("results",) or len(parts) < 3 or parts[1] in (config.run_name, *RESERVED_RUNS):
            continue
        raise PandaError(
            f"{target}: this call makes results/{config.run_name} (preset {config.preset}); "
            f"say --config {_settings_of(parts[1])}"
        )


def check_known(words: Sequence[str], rules: Sequence[Any]) -> None:
    """Refuse targets that are no rule, no file and nothing that a rule makes (`rules` are Snakemake's).

    Raises:
        PandaError: a target is none; a like one is named.
    """
    for target in parsed(words).targets or []:
        names = {rule.name for rule in rules}
        if target in names or Path(target).exists() or any(rule.is_producer(target) for rule in rules):
            continue
        named = (file for rule in rules for file in (*rule.products(), *rule.input))
        files = {file for file in named if isinstance(file, str) and "{" not in file}
        steps = "; docs/workflow.md lists the targets"
        like = did_you_mean(target, files if "/" in target else names, steps)
        raise PandaError(f"no rule makes {target!r}{like}")


def _settings_of(run: str) -> str:
    """What `--config` needs to name a run: the preset of that name, or the name and the preset of its last call."""
    if run in presets():
        return f"preset={run}"
    resolved = Path("results", run, "config.yaml")
    preset = read_yaml(resolved).get("preset") if resolved.exists() else None
    return f"preset={preset} run={run}" if preset else f"run={run}"


def _check_cluster(options: Namespace) -> None:
    """Refuse to submit jobs where nothing takes them.

    Raises:
        PandaError: SLURM, or Snakemake's plugin for it, is not installed.
    """
    if options.dryrun or options.unlock or _executor(options) != "slurm":
        return
    if find_spec("snakemake_executor_plugin_slurm") is None:
        raise PandaError("--profile slurm needs the extra 'slurm'; install it (pip install '.[slurm]')")
    if shutil.which("sbatch") is None:
        raise PandaError(
            "--profile slurm: no SLURM on this machine (no command sbatch); start it on a login node of a cluster, "
            "or leave the profile out to run the jobs here"
        )


def _executor(options: Namespace) -> str | None:
    """The executor that the command line asks for, or else the last profile that names one."""
    if options.executor:
        return options.executor
    files = [Path(profile, "config.yaml") for profile in options.profile or []]
    named = [read_yaml(file).get("executor") for file in files if file.is_file()]
    return next((executor for executor in reversed(named) if executor), None)


def _swallowed(entry: str, option: str, what: str, values: Sequence[Any], words: Sequence[str]) -> str:
    after = [str(value) for value in values]
    targets = after[after.index(entry) :]
    left_out = {*targets, *(() if targets != after else (option, "-C"))}
    call = shlex.join(word for word in words if word not in left_out)
    return (
        f"{option} takes {entry!r} for {what}; if it is a target, put -- before it: "
        f"{f'snakemake {call}'.strip()} -- {shlex.join(targets)}"
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
