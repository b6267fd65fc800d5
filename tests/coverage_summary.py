"""What the unit and property tests ran of each file: the total, and the files of which they ran least."""

from __future__ import annotations

import sys
from pathlib import Path

from coverage import Coverage

from tests.run_all import MEASURES_COVERAGE, ROOT

N_WORST = 12


def main() -> int:
    """Print the table from `.coverage`; 1 if there should be one and is none."""
    if not MEASURES_COVERAGE:
        print("coverage: not measured on Python 3.11, where that is slow; make .venv with a newer one for it")
        return 0
    if not (ROOT / ".coverage").is_file():
        print("coverage: no .coverage here; the unit tests write it")
        return 1
    data = Coverage(data_file=ROOT / ".coverage", config_file=ROOT / "pyproject.toml")
    data.load()
    rows = []
    # A template of HTML is measured, too, where it holds code.
    for file in sorted(name for name in data.get_data().measured_files() if name.endswith(".py")):
        _, statements, _, missing, _ = data.analysis2(file)
        if statements:
            rows.append((len(statements) - len(missing), len(statements), Path(file).relative_to(ROOT)))
    run, of = sum(row[0] for row in rows), sum(row[1] for row in rows)
    print(f"coverage: {run / of:.1%} of {of:,} statements in {len(rows)} files; least in")
    for n_run, n, name in sorted(rows, key=lambda row: (row[0] / row[1], row[2]))[:N_WORST]:
        print(f"  {n_run / n:6.1%} of {n:4}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
