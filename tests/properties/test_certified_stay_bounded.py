"""Systems that are certified stay on their attractors for an integrator that shares nothing with ours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from panda.discovery.certificates.follow import follow
from panda.discovery.search.candidates import Group, sample_pairs
from panda.discovery.search.measure import measure
from panda.discovery.search.search import search
from panda.discovery.search.select import select
from panda.systems.evaluate import right_hand_side
from panda.systems.flow import bounded_coordinates
from panda.systems.members import flow_of, from_rows

# Of a search that no run of ours makes.
SEED = 20261127
N_PAIRS, N_MEMBERS, N_SYSTEMS = 60, 4, 10
# Long beside bursts: in 20 periods the second half of one system was seen to go four times as far as the first.
N_PERIODS, POINTS_PER_PERIOD = 40, 16


@pytest.fixture(scope="module")
def certified(library, smoke):
    """So many systems, by lot, of a small search of its own."""
    discover = smoke.discover
    pairs = sample_pairs([name for name in library.names if library[name].delay_index is None], N_PAIRS, SEED)
    names = tuple(sorted({name for pair in pairs for name in pair}))
    chosen = {"names": names, "held_out": (), "validation": ()}
    founders = discover.founders.model_copy(update=chosen)
    measures = measure(library, founders, discover.search.integration.limits)
    groups = [Group(*pair, N_MEMBERS) for pair in pairs]
    found = search(library, measures, groups, discover.search, SEED)
    limits = discover.search.integration.limits
    followed = follow(library, found, discover.select, discover.follow, limits, SEED)
    catalogue = select(found, discover.select, founders, followed)
    accepted = catalogue[catalogue["certified"]]
    assert len(accepted) >= N_SYSTEMS
    return accepted.sample(N_SYSTEMS, random_state=SEED)


@pytest.mark.slow
def test_scipy_keeps_them_bounded(certified, library, smoke):
    select_settings = smoke.discover.select
    for _, row in certified.iterrows():
        flow = flow_of(library, row["driver"], row["response"])
        member = from_rows(row.to_frame().T)

        def velocity(t, state, flow=flow, member=member):
            return right_hand_side(flow, member, state[None], np.array([t]))[0]

        times = np.linspace(0.0, N_PERIODS * flow.period, N_PERIODS * POINTS_PER_PERIOD + 1)
        run = solve_ivp(
            velocity, (0.0, times[-1]), row["end_state"], method="LSODA", t_eval=times, rtol=1e-6, atol=1e-8
        )
        assert run.success, f"{row['system']}: {run.message}"
        own = run.y[bounded_coordinates(flow, member)[0]]
        assert np.abs(own).max() <= select_settings.max_abs, row["system"]
        # Its coordinates go no farther late than they went early.
        early, late = np.split(own[:, 1:], 2, axis=1)
        reach = np.abs(early - early.mean(axis=1, keepdims=True)).max(axis=1)
        far = np.abs(late - early.mean(axis=1, keepdims=True)).max(axis=1)
        moving = reach > 1e-3 * reach.max()
        assert (far[moving] <= select_settings.max_growth * reach[moving]).all(), row["system"]
        # And it still moves.
        assert (late.std(axis=1) > 1e-3 * early.std(axis=1)).all(), row["system"]
