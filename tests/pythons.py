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
    "tests/workflow/test_dry_runs.py::test_every_preset_plans",
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
    """The interpreter of `.venv-<version>`, which is made anew when the lock, the metadata or `torch` change."""
    folder = ROOT / f".venv-{version}"
    made_of = [(ROOT / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")]
    digest = hashlib.sha256(repr((made_of, torch)).encode()).hexdigest()
    stamp, ours = folder / ".installed", folder / "bin" / "python"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return ours
    pip = [str(ours), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    if torch:
        subprocess.run([*pip, *torch], check=True)
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", ROOT / "requirements.lock"], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", ROOT], check=True)
    stamp.write_text(digest, encoding="utf-8")
    return ours


def main(torch: list[str]) -> int:
    """Test the others that are installed, a line for each that is not; 0 if all tests passed."""
    failed = 0
    own = "{}.{}".format(*sys.version_info)
    for version in VERSIONS:
        if version == own:
            continue
        python = interpreter(version)
        if python is None:
            print(f"test-pythons: Python {version} is not installed here, skipped", flush=True)
            continue
        start = time.monotonic()
        try:
            ours = environment(version, python, torch)
        except subprocess.CalledProcessError as error:
            print(f"test-pythons: no environment for Python {version} ({error})", flush=True)
            failed += 1
            continue
        ready = time.monotonic()
        path = f"{ours.parent}{os.pathsep}{os.environ['PATH']}"
        tests = ["tests/unit"] if torch else WITHOUT_TORCH
        # Without reports of the slowest, and each version with its own cache of the last failures.
        options = ["--durations=0", "--durations-min=10", "-o", f"cache_dir=.pytest_cache/{version}"]
        done = subprocess.run(
            [ours, "-m", "pytest", *options, *tests],
            cwd=ROOT,
            env={**ENVIRONMENT, "PATH": path},
            check=False,
        )
        failed += done.returncode != 0
        result = "FAILED" if done.returncode else "ok"
        times = f"environment {ready - start:.0f} s, tests {time.monotonic() - ready:.0f} s"
        print(f"test-pythons: Python {version} {result} ({times})", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
