"""Early stopping against none: the same candidates, the same numbers for all that were not given up."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.early_stopping import certain, search_both
from panda.discovery.search.measure import measure

from ...conftest import preset_config


@pytest.fixture(scope="module")
def found(library):
    config = preset_config("smoke")
    wanted = config.discover.founders.model_copy(
        update={"names": ("Lorenz", "Thomas", "Torus", "SprottTorus", "CellularNeuralNetwork"), "own": ()}
    )
    measures = measure(library, wanted, config.discover.search.integration.limits)
    # Mutated, the network often settles on a fixed point, and SprottTorus on a torus.
    pairs = [("Lorenz", "Thomas"), ("Lorenz", "CellularNeuralNetwork"), ("Torus", "SprottTorus")]
    return config, search_both(library, measures, pairs, config.discover.search)


def test_who_is_not_given_up_has_the_same_exponent(found) -> None:
    config, (early, whole, spent) = found
    assert early["system"].tolist() == whole["system"].tolist() and min(spent.values()) > 0
    complete = whole["largest_exponent"].notna()
    given_up = complete & (early["largest_exponent"] != whole["largest_exponent"])
    assert 0 < given_up.sum() < complete.sum()
    rate = config.discover.search.exponent.early_rate
    assert (early["largest_exponent"] * early["period"])[given_up].max() < rate
    # A sure exponent is one that is positive beyond its error and beyond shear; none of these was given up.
    sure = certain(whole, config.discover.select)
    assert sure.any() and not (sure & given_up).any()
    np.testing.assert_array_equal(sure, certain(early, config.discover.select))
