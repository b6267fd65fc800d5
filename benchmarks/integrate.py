"""CPU time and error of our integrator beside dysts' own: `python -m benchmarks.integrate [--all]`.

Every system is integrated over the same times by dysts' `make_trajectory` (Radau at the paper's tolerance, as
its reference code runs it, without events) and by ours, in one process on one thread. Errors are the largest
within one Lyapunov time, dense output included, from the solution of an independent method (oracle.py), in
standard deviations of each coordinate. Two ratios of CPU time a trajectory are given: at equal tolerance, and
at equal accuracy, where ours runs at the loosest tolerance whose error is no larger than Radau's. The last
line is the geometric mean of the second, and the founder with our largest error at the paper's tolerance.

`--all` measures every founder and 100 random pairs. Each result is stored at once: a killed run goes on.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.condition import condition, scaled_error
from benchmarks.oracle import true_states
from benchmarks.subjects import ROOT, Subject, open_library, random_pairs, subject
from panda.config.founder_names import without_delay
from panda.core.errors import PandaError
from panda.core.files import atomic_path
from panda.systems.flow import Ensemble
from panda.systems.library import FounderLibrary

FOUNDERS = (
    "Lorenz", "Rossler", "Thomas", "HenonHeiles", "HindmarshRose", "Lorenz96", "MacArthur", "CellCycle",
    "ForcedVanDerPol", "DoublePendulum", "Chua", "IsothermalChemical",
)  # fmt: skip
PAIRS = (
    ("Rossler", "Thomas"),
    ("Thomas", "HindmarshRose"),
    ("Lorenz", "HyperRossler"),
    ("Lorenz", "Rossler"),
)
N_RANDOM_PAIRS = 100
SEED = 0
RTOL = 1e-9
"""The paper's relative tolerance; the absolute one is a tenth of it, here and on the ladder."""
LADDER = tuple(10.0**-k for k in range(9, 15))
POINTS_PER_PERIOD = 128
N_MEMBERS = 64
"""Members of our ensemble: the system's own start and copies of it a ten-thousandth away."""


