"""The smoke preset in a temporary folder: it ends as promised, and a second run has nothing to do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.workflow.sandbox import Sandbox

MAX_JOBS = 50
MAX_WALL_S = 360


def main() -> int:
    """Run the preset; print what it took; 1 if a promise is broken."""
    folder = Path(tempfile.mkdtemp(prefix="panda-smoke-"))
    try:
        return check(Sandbox(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(sandbox: Sandbox) -> int:
    """The promises of the smoke preset, one line each that is broken."""
    broken = []
    start = time.monotonic()
    run = sandbox.snakemake("--cores", "2", check=False)
    wall_s = time.monotonic() - start
    if run.returncode:
        print(run.stdout[-20000:])
        print("the smoke preset failed")
        return 1
    n_jobs = int(re.findall(r"^total\s+(\d+)", run.stdout, re.M)[0])
    results = sandbox.folder / "results" / "smoke"
    report = results / "report.html"
    print(f"smoke: {n_jobs} jobs in {wall_s:.0f} s, report {report.stat().st_size / 1e6:.1f} MB")
    if n_jobs > MAX_JOBS:
        broken.append(f"{n_jobs} jobs, {MAX_JOBS} at most")
    if wall_s > MAX_WALL_S:
        # A busy machine is no bug: said, not failed.
        print(f"note: {wall_s:.0f} s is over the promised {MAX_WALL_S} s on an idle machine with 2 cores")
    broken += [f"{path} is missing" for path in expected(sandbox, results) if not path.is_file()]
    second = sandbox.snakemake("--cores", "2")
    if "Nothing to be done" not in second.stdout:
        broken.append("a second run finds something to do:\n" + second.stdout[-3000:])
    page = subprocess.run(
        [*sandbox.command, "--cores", "1", "--report", "report.zip"],
        cwd=sandbox.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if page.returncode:
        broken.append(f"snakemake --report fails: {page.stderr[-2000:]}")
    for line in broken:
        print(f"broken: {line}")
    return int(bool(broken))


def expected(sandbox: Sandbox, results: Path) -> list[Path]:
    """What a user is promised to find."""
    config = sandbox.config()
    figures = [
        results / "figures" / f"{name}.{suffix}" for name in config.figures for suffix in ("pdf", "png")
    ]
    weights = [results / "train" / name / "model.safetensors" for name in config.train.models]
    return [results / "report.html", results / "claims.parquet", *figures, *weights]


if __name__ == "__main__":
    sys.exit(main())
