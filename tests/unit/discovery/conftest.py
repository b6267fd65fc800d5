"""A search small enough for tests: few members, short trajectories."""

from __future__ import annotations

import pytest

from panda.config import Search
from panda.discovery.measure import measure


@pytest.fixture(scope="session")
def settings(smoke) -> Search:
    """The smoke preset's search with trajectories of 12 periods."""
    search = smoke.discover.search
    shorter = {"n_points": 1536, "n_periods": 12, "transient_points": 512}
    exponent = {"n_periods": 6, "transient_periods": 2, "n_blocks": 3}
    return search.model_copy(
        update={
            "integration": search.integration.model_copy(update=shorter),
            "exponent": search.exponent.model_copy(update=exponent),
            "n_perturbations": 5,
            "n_founder_perturbations": 2,
        }
    )


@pytest.fixture(scope="session")
def measures(library, smoke, settings):
    """Flow amplitudes of the founders the tests use."""
    founders = smoke.discover.founders.model_copy(update={"names": ("Lorenz", "Rossler", "Thomas")})
    return measure(library, founders, settings.integration)
