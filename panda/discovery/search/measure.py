"""The reference trajectory of each founder, and the flow amplitudes that scale the couplings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from panda.config import Founders
from panda.core.limits import Limits
from panda.core.progress import Progress
from panda.dynamics.integrate import Status, integrate
from panda.systems.evaluate import flow_rms
from panda.systems.library import FounderLibrary
from panda.systems.skew import founder_ensemble


def measure(
    library: FounderLibrary,
    settings: Founders,
    limits: Limits,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """`flow_rms` of every founder at default parameters along its reference trajectory (spec 1.3).

    The trajectory spans `reference_periods`, its first `reference_transient` is dropped. `limits` gives the
    step budget and the bounds. Columns: founder, status, flow_rms (a list, one entry per coordinate; with delay
    one entry, which no coupling uses).
    """
    rows = []
    for name in settings.all_names:
        flow = library.flow(name)
        founder = flow.driver
        duration = founder.period * settings.reference_periods
        ensemble = founder_ensemble(flow, founder.parameters[None], founder.initial_condition[None])
        run = integrate(
            flow,
            ensemble,
            duration=np.array([duration]),
            n_points=settings.reference_points,
            limits=settings.reference_limits(limits),
        )
        first = int(settings.reference_points * settings.reference_transient)
        times = np.linspace(0.0, duration, settings.reference_points)
        rms = flow_rms(flow, run.states[0, first:], times[first:])
        rows.append((name, Status(int(run.status[0])).name, rms.tolist()))
        if progress is not None:
            progress.advance()
    return pd.DataFrame(rows, columns=["founder", "status", "flow_rms"])
