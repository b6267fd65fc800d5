"""Published systems go on: a fresh draw of them, for twice as long as their certificates looked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from panda.core.files import read_table
from panda.discovery.certificates.audit import ESCAPES
from panda.dynamics.integrate import Status, integrate
from panda.systems.members import by_flow, from_rows
from tests.conftest import ROOT, preset_config

PUBLISHED = ROOT / "results" / "published" / "discovery" / "catalogue.parquet"
# Of no run and no audit.
SEED = 20261128
N_SYSTEMS, N_PERIODS = 200, 2000
# The audit found one escape in two million periods; of these 400,000, three or more would be one chance in 900.
MOST_ESCAPES = 2


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.is_file(), reason="no published catalogue in this checkout")
def test_hardly_any_escapes_within_2000_periods(library):
    rows = read_table(PUBLISHED)
    drawn = rows[rows["certified"]].sample(N_SYSTEMS, random_state=SEED)
    settings = preset_config("paper").discover
    # Between the two tolerances of the certificate, and so another trajectory.
    limits = replace(
        settings.search.integration.limits,
        rtol=1e-6,
        atol=1e-8,
        max_steps=settings.follow.max_steps_per_period * N_PERIODS,
    )
    ended: dict[str, str] = {}
    for flow, part in by_flow(library, drawn, N_SYSTEMS):
        duration = np.full(len(part), N_PERIODS * flow.period)
        run = integrate(flow, from_rows(part), duration=duration, n_points=2, limits=limits)
        ended |= zip(part["system"], (Status(int(status)).name for status in run.status), strict=True)
    assert len(ended) == N_SYSTEMS
    escaped = [system for system, how in ended.items() if how in ESCAPES]
    assert len(escaped) <= MOST_ESCAPES, escaped
    # The others come to their end, but for those that are costly now and then.
    assert sum(how == Status.complete.name for how in ended.values()) >= 0.98 * N_SYSTEMS, ended
