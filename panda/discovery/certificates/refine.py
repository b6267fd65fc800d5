"""Chaos that does not hang on the tolerance: what was found lasting is followed once more, at a finer one."""

from __future__ import annotations

from typing import Any

import numpy as np

from panda.config import Follow
from panda.core.limits import Limits
from panda.discovery.certificates.stages import LOST, Decided, Plan, in_stages, persistence
from panda.discovery.certificates.verdict import CHAOTIC, UNDECIDED, Estimate
from panda.dynamics.integrate import Status
from panda.systems.flow import Ensemble, Flow

TEXTS = ("fine_verdict", "fine_status", "fine_late_verdict")
COLUMNS = (*TEXTS, "fine_periods", "fine_exponent", "fine_error", "fine_growth")


def refine_members(
    flow: Flow, ensemble: Ensemble, settings: Follow, limits: Limits, seed: int
) -> list[dict[str, Any]]:
    """Each member followed again from its initial state at `settings.finer`: the columns `COLUMNS`, and `end_state`.

    A tolerance is a perturbation of the flow. At 1e-5 it keeps alive some chaos that dies, or turns some of the regular
    motion of a Hamiltonian driver into chaos; what it finds may be a property of the method, unless a finer one finds
    the same. So no number of the first run is used: the exponent is measured from nothing in the same `stages`, with
    tangent vectors of their own, then persistence and the late exponent, as in `follow.follow`. `fine_exponent` and
    `fine_error` per time unit are means over the `fine_periods` of all stages, late ones included. `end_state` is given
    where the member got to the end, in the place of where the first run ended.
    """
    finer = settings.finer
    n = len(ensemble)
    start = Decided(
        [Estimate.none()] * n, [UNDECIDED] * n, [Status.complete.name] * n, ensemble.initial.copy()
    )
    plan = Plan("fine follow", finer.stages, finer.transient_periods, 0)
    found, verdicts, status, _ = in_stages(flow, ensemble, start, plan, finer, limits, seed)
    rows: list[dict[str, Any]] = [
        {
            "fine_verdict": verdict,
            "fine_status": how,
            "fine_late_verdict": "",
            "fine_growth": float("nan"),
            **_exponent(one, flow),
        }
        for one, verdict, how in zip(found, verdicts, status, strict=True)
    ]
    lasting = np.flatnonzero([verdict == CHAOTIC for verdict in verdicts])
    if len(lasting):
        later = persistence(flow, ensemble[lasting], finer, limits, seed, "fine late")
        for i, more in zip(lasting, later, strict=True):
            how = more["follow_status"]
            rows[i] |= {
                "fine_verdict": UNDECIDED if how in LOST else CHAOTIC,
                "fine_status": how,
                "fine_late_verdict": more["late_verdict"],
                "fine_growth": more["growth"],
                **_exponent(found[i] + more["late"], flow),
            }
            if how == Status.complete.name:
                rows[i]["end_state"] = more["end_state"]
    return rows


def _exponent(found: Estimate, flow: Flow) -> dict[str, float]:
    return {
        "fine_periods": found.n_periods,
        "fine_exponent": found.exponent / flow.period,
        "fine_error": found.error / flow.period,
    }
