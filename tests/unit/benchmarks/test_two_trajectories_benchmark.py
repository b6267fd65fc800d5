"""The route that shares no code with ours: two trajectories of dysts' own right-hand sides."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import two_trajectories as benchmark
from benchmarks.subjects import open_library
from panda.systems.evaluate import right_hand_side
from panda.systems.members import flow_of, from_rows


def test_lorenz_has_its_published_exponent():
    parameters = np.array([8 / 3, 28.0, 10.0])  # beta, rho, sigma
    lorenz = benchmark.founder("Lorenz", parameters)
    found = benchmark.exponent(lorenz, np.array([1.0, 1.0, 20.0]), period=0.75, n_periods=120, n_transient=10)
    assert 0 < found.error < 0.1
    assert found.value == pytest.approx(0.906, abs=3 * found.error)


def test_a_linear_flow_has_its_largest_eigenvalue():
    rates = np.array([0.3, -1.0])
    found = benchmark.exponent(
        lambda t, x: rates * x, np.array([1.0, 1.0]), period=0.5, n_periods=20, n_transient=8
    )
    assert found.value == pytest.approx(0.3, abs=1e-2)


def test_a_skew_product_written_out_is_ours():
    library = open_library()
    flow = flow_of(library, "Lorenz", "HyperRossler")
    rng = np.random.default_rng(0)
    row = pd.Series(
        {
            "driver": "Lorenz",
            "response": "HyperRossler",
            "dimension": 4,
            "driver_parameters": np.array([8 / 3, 28.0, 10.0]),
            "response_parameters": library["HyperRossler"].parameters,
            "driver_scale": rng.uniform(0.1, 1, 4),
            "response_scale": rng.uniform(0.1, 1, 4),
            "driver_index": np.array([3, 0, 2, 1]),
            "initial": rng.standard_normal(7),
        }
    )
    member = from_rows(pd.DataFrame([row]))
    state = rng.standard_normal(7)
    ours = right_hand_side(flow, member, state[None], np.zeros(1))[0]
    np.testing.assert_allclose(benchmark.velocity(row)(0.0, state), ours, rtol=1e-12)
