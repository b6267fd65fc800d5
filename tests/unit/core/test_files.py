"""Files appear whole or not at all, and damaged ones are named."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.core import files
from panda.core.errors import PandaError


def test_an_error_leaves_the_old_file_and_no_part(tmp_path: Path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError), files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_one_clear_line(tmp_path: Path):
    path = tmp_path / "a.txt"
    with pytest.raises(PandaError, match="no space left"), files.atomic_path(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


def test_a_real_full_disk_leaves_nothing_half_written():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space left"), full.open("w") as stream:
        stream.write("x")
        stream.flush()


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty"])
def test_damaged_tables_and_arrays_are_named(tmp_path: Path, damage: str):
    table, arrays, document = tmp_path / "t.parquet", tmp_path / "a.npz", tmp_path / "d.json"
    files.write_table(pd.DataFrame({"x": np.arange(1000.0)}), table)
    files.write_arrays(arrays, x=np.random.default_rng(0).normal(size=1000))
    files.write_json(document, {"x": list(range(100))})
    for path, read in ((table, files.read_table), (arrays, files.read_arrays), (document, files.read_json)):
        whole = path.read_bytes()
        path.write_bytes(
            {"truncate": whole[: len(whole) // 2], "garbage": b"\x00" * 200, "empty": b""}[damage]
        )
        with pytest.raises(PandaError, match=path.name) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_another_table_than_the_one_needed_is_named(tmp_path: Path):
    path = tmp_path / "t.parquet"
    files.write_table(pd.DataFrame({"x": [1.0], "y": [2.0]}), path)
    assert list(files.read_table(path, ["x"]).columns) == ["x", "y"]
    with pytest.raises(PandaError, match=r"t\.parquet: no column 'system'; it is another table"):
        files.read_table(path, ["x", "system"])


def test_a_file_that_no_run_made_is_not_to_be_removed(tmp_path: Path):
    path = tmp_path / "README.md"
    path.write_text("# mine")
    for read in (files.read_table, files.read_arrays, files.read_json):
        with pytest.raises(PandaError, match="correct the path") as error:
            read(path)
        assert "delete it" not in str(error.value)


def test_round_trips(tmp_path: Path):
    frame = pd.DataFrame({"x": [0.1, np.nan], "name": ["a", "b"], "list": [[1.0, 2.0], []]})
    files.write_table(frame, tmp_path / "t.parquet")
    back = files.read_table(tmp_path / "t.parquet")
    assert back["x"].tolist()[0] == 0.1 and list(back["list"][0]) == [1.0, 2.0]
    assert (tmp_path / "t.csv").is_file()
    files.write_arrays(tmp_path / "a.npz", x=np.eye(3))
    assert np.array_equal(files.read_arrays(tmp_path / "a.npz")["x"], np.eye(3))


def test_pickled_arrays_are_refused(tmp_path: Path):
    with pytest.raises(PandaError, match="Python objects"):
        files.write_arrays(tmp_path / "a.npz", x=np.array([{}, []], dtype=object))
    np.savez(tmp_path / "b.npz", x=np.array([{}], dtype=object))
    with pytest.raises(PandaError, match=r"b\.npz"):
        files.read_arrays(tmp_path / "b.npz")
