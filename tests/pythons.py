"""`make test-pythons`: unit tests on the versions of Python that `.venv` does not have, where they are installed.

Each has an environment of its own, `.venv-3.12` say, made of the lock. PyTorch is not in the lock, and its builds for
further versions would take gigabytes each, so the tests are those that need none of it. With arguments, which are what
pip installs for PyTorch (`torch==2.13.0`), it is installed too, and all unit tests run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.run_all import ENVIRONMENT, ROOT

VERSIONS = ["3.11", "3.12", "3.13"]
# Quick, and of everything that has hung on the version once or may: syntax trees and their hashes, error messages of
# the standard library, signatures, traced and compiled code, the workflow's f-strings.
WITHOUT_TORCH = [
    "tests/unit/analysis",
    "tests/unit/cli",
    "tests/unit/config",
    "tests/unit/core",
    "tests/unit/dynamics/test_dop853.py",
    "tests/unit/dynamics/test_tableau.py",
    "tests/unit/invariants",
    "tests/unit/report",
    "tests/unit/systems",
    "tests/workflow/test_dry_runs.py::test_a_run_without_n_beats_plans",
]


def interpreter(version: str) -> Path | None:
    """A Python of this version that runs: on the path, or one of pyenv's, whose shims run the chosen ones only."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = shutil.which(f"python{version}")
    candidates = [Path(found)] if found else []
    candidates += sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    asks = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        done = subprocess.run([candidate, "-c", asks], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return candidate
    return None


def environment(version: str, python: Path, torch: list[str]) -> Path:
    """The interpreter of `.venv-<version>`, which is made anew when the lock or `torch` change.

    Raises:
        subprocess.CalledProcessError: pip could not install what it must; its output says why.
    """
    folder = ROOT / f".venv-{version}"
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes() + repr(torch).encode()).hexdigest()
    stamp, ours = folder / ".installed", folder / "bin" / "python"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return ours
    pip = [ours, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = [[python, "-m", "venv", "--clear", folder]]
    commands += [[*pip, *torch]] if torch else []
    commands += [[*pip, "--require-hashes", "--no-deps", "-r", ROOT / "requirements.lock"]]
    for command in commands:
        subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    stamp.write_text(digest, encoding="utf-8")
    return ours


def test(version: str, torch: list[str]) -> tuple[bool, str]:
    """Whether nothing failed with this version, and what to print of it; not installed is no failure."""
    python = interpreter(version)
    if python is None:
        return True, f"test-pythons: Python {version} is not installed here, skipped"
    start = time.monotonic()
    try:
        ours = environment(version, python, torch)
    except subprocess.CalledProcessError as error:
        return False, f"{error.output}\ntest-pythons: Python {version} FAILED (no environment: {error})"
    ready = time.monotonic()
    tests = ["tests/unit"] if torch else WITHOUT_TORCH
    # Each version with its own cache of the last failures.
    options = ["--durations=0", "--durations-min=10", "-o", f"cache_dir=.pytest_cache/{version}"]
    done = subprocess.run(
        [ours, "-m", "pytest", *options, *tests],
        cwd=ROOT,
        env={**ENVIRONMENT, "PATH": f"{ours.parent}{os.pathsep}{os.environ['PATH']}"},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    result = "FAILED" if done.returncode else "ok"
    times = f"environment {ready - start:.0f} s, tests {time.monotonic() - ready:.0f} s"
    return done.returncode == 0, f"{done.stdout}\ntest-pythons: Python {version} {result} ({times})"


def main(torch: list[str]) -> int:
    """Test the other versions, as many at once as there are cores; 0 if nothing failed."""
    own = "{}.{}".format(*sys.version_info)
    others = [version for version in VERSIONS if version != own]
    passed = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        for good, text in threads.map(lambda version: test(version, torch), others):
            print(f"\n{text}", flush=True)
            passed.append(good)
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
