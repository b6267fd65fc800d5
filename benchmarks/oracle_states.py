"""Writes the states that tests hold the integrator against: `python -m benchmarks.oracle_states`.

For every founder without delay the state after one Lyapunov time from its published start, by an independent method
(oracle.py); the size of its attractor; and how far the Taylor method in float64 ends from that in extended
precision, in units of that size. Needs heyoka (extra `oracle`).
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.condition import attractor_size, scaled_error
from benchmarks.oracle import TOLERANCE, extended_or_double, heyoka, taylor_states, true_states
from benchmarks.subjects import ROOT, Subject, open_library, subject
from panda.config.founder_names import without_delay
from panda.core.errors import PandaError
from panda.core.files import write_json

PATH = ROOT / "tests" / "unit" / "dynamics" / "oracle_states.json"


def oracle_entry(subject: Subject) -> dict[str, Any]:
    """What is stored for one founder; `float64_error` is null where the method is DOP853."""
    times = np.array([0.0, subject.lyapunov_time])
    states, method = true_states(subject, times)
    size = attractor_size(subject)
    double = taylor_states(subject, times, np.float64) if method == "Taylor" else None
    return {
        "method": method,
        "time": times[-1],
        "state": states[-1].tolist(),
        "size": size.tolist(),
        "float64_error": None if double is None else scaled_error(double[-1], states[-1], size),
    }


def main(path: Path = PATH) -> None:
    """Write the file.

    Raises:
        PandaError: heyoka is not installed.
    """
    if heyoka is None:
        raise PandaError("heyoka is not installed: install this project's extra `oracle`")
    library, real = open_library(), extended_or_double()
    made_with = {
        "command": "python -m benchmarks.oracle_states",
        "heyoka": version("heyoka"),
        "scipy": version("scipy"),
        "dysts": version("dysts"),
        "precision": f"{np.finfo(real).nmant + 1} bits",
        "tolerance": TOLERANCE[real],
    }
    names = without_delay(library.names)
    entries = {name: oracle_entry(subject(library, (name,))) for name in names}
    write_json(path, {"made_with": made_with, "founders": entries})


if __name__ == "__main__":
    main()
