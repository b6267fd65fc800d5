"""`python -m gpu`: the command line. Until the machine has all that is needed it uses the standard library alone."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from gpu import machine, wheels


def main(words: list[str]) -> None:
    """Collect wheels, run, or unpack."""
    given = _parser().parse_args(words)
    os.chdir(machine.ROOT)
    if given.command == "wheels":
        _collect(given)
    elif given.command == "run":
        _prepare(given, words)
        _guarded(_run, given)
    else:
        _guarded(_unpack, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gpu", description="Training on a bare machine: docs/gpu.md"
    )
    commands = parser.add_subparsers(dest="command", required=True)

    one = commands.add_parser("run", help="integrate, train and score, as far as the minutes go")
    one.add_argument("--minutes", type=float, default=25.0, help="minutes of this call (25)")
    one.add_argument(
        "--reserve", type=float, default=3.0, help="of these, minutes for scores and packing (3)"
    )
    one.add_argument("--out", type=_folder, required=True, help="folder for the summary and the pieces")
    one.add_argument("--resume", type=_folder, help="folder with the pieces of an earlier call")
    one.add_argument("--wheels", type=_folder, help="folder of wheels to install for this command alone")
    one.add_argument(
        "--cores", type=int, default=len(os.sched_getaffinity(0)), help="cores to integrate on (all)"
    )
    one.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="what to train on (cuda)")
    one.add_argument(
        "--pack",
        choices=("state", "weights", "nothing"),
        default="state",
        help="what to leave in pieces (state)",
    )
    one.add_argument("--piece-mib", type=int, default=15, help="most MiB of a piece (15)")
    one.add_argument("--preset", default="gpu", help="which of presets/ (gpu)")
    one.add_argument(
        "--config", type=_folder, action="append", default=[], help="lines over config.yaml; repeatable"
    )
    one.add_argument(
        "--set", action="append", default=[], help="one value over all files: KEY=VALUE; repeatable"
    )

    two = commands.add_parser("wheels", help="collect wheels, on a machine with network")
    two.add_argument("--to", type=_folder, required=True, help="folder to put them in")
    two.add_argument("--python", default="3.12", help="the other machine's Python (3.12)")
    two.add_argument("--have", nargs="+", default=[], metavar="NAME", help="packages that it has")
    two.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these packages and no others")

    three = commands.add_parser("unpack", help="put packed files back")
    three.add_argument("folder", type=_folder, help="folder with the pieces")
    three.add_argument(
        "--into", type=_folder, default=Path(), help="folder to put the files below (the repository)"
    )
    return parser


def _folder(text: str) -> Path:
    # Before the change to the repository's folder.
    return Path(text).resolve()


def _collect(given: argparse.Namespace) -> None:
    try:
        packages = wheels.wanted(given.have, given.only)
    except KeyError as error:
        _stop(f"requirements.lock has no package {error.args[0]!r}; correct the name")
    code = wheels.collect(given.to, packages, python=given.python)
    if code:
        _stop(f"pip could not download the wheels of {', '.join(packages)}; what it says stands above")
    found = list(given.to.glob("*.whl"))
    size = sum(path.stat().st_size for path in found) / 2**20
    print(f"{given.to}: {len(found)} wheels, {size:.1f} MiB")


def _prepare(given: argparse.Namespace, words: list[str]) -> None:
    """Hold the machine against what is needed, and install the wheels."""
    lacking = machine.lacks(given.wheels, cuda=given.device == "cuda")
    if lacking:
        _stop(f"this machine lacks {'; '.join(lacking)}")
    if given.wheels is not None:
        problem = machine.install(given.wheels)
        if problem:
            _stop(problem)
    problem = machine.import_error()
    if problem:
        _stop(f"this machine has all packages, but they do not go together: {problem}")
    machine.again("gpu", words)


def _run(given: argparse.Namespace) -> None:
    from gpu.run import Plan, run
    from gpu.stages import Study
    from panda.config.command_line import read_settings
    from panda.config.load import load_config

    settings = read_settings([*given.set, f"train.device={given.device}"])
    config = load_config(["config.yaml", *given.config], preset=given.preset, given=settings)
    plan = Plan(given.minutes, given.reserve, given.out, given.resume, given.pack, given.piece_mib)
    run(Study(config, given.cores), plan)
    print((given.out / "summary.md").read_text(encoding="utf-8"))


def _unpack(given: argparse.Namespace) -> None:
    from gpu.pieces import unpack

    for path in unpack(given.folder, given.into):
        print(path)


def _guarded(act, given: argparse.Namespace) -> None:
    """An act whose errors by users are one line."""
    from panda.core.errors import PandaError

    try:
        act(given)
    except PandaError as error:
        _stop(str(error))


def _stop(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
