"""The compiled kernel is made once and found again by other processes."""

from __future__ import annotations

import subprocess
import sys

from panda.core.limits import Limits
from panda.dynamics.dop853 import run
from panda.dynamics.integrate import integrate

from .conftest import ensemble_of

SECOND_PROCESS = """
import os
import time
import numpy as np
import numba
from panda.dynamics.dop853 import run
from panda.dynamics.workspace import Control, Members, System, make_lanes, make_results

members = Members(np.full((1, 3), np.nan), np.zeros((1, 2)), np.zeros((1, 3), np.int64), np.ones((1, 3)),
                  np.ones((1, 3)), np.full(1, np.inf), np.ones((1, 1)))
address = numba.cfunc("void(CPointer(f8), CPointer(f8), CPointer(f8), CPointer(f8))")(
    lambda t, y, p, dy: None).address
system = System(address, 0, 3, 0, 2, 0, 0, 0, False, 0, 0, 0, 0)
results = make_results(1, n_stops=1, n_points=4, dimension=3, n_vectors=0)
start = time.process_time()
run(system, Control(1e-9, 1e-10, 10, 1e-10), members, make_lanes(system, members), results)
assert results.status[0] == 1
print(sum(run.stats.cache_hits.values()), sum(run.stats.cache_misses.values()), time.process_time() - start, flush=True)
# A function that numba compiled beside a kernel from its cache: LLVM crashes now and then when both are collected at
# the end of the process. The product compiles none; its founders' functions come as machine code.
os._exit(0)
"""


def test_other_processes_find_the_kernel_compiled(oscillator, decay):
    options = {
        "rtol": 1e-6,
        "atol": 1e-6,
        "max_steps": 9,
        "max_abs": 9.0,
        "max_angle": 9.0,
        "min_step": 1e-9,
    }
    for flow in (oscillator, decay):
        integrate(flow, ensemble_of(flow, [[1.0, 0.0]]), duration=[1.0], n_points=3, limits=Limits(**options))
    assert len(run.signatures) == 1
    output = subprocess.run(
        [sys.executable, "-c", SECOND_PROCESS], capture_output=True, text=True, check=True
    )
    hits, misses, seconds = output.stdout.split()
    assert (int(hits), int(misses)) == (1, 0)
    assert float(seconds) < 1.0
