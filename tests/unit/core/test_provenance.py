"""Every result can say what made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda.core.files import read_json, write_text
from panda.core.provenance import provenance, record_path, sha256


def test_a_record_names_code_config_seed_inputs_and_costs(tmp_path: Path):
    source, result = tmp_path / "in.txt", tmp_path / "out.txt"
    write_text(source, "input")
    options = {"inputs": [source], "section": {"a": 1}, "seed": 3, "code": "abc"}
    with provenance([result], **options) as extra:
        write_text(result, "output")
        extra["device"] = "cuda"
    record = read_json(record_path(result))
    assert record["outputs"] == {"out.txt": sha256(result)}
    assert record["inputs"] == {str(source): sha256(source)}
    assert record["seed"] == 3 and record["code_version"] == "abc" and record["device"] == "cuda"
    assert record["section"] == {"a": 1} and record["wall_s"] >= 0 and record["versions"]["numpy"]
    assert set(record["git"]) == {"commit", "dirty"}


def test_failed_work_leaves_no_record(tmp_path: Path):
    result = tmp_path / "out.txt"
    with (
        pytest.raises(RuntimeError),
        provenance([result], inputs=[], section={}, seed=0, code="x"),
    ):
        write_text(result, "output")
        raise RuntimeError
    assert not record_path(result).exists()
