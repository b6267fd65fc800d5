"""Options that several commands share, and the two things every command does around its library call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from panda.config import Config
from panda.config.command_line import read_settings
from panda.config.load import BASE, load_config
from panda.config.steps import STEPS
from panda.core.errors import PandaError


@dataclass(frozen=True)
class ConfigFile:
    """What the configuration of a command is read from: files, each over the one before, and settings over all."""

    files: tuple[Path, ...]
    settings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self.files))


Library = Annotated[Path, typer.Option(help="folder of the compiled founders", metavar="DIR")]
Output = Annotated[Path, typer.Option(help="file to write", metavar="FILE")]
Files = Annotated[list[Path], typer.Argument(help="input files", metavar="FILE...")]
Shard = Annotated[int, typer.Option(help="which shard, from 0", min=0)]

DEFAULT_CONFIG = ConfigFile((BASE,))
DEFAULT_LIBRARY = Path(".cache/founders")
SOURCE = Path(__file__).resolve().parents[2]


def load(config: ConfigFile, *, preset: str | None = None, baselines: Sequence[str] | None = None) -> Config:
    """The configuration a command works with; `preset` and `baselines` as in `load_config`."""
    return load_config(config.files, preset=preset, given=read_settings(config.settings), baselines=baselines)


_Files = Annotated[
    list[Path],
    typer.Option(
        "--config",
        "--configfile",
        help="config.yaml, the resolved one of a run, or lines of your own over config.yaml; repeatable",
        metavar="FILE",
    ),
]
_Settings = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="one value over those of the files (train.batch_size=64); repeatable",
        metavar="KEY=VALUE",
    ),
]


def accept_settings(app: typer.Typer) -> None:
    """Give every command of `app` that reads a configuration its options: `--config` and `--set`, both repeatable."""
    for group in app.registered_groups:
        if group.typer_instance is not None:
            accept_settings(group.typer_instance)
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _with_settings(command.callback)


def _with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    hints = get_type_hints(command, include_extras=True)
    name = next((name for name, kind in hints.items() if kind is ConfigFile), None)
    if name is None:
        return command

    @wraps(command)
    def run(*, settings: list[str], **words: Any) -> Any:
        words[name] = ConfigFile(tuple(words[name]), tuple(settings))
        return command(**words)

    signature = inspect.signature(command)
    own = [parameter.replace(annotation=hints[key]) for key, parameter in signature.parameters.items()]
    index = list(signature.parameters).index(name)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own[index : index + 1] = [
        inspect.Parameter(name, kind, default=list(DEFAULT_CONFIG.files), annotation=_Files),
        inspect.Parameter("settings", kind, default=[], annotation=_Settings),
    ]
    run.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
    return run


def check_shard(shard: int, n_shards: int, key: str) -> None:
    """Refuse a shard that the configuration has not.

    Raises:
        PandaError: there are only `n_shards`, the value of `key`.
    """
    if shard >= n_shards:
        raise PandaError(
            f"--shard {shard} is outside 0..{n_shards - 1}: {key} is {n_shards} in this configuration"
        )


def check_all_there(found: Iterable[str], wanted: Sequence[str], *, what: str, key: str) -> None:
    """Refuse if something that the configuration asks for is in no file given.

    Raises:
        PandaError: some of `wanted`, the value of `key`, are not in `found`.
    """
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise PandaError(
            f"{what}: {key} asks for {len(wanted)}, and {len(missing)} of them are in none of the files given: "
            f"{'; '.join(missing)}"
        )


@contextmanager
def recorded(
    step: str,
    config: Config,
    outputs: Sequence[Path],
    *,
    inputs: Sequence[Path],
    reads: Sequence[str] = (),
    code: Sequence[str] = (),
    content: Mapping[str, Any] | None = None,
    part: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Do the work of a step (`panda.config.steps`), and leave a provenance record beside its first output.

    `reads`, `code` and `content` are what it depends on for a name that it was given: a model, a forecaster, a figure.
    Of a step that is `shared`, with `part` its shard, outputs that another run has made of the same are put in place,
    with their record; what is yielded has `reused` then, and there is nothing to do.
    """
    from panda.core import reuse
    from panda.core.code_version import code_version
    from panda.core.digest import sha256
    from panda.core.provenance import SUFFIX, hash_of, processor, provenance, versions
    from panda.core.resolved import digest

    own = STEPS[step].section(config, *reads) | dict(content or {})
    version, key = code_version([*STEPS[step].code, *code], SOURCE), None
    if STEPS[step].shared and reuse.is_on() and all(Path(path).is_file() for path in inputs):
        made_from = [sha256(path) for path in inputs]
        key = hash_of([step, part, own, config.seed, version, made_from, versions(), processor()])
        if reuse.fetch(key, outputs):
            yield {"reused": True}
            return
    with provenance(outputs, inputs=inputs, section=own, seed=config.seed, code=version) as extra:
        extra["whole_config"] = digest(config)
        yield extra
    if key is not None:
        reuse.keep(key, outputs, [".csv", *(path.suffix + SUFFIX for path in outputs)])
