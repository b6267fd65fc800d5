"""Options that several commands share, and the two things every command does around its library call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from panda.config import Config
from panda.config.load import load_config
from panda.config.steps import STEPS
from panda.core.errors import PandaError

ConfigFile = Annotated[
    Path, typer.Option("--config", help="config.yaml, or the resolved one of a run", metavar="FILE")
]
Library = Annotated[Path, typer.Option(help="folder of the compiled founders", metavar="DIR")]
Output = Annotated[Path, typer.Option(help="file to write", metavar="FILE")]
Files = Annotated[list[Path], typer.Argument(help="input files", metavar="FILE...")]
Shard = Annotated[int, typer.Option(help="which shard, from 0", min=0)]

DEFAULT_CONFIG = Path("config.yaml")
DEFAULT_LIBRARY = Path(".cache/founders")
SOURCE = Path(__file__).resolve().parents[2]


def load(path: Path) -> Config:
    """The configuration a command works with."""
    return load_config(path)


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
    from panda.core.provenance import SUFFIX, hash_of, processor, provenance, sha256, versions
    from panda.core.resolved import digest

    parts = STEPS[step].section(config, *reads) | dict(content or {})
    version, key = code_version([*STEPS[step].code, *code], SOURCE), None
    if STEPS[step].shared and reuse.is_on() and all(Path(path).is_file() for path in inputs):
        made_from = [sha256(path) for path in inputs]
        key = hash_of([step, part, parts, config.seed, version, made_from, versions(), processor()])
        if reuse.fetch(key, outputs):
            yield {"reused": True}
            return
    with provenance(outputs, inputs=inputs, section=parts, seed=config.seed, code=version) as extra:
        extra["whole_config"] = digest(config)
        yield extra
    if key is not None:
        reuse.keep(key, outputs, [".csv", *(path.suffix + SUFFIX for path in outputs)])
