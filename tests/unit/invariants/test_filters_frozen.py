"""Our own statistics on synthetic series, frozen; `python test_filters_frozen.py` writes them again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

FROZEN = Path(__file__).with_name("frozen.json")
NAMES = ["lorenz", "logistic", "autoregression", "limit_cycle", "torus", "spiral_in", "line"]


@pytest.mark.parametrize("name", NAMES)
def test_statistics_are_the_frozen_ones(name, measured):
    frozen = json.loads(FROZEN.read_text())
    assert sorted(frozen) == sorted(NAMES)
    for key in frozen[name]:
        expected = np.array(frozen[name][key], dtype=np.float64)
        np.testing.assert_allclose(
            measured[name][key], expected, rtol=1e-7, atol=1e-12, err_msg=f"{name}: {key}"
        )


def test_each_series_fails_the_tests_made_for_it(measured, filters):
    failed = {
        name: {test for test, passed in filters.verdicts(m).items() if not passed}
        for name, m in measured.items()
    }
    assert failed["lorenz"] == set()
    assert failed["logistic"] == {"not_linear"}  # one dimension is a line to a principal component
    assert failed["autoregression"] == {"stationary"}  # its second dimension nearly walks
    assert failed["limit_cycle"] == {"not_limit_cycle", "power_spectrum"}
    assert failed["torus"] == {"power_spectrum"}
    assert failed["spiral_in"] == {"not_fixed_point", "power_spectrum"}
    assert failed["line"] == {"not_linear", "zero_one", "power_spectrum", "stationary"}


def _as_json(value: object) -> object:
    rounded = np.asarray(value, dtype=np.float64).tolist()
    values = rounded if isinstance(rounded, list) else [rounded]
    plain = [None if np.isnan(v) else float(f"{v:.12g}") for v in values]
    return plain if isinstance(rounded, list) else plain[0]


if __name__ == "__main__":
    from conftest import draw_frequencies, make_series, measure

    table = {
        name: {key: _as_json(value) for key, value in measure(x, draw_frequencies(len(x))).items()}
        for name, x in make_series().items()
    }
    lines = [f" {json.dumps(name)}: {json.dumps(row)}" for name, row in table.items()]
    FROZEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
