"""A search small enough for tests: few members, short trajectories; and catalogues of founders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config import Search
from panda.discovery.search.filters import NOT_FOLLOWED
from panda.discovery.search.measure import measure
from panda.systems.members import to_columns
from panda.systems.skew import founder_ensemble
from tests.unit.discovery.test_filters import GOOD

# What the search knows of a candidate whose tangent vector it could not follow: nothing is decided before the stage.
UNKNOWN = {
    "largest_exponent": np.nan,
    "exponent_error": np.nan,
    "shear_exponent": np.nan,
    "exponent_periods": 0.0,
    "exponent_status": "complete",
}
FOUND_HERE = tuple(NOT_FOLLOWED)


@pytest.fixture(scope="session")
def settings(smoke) -> Search:
    """The smoke preset's search with trajectories of 12 periods."""
    search = smoke.discover.search
    shorter = {"n_points": 1536, "n_periods": 12, "transient_points": 512}
    exponent = {"n_periods": 6, "transient_periods": 2, "n_blocks": 3, "early_blocks": 3}
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
    return measure(library, founders, settings.integration.limits)


@pytest.fixture(scope="session")
def founder_rows(library):
    """A catalogue of founders as they are, made without a search: `founder_rows("Lorenz", "Rossler")`."""

    def rows(*names: str) -> pd.DataFrame:
        tables = []
        for name in names:
            flow = library.flow(name)
            founder = flow.driver
            ensemble = founder_ensemble(flow, founder.parameters[None], founder.initial_condition[None])
            known = {
                "system": f"{name}-pp0",
                "name": name,
                "driver": name,
                "response": "",
                "population": "founder",
                "perturbation": 0,
                "dimension": founder.dimension,
                "period": flow.period,
                "status": "complete",
                "largest_exponent": founder.maximum_lyapunov_estimated or np.nan,
            }
            tables.append(pd.DataFrame({**{key: [known[key]] for key in known}, **to_columns(ensemble)}))
        return pd.concat(tables, ignore_index=True)

    return rows


@pytest.fixture(scope="session")
def candidates(library):
    """`candidates("Lorenz", {"rho": 22.0}, starts)`: rows that pass all other filters, one per start."""

    def rows(name: str, changes: dict[str, float], starts=None) -> pd.DataFrame:
        flow = library.flow(name)
        founder = flow.driver
        parameters = founder.parameters.copy()
        for parameter, value in changes.items():
            parameters[founder.parameter_names.index(parameter)] = value
        starts = np.atleast_2d(founder.initial_condition if starts is None else starts).astype(float)
        ensemble = founder_ensemble(flow, np.tile(parameters, (len(starts), 1)), starts)
        known = {"name": name, "driver": name, "response": "", "population": "founder", "period": flow.period}
        row = {key: value for key, value in (GOOD | UNKNOWN | known).items() if key not in FOUND_HERE}
        table = pd.DataFrame([row] * len(starts))
        return table.assign(
            system=[f"{name}-pp{i}" for i in range(len(starts))],
            perturbation=range(len(starts)),
            **to_columns(ensemble),
        )

    return rows
