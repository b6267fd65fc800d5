"""`make test`: every check and test in order, and a table of what took how long."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# The same bits and times on every machine; a job sets its own number of threads.
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "COVERAGE_CORE": "sysmon",
}
# From Python 3.12 on the interpreter itself says which lines run, at little cost. On 3.11 every call would be traced, and
# tests of Python take nearly twice as long.
MEASURES_COVERAGE = sys.version_info >= (3, 12)
STEPS = {
    "format of Python": ["ruff", "format", "--check", "."],
    "lint of Python": ["ruff", "check", "."],
    "format of the workflow": ["snakefmt", "--check", "workflow"],
    "types": ["basedpyright"],
    "import contracts": ["lint-imports"],
    "unit and property tests": [
        *(sys.executable, "-m", "pytest", "tests/unit", "tests/properties"),
        *(("--cov", "--cov-report=") if MEASURES_COVERAGE else ()),
    ],
    "coverage of these tests": [sys.executable, "-m", "tests.coverage_summary"],
    "reliability tests": [sys.executable, "-m", "pytest", "tests/reliability"],
    "workflow tests": [sys.executable, "-m", "pytest", "tests/workflow"],
    "smoke preset, end to end": [sys.executable, "-m", "tests.smoke"],
}


def main() -> int:
    """Run all steps, whatever fails; 0 if none did."""
    rows = []
    for name, command in STEPS.items():
        print(f"\n=== {name}: {' '.join(map(str, command))}", flush=True)
        start = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=False).returncode
        rows.append((name, code, time.monotonic() - start))
    print(f"\n{'what':28} {'result':>7} {'seconds':>8}")
    for name, code, seconds in rows:
        print(f"{name:28} {'ok' if code == 0 else 'FAILED':>7} {seconds:8.1f}")
    failed = sum(code != 0 for _, code, _ in rows)
    print(f"{'in all':28} {'':>7} {sum(row[2] for row in rows):8.1f}")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
