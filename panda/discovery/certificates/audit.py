"""How often verdicts on candidates are wrong: samples of each verdict, followed for much longer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Audit, Follow
from panda.core.limits import Limits
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.discovery.certificates.spectra import at_the_end
from panda.discovery.certificates.verdict import CHAOTIC, REGULAR, UNDECIDED, Estimate, estimate, verdict_of
from panda.discovery.search.candidates import member_generator
from panda.dynamics.integrate import Status
from panda.dynamics.schedule import Schedule
from panda.dynamics.tangent import tangent_growth
from panda.systems.flow import Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import COLUMNS as MEMBER
from panda.systems.members import by_flow

# Members of a flow side by side; a result does not depend on it.
BATCH = 64
CERTIFIED = "certified"
SAMPLES = (CERTIFIED, REGULAR, UNDECIDED)
# How the integration of a system ends that leaves its attractor: it goes beyond all bounds, or into a singularity.
ESCAPES = (Status.diverged.name, Status.underflow.name)
COLUMNS = (
    "system", "name", "driver", "response", "population", "period", "sample", "status", "audited_periods",
    "escape_periods", "catalogue_exponent", "catalogue_error", "audited_exponent", "audited_error", "z",
    "audited_verdict", "above_bar", "last_exponent", "last_error", "last_verdict",
)  # fmt: skip
_TEXTS = (
    "system", "name", "driver", "response", "population", "sample", "status", "audited_verdict", "last_verdict",
)  # fmt: skip
# What is read of a catalogue.
READ = (
    "system", "name", "driver", "response", "population", "period", "accepted", "certified", "verdict",
    "followed_periods", "largest_exponent", "exponent_error", "end_state", *MEMBER,
)  # fmt: skip


def audited_systems(catalogue: pd.DataFrame, n_systems: int, seed: int) -> pd.DataFrame:
    """`n_systems` of every sample (fewer where there are not as many), drawn by the seed, with the column `sample`.

    All are of the candidates that were followed. `certified`: accepted, certified, and chaotic; `regular` and
    `undecided`: with that verdict.
    A larger sample contains the smaller.
    """
    followed = catalogue["followed_periods"].notna()
    certified = catalogue["accepted"] & catalogue["certified"] & (catalogue["verdict"] == CHAOTIC)
    drawn = []
    for sample in SAMPLES:
        known = certified if sample == CERTIFIED else catalogue["verdict"] == sample
        there = catalogue[followed & known].sort_values("system", ignore_index=True)
        order = generator(seed, "discover", "audit", sample).permutation(len(there))
        drawn.append(there.iloc[np.sort(order[:n_systems])].assign(sample=sample))
    return pd.concat(drawn, ignore_index=True)


def audit(
    library: FounderLibrary,
    systems: pd.DataFrame,
    settings: Audit,
    follow: Follow,
    limits: Limits,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """A row for every one of `audited_systems`: its exponent once more, in a longer run.

    It starts where following ended (at the stored state, where persistence was not asked for) and is averaged over
    `n_periods` after `transient_periods`, at a tolerance of its own. Exponents are per time unit of the system, errors by
    blocking, and verdicts those of `follow`'s thresholds (empty with fewer than its `min_blocks` periods).

    Columns: `status`, how it ended, and `escape_periods` when, from its start, where it left its attractor
    (`ESCAPES`); `z`, the catalogue's exponent less this one in units of both errors; `above_bar`, whether this one is
    by `min_sigmas` errors above `regular_below`; `last_*`, of the last `last_periods` it was followed.
    """
    rows: list[dict[str, Any]] = []
    for flow, part in by_flow(library, systems, BATCH):
        rows += _audit_members(flow, part, settings, follow, limits, seed)
        if progress is not None:
            progress.advance(len(part))
    return audit_table(rows)


def audit_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a table of fixed columns and types, also where there is none."""
    types = {name: "object" if name in _TEXTS else "float64" for name in COLUMNS} | {"above_bar": "bool"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def _audit_members(
    flow: Flow, part: pd.DataFrame, settings: Audit, follow: Follow, limits: Limits, seed: int
) -> list[dict[str, Any]]:
    """`audit` for systems of one flow."""
    n, n_periods, transient = len(part), settings.n_periods, settings.transient_periods
    max_steps = settings.max_steps_per_period * (n_periods + transient)
    run = tangent_growth(
        flow,
        at_the_end(flow, part),
        subspace="whole",
        schedule=Schedule(
            np.full(n, flow.period * n_periods), np.full(n, flow.period * transient), n_periods
        ),
        generator=member_generator(seed, flow.name, "audit"),
        limits=replace(limits, rtol=settings.rtol, atol=settings.atol, max_steps=max_steps),
    )
    return [
        _row(flow, row, rates[np.isfinite(rates)] * flow.period, Status(int(status)).name, settings, follow)
        for row, rates, status in zip(part.to_dict("records"), run.rates, run.status, strict=True)
    ]


def _row(
    flow: Flow,
    row: dict[str, Any],
    blocks: Float64[np.ndarray, " block"],
    status: str,
    settings: Audit,
    follow: Follow,
) -> dict[str, Any]:
    """What the growth in each period, up to the end of the run, says of one system."""
    transient = settings.transient_periods
    whole = estimate(blocks, transient, follow)
    last_blocks = blocks[-settings.last_periods :]
    # Its transient is all that came before.
    last = estimate(last_blocks, transient + blocks.size - last_blocks.size, follow)
    found = {"audited": whole, "last": last}
    exponent, error = whole.exponent / flow.period, whole.error / flow.period
    both = np.hypot(error, row["exponent_error"])
    sure = whole.exponent - follow.min_sigmas * whole.error > follow.regular_below
    known = {name: row[name] for name in COLUMNS[:7]}
    return known | {
        "status": status,
        "audited_periods": float(blocks.size),
        "escape_periods": float(transient + blocks.size) if status in ESCAPES else float("nan"),
        "catalogue_exponent": row["largest_exponent"],
        "catalogue_error": row["exponent_error"],
        "z": (row["largest_exponent"] - exponent) / both if both > 0 else float("nan"),
        "above_bar": bool(sure),
        **{f"{name}_exponent": one.exponent / flow.period for name, one in found.items()},
        **{f"{name}_error": one.error / flow.period for name, one in found.items()},
        "audited_verdict": _verdict(whole, blocks, follow),
        "last_verdict": _verdict(last, last_blocks, follow),
    }


def _verdict(found: Estimate, blocks: Float64[np.ndarray, " block"], follow: Follow) -> str:
    return verdict_of(found, found, blocks, follow) if found.n_periods else ""
