"""What a machine must have, what it lacks, and how that is installed. Imports nothing but the standard library."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 13))
# From these versions on; others may do, but nobody has tried.
OWN = {"torch": (2, 11), "numba": (0, 61), "llvmlite": (0, 44), "numpy": (2, 0)}
PACKAGES = ROOT / ".cache" / "gpu" / "packages-{}.{}".format(*sys.version_info[:2])
# Whoever can import these can run all commands.
ENTRIES = (
    "panda.cli",
    "panda.training.loop",
    "panda.training.snapshots",
    "panda.evaluation.score",
    "panda.discovery.search.warm",
    "panda.discovery.own.founders",
    "panda.integration.trust",
    "baselines.registry",
    "dysts.flows",
)


def needed() -> list[str]:
    """The names in requirements.txt."""
    lines = (Path(__file__).parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wheels_in(folder: Path | None) -> dict[str, Path]:
    """Wheels by the name of their distribution."""
    found = sorted(folder.glob("*.whl")) if folder is not None else []
    return {normal(path.name.split("-")[0]): path for path in found}


def lacks(wheels: Path | None, *, cuda: bool) -> list[str]:
    """What this machine lacks, beyond what the folder of wheels brings; empty if nothing."""
    missing = []
    low, high = PYTHONS
    if not low <= sys.version_info[:2] <= high:
        missing.append("Python {}.{} to {}.{} (here: {}.{})".format(*low, *high, *sys.version_info[:2]))
    brought = wheels_in(wheels)
    for name, least in OWN.items():
        wanted = f"{name} {'.'.join(map(str, least))} or newer"
        version = brought[name].name.split("-")[1] if name in brought else _version(name)
        if version is None:
            missing.append(wanted)
        elif _numbers(version) < least:
            missing.append(f"{wanted} (here: {version})")
    if cuda and _version("torch") is not None and not _has_cuda():
        missing.append("a GPU that PyTorch sees (--device cpu trains without)")
    where = (
        f"no wheel in {wheels}" if wheels is not None else "bring wheels, and name their folder by --wheels"
    )
    packages = [name for name in needed() if name not in brought and _version(name) is None]
    if packages:
        missing.append(f"{', '.join(packages)} ({where})")
    return missing


def install(wheels: Path) -> str | None:
    """Unpack all wheels of a folder into `PACKAGES`, whatever the machine has; the reason if that fails.

    What is installed is not touched. Nothing is resolved and nothing is fetched.
    """
    files = list(wheels_in(wheels).values())
    if not files:
        return f"{wheels}: no wheels here; make them with `python -m gpu wheels --to {wheels}`"
    marker = PACKAGES / ".wheels"
    listed = "\n".join(sorted(path.name for path in files))
    if marker.is_file() and marker.read_text(encoding="utf-8") == listed:
        return None
    options = [
        "--no-index",
        "--no-deps",
        "--no-compile",
        "--upgrade",
        "--quiet",
        "--disable-pip-version-check",
    ]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(PACKAGES), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        return f"{wheels}: pip cannot install these wheels ({lines[-1].removeprefix('ERROR: ')})"
    marker.write_text(listed, encoding="utf-8")
    return None


def import_error() -> str | None:
    """The line of the first error when all that is needed is imported, as the commands do; None if there is none."""
    code = f"import {', '.join(ENTRIES)}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[-1]


def environment() -> dict[str, str]:
    """The environment of all commands: our sources and the unpacked wheels first, one thread for each library."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = dict.fromkeys([str(ROOT), str(PACKAGES), *filter(None, given)])
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    compiled = {"TORCHINDUCTOR_CACHE_DIR": str(ROOT / ".cache" / "gpu" / "inductor")}
    return {**compiled, **single, "PYTHONHASHSEED": "0", **os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def again(module: str, words: Sequence[str]) -> None:
    """Start `python -m <module>` in the place of this process, with the wheels in its path, if they are not."""
    if str(PACKAGES) in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        return
    os.execve(sys.executable, [sys.executable, "-m", module, *words], environment())


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])[:2]))


def _has_cuda() -> bool:
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
