"""Every verdict and K of the reference's filters on its golden trajectories."""

from __future__ import annotations

import json

import numpy as np
import pytest


@pytest.fixture(scope="module")
def cases(golden, filters):
    records = json.loads((golden / "filter_verdicts.json").read_text())
    with np.load(golden / "filter_trajectories.npz") as archive:
        trajectories = [archive[f"{record['index']:03d}"].astype(np.float64) for record in records]
    measured = [filters.measure(x, filters.draw_frequencies(len(x))) for x in trajectories]
    return [(record, m) for record, m in zip(records, measured, strict=True)]


def test_every_verdict_is_the_references(cases, filters):
    different = [
        (record["index"], record["system"], name, verdict)
        for record, m in cases
        for name, verdict in filters.verdicts(m).items()
        if verdict != record["verdicts"][name]
    ]
    assert different == []
    # The file has both verdicts of every test, or equality would say little.
    for name in ("not_linear", "bounded", "zero_one", "not_limit_cycle", "power_spectrum", "stationary"):
        assert {record["verdicts"][name] for record, _ in cases} == {True, False}


def test_k_is_the_references(cases):
    for record, m in cases:
        expected = record["verdicts"]
        np.testing.assert_allclose(m["median_k"], expected["zero_one_median_k_per_dim"], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(m["score"], expected["zero_one_score_per_dim"])