@dataclass(frozen=True)
class Row:
    """One system: milliseconds of CPU a trajectory and errors, of Radau, of ours at its tolerance and accuracy."""

    name: str
    kind: str
    oracle: str
    periods: float
    radau_ms: float
    radau_error: float
    ms: float
    error: float
    matched_rtol: float
    matched_ms: float
    matched_error: float
    condition: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is at the same tolerance."""
        return self.radau_ms / self.ms

    @property
    def matched_ratio(self) -> float:
        """How many times faster ours is where it is at least as accurate."""
        return self.radau_ms / self.matched_ms

    def __str__(self) -> str:
        return (
            f"{self.name:34}{self.radau_ms:9.0f}{self.radau_error:9.1e}{self.ms:9.3f}{self.error:9.1e}"
            f"{self.ratio:8.0f}{self.matched_rtol:8.0e}{self.matched_ms:9.3f}{self.matched_error:9.1e}"
            f"{self.matched_ratio:8.0f}"
        )


def geomean(values: Sequence[float]) -> float:
    """``exp(mean(log v))`` of positive values."""
    return float(np.exp(np.mean(np.log(values))))


def loosest(errors: Iterator[float], target: float) -> tuple[int, bool]:
    """Index of the first error that is at most the target, and True; else of the last one, and False."""
    index = -1
    for index, error in enumerate(errors):
        if error <= target:
            return index, True
    return index, False


def measure(subject: Subject, n_periods: int) -> Row:
    """Time one system by both, over ``n_periods`` or one Lyapunov time, whichever is longer.

    The period is that of the faster founder of a pair: of the slower it may be a hundred thousand times that.

    Raises:
        PandaError: a member, dysts or the oracle does not reach the end.
    """
    period = min(founder.period for founder in subject.founders)
    n_points = max(n_periods, int(np.ceil(subject.lyapunov_time / period))) * POINTS_PER_PERIOD
    duration = period * n_points / POINTS_PER_PERIOD
    ensemble = nearby(subject.member, N_MEMBERS)
    run = subject.run(ensemble, duration, n_points, rtol=RTOL)
    if not run.complete.all():
        raise PandaError(f"{subject.name}: {np.sum(~run.complete)} members did not complete")
    times = np.linspace(0, duration, n_points)
    times = times[: max(2, np.searchsorted(times, subject.lyapunov_time, side="right"))]
    size = np.std(run.states[0], axis=0)
    truth, oracle = true_states(subject, times)
    radau_s, radau = _radau(subject, n_points, duration)
    radau_error = scaled_error(radau[: len(times)], truth, size)
    seconds, errors = [], []

    def climb() -> Iterator[float]:
        for rtol in LADDER:
            # The first run pays for page faults of fresh memory; the best of three is what a long job sees.
            runs = [
                _cpu(lambda rtol=rtol: subject.run(ensemble, duration, n_points, rtol=rtol)) for _ in range(3)
            ]
            seconds.append(min(s for s, _ in runs) / N_MEMBERS)
            errors.append(scaled_error(runs[0][1].states[0, : len(times)], truth, size))
            yield errors[-1]

    rung, _ = loosest(climb(), radau_error)
    return Row(
        name=subject.name,
        kind="founder" if subject.flow.response is None else "pair",
        oracle=oracle,
        periods=n_points / POINTS_PER_PERIOD,
        radau_ms=1e3 * radau_s,
        radau_error=radau_error,
        ms=1e3 * seconds[0],
        error=errors[0],
        matched_rtol=LADDER[rung],
        matched_ms=1e3 * seconds[rung],
        matched_error=errors[rung],
        condition=condition(subject, times[-1], size),
    )


def _radau(subject: Subject, n_points: int, duration: float) -> tuple[float, np.ndarray]:
    subject.theirs.rhs(subject.theirs.ic, 0.0)  # compiles dysts' function
    seconds, states = _cpu(
        lambda: subject.theirs.make_trajectory(
            n_points,
            pts_per_period=subject.theirs.period * n_points / duration,
            method="Radau",
            postprocess=False,
            rtol=RTOL,
            atol=RTOL / 10,
        )
    )
    if states is None or len(states) != n_points:
        raise PandaError(f"{subject.name}: Radau did not complete")
    return seconds, states


def nearby(member: Ensemble, n: int) -> Ensemble:
    """The member itself and `n` - 1 copies of it a ten-thousandth away."""
    many = member[np.zeros(n, dtype=int)]
    shift = 1e-4 * np.random.default_rng(SEED).standard_normal(many.initial.shape)
    shift[0] = 0.0
    many.initial[:] *= 1 + shift
    return many


def _cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def measured(
    library: FounderLibrary, systems: Sequence[tuple[str, ...]], n_periods: int, table: Path | None
) -> Iterator[Row]:
    """Rows of the systems that complete, from the table where they stand in it; new ones are stored in it."""
    known = pd.read_csv(table).to_dict("records") if table is not None and table.is_file() else []
    rows = {row["name"]: row for row in known}
    for names in systems:
        name = "_".join(names)
        if name not in rows:
            try:
                rows[name] = asdict(measure(subject(library, names), n_periods))
            except PandaError as error:
                print(f"# {error}", flush=True)
                rows[name] = {"name": name, "kind": "failed"}
            if table is not None:
                table.parent.mkdir(parents=True, exist_ok=True)
                with atomic_path(table) as temporary:
                    pd.DataFrame(list(rows.values())).to_csv(temporary, index=False, float_format="%.5g")
        if rows[name]["kind"] != "failed":
            yield Row(**rows[name])


def main() -> None:
    """Print one row per system, then one line with the geometric mean of the ratios and the founder of largest error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help="every founder and 100 random pairs")
    parser.add_argument("--periods", type=int, default=8, help="periods integrated (the paper: 40)")
    parser.add_argument("--table", type=Path, help="CSV that rows are stored in and taken from")
    arguments = parser.parse_args()
    # dysts hands its Jacobian to every method; exp and cosh overflow in steps that Radau then rejects.
    warnings.filterwarnings("ignore")
    library = open_library()
    table = arguments.table
    if arguments.all and table is None:
        table = ROOT / ".cache" / "benchmarks" / f"integrate-{arguments.periods}-periods.csv"
    print(f"at least {arguments.periods} periods, {POINTS_PER_PERIOD} points a period")
    print(
        f"{'system':34}{'Radau ms':>9}{'error':>9}{'ours ms':>9}{'error':>9}{'ratio':>8}"
        f"{'rtol':>8}{'ms':>9}{'error':>9}{'ratio':>8}"
    )
    rows = []
    for systems, wanted in _sections(without_delay(library.names), arguments.all):
        for row in itertools.islice(measured(library, systems, arguments.periods, table), wanted):
            rows.append(row)
            print(row, flush=True)
    founders = [row for row in rows if row.kind == "founder"]
    worst = max(founders, key=lambda row: row.error)
    print(
        f"{len(founders)} founders, {len(rows) - len(founders)} pairs; geometric mean at equal tolerance "
        f"{geomean([row.ratio for row in rows]):.0f}; Radau's error not reached by "
        f"{[row.name for row in rows if row.matched_error > row.radau_error] or 'none'}"
    )
    mean = geomean([row.matched_ratio for row in rows])
    print(f"geomean_ratio={mean:.0f} worst_founder={worst.name} worst_error={worst.error:.1e}")


def _sections(names: tuple[str, ...], everything: bool) -> list[tuple[Sequence[tuple[str, ...]], int]]:
    """Systems to try, and how many of each list are wanted: a random pair may leave every attractor."""
    if everything:
        return [([(name,) for name in names], len(names)), (random_pairs(names, SEED), N_RANDOM_PAIRS)]
    return [([(name,) for name in FOUNDERS], len(FOUNDERS)), (PAIRS, len(PAIRS))]


if __name__ == "__main__":
    main()
