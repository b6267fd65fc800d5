"""Every result can say what made it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from panda.core.digest import sha256
from panda.core.errors import PandaError
from panda.core.files import read_json, write_table, write_text
from panda.core.provenance import check_one_run, provenance, record_path


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


def test_outputs_of_one_name_in_several_folders_are_told_apart(tmp_path: Path):
    """Shards of the splits are all called 0.arrow; each is held against its own hash."""
    shards = [tmp_path / split / "0.txt" for split in ("train", "validation", "test")]
    options = {"section": {}, "seed": 0, "code": "x"}
    with provenance(shards, inputs=[], **options):
        for shard in shards:
            write_text(shard, shard.parent.name)
    outputs = read_json(record_path(shards[0]))["outputs"]
    assert [outputs[name] for name in ("0.txt", "../validation/0.txt", "../test/0.txt")] == [
        sha256(shard) for shard in shards
    ]
    with provenance([tmp_path / "made.txt"], inputs=shards, **options):
        write_text(tmp_path / "made.txt", "")
    assert read_json(record_path(tmp_path / "made.txt"))["inputs"] == {
        str(shard): sha256(shard) for shard in shards
    }


def test_failed_work_leaves_no_record(tmp_path: Path):
    result = tmp_path / "out.txt"
    with (
        pytest.raises(RuntimeError),
        provenance([result], inputs=[], section={}, seed=0, code="x"),
    ):
        write_text(result, "output")
        raise RuntimeError
    assert not record_path(result).exists()


def make(path: Path, x: float, *, inputs: list[Path] = [], seed: int = 0) -> Path:  # noqa: B006 - not changed
    with provenance([path], inputs=inputs, section={}, seed=seed, code="x"):
        write_table(pd.DataFrame({"x": [x]}), path)
    return path


def test_tables_of_another_run_are_refused(tmp_path: Path):
    catalogue, other = make(tmp_path / "a" / "c.parquet", 1.0), make(tmp_path / "b" / "c.parquet", 2.0)
    own = make(tmp_path / "a" / "0.parquet", 3.0, inputs=[catalogue])
    strange = make(tmp_path / "b" / "0.parquet", 3.0, inputs=[other])
    check_one_run([own], made_from=[catalogue])
    check_one_run([own, strange], made_from=[catalogue, other])
    with pytest.raises(PandaError, match=rf"{strange}: its provenance record says that it was not made from"):
        check_one_run([own, strange], made_from=[catalogue])
    with pytest.raises(PandaError, match=rf"{strange}: .* with another \.parquet files than {own}"):
        check_one_run([own, strange], shared=(".parquet",))
    seeded = make(tmp_path / "a" / "1.parquet", 3.0, inputs=[catalogue], seed=1)
    with pytest.raises(PandaError, match=rf"{seeded}: .* with another seed than {own}"):
        check_one_run([own, seeded], made_from=[catalogue])
    # Without a record it may be anyone's.
    record_path(strange).unlink()
    check_one_run([own, strange], made_from=[catalogue], shared=(".parquet",))


def test_an_input_is_held_against_its_own_record(tmp_path: Path):
    catalogue, other = make(tmp_path / "a" / "c.parquet", 1.0), make(tmp_path / "b" / "c.parquet", 2.0)
    catalogue.write_bytes(other.read_bytes())
    with pytest.raises(PandaError, match=rf"{catalogue}: damaged, or of another run"):
        make(tmp_path / "out.parquet", 0.0, inputs=[catalogue])
    # A table that someone made of ours is their own.
    pd.DataFrame({"x": [5.0]}).to_parquet(catalogue)
    made = make(tmp_path / "out.parquet", 0.0, inputs=[catalogue])
    assert read_json(record_path(made))["inputs"] == {str(catalogue): sha256(catalogue)}
