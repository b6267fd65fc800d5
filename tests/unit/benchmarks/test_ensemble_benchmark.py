"""The public micro-benchmark solves the public problem."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.ensemble import final_states, lorenz_ensemble


def test_final_states_are_those_of_the_published_equations(library):
    flow = library.flow("Lorenz")
    ensemble = lorenz_ensemble(flow, 4)
    states = final_states(flow, ensemble, 1e-9, 1e-10)
    for rho, state in zip((0.0, 7.0, 14.0, 21.0), states, strict=True):

        def rhs(t, u, rho=rho):
            return [10.0 * (u[1] - u[0]), rho * u[0] - u[1] - u[0] * u[2], u[0] * u[1] - 2.666 * u[2]]

        expected = solve_ivp(rhs, (0, 1), (1.0, 0.0, 0.0), "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        np.testing.assert_allclose(state, expected, atol=1e-7)
