"""Files appear whole or not at all, and damaged ones are named."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.core import files
from panda.core.errors import PandaError
from tests.conftest import ROOT


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


FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np, pandas as pd
from panda.core import files
from panda.core.errors import PandaError
from panda.data.store import Trajectory, write_trajectories

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
rng = np.random.default_rng(0)
numbers = rng.normal(size=100_000)
rows = (
    Trajectory(f"A-pp{i}", "A", "A", "", "founder", i, 0, 1.0, 0.1, 0.0, rng.normal(size=(3, 4096)))
    for i in range(10)
)
writers = {
    "a.arrow": lambda path: write_trajectories(path, rows),
    "a.parquet": lambda path: files.write_table(pd.DataFrame({"x": numbers}), path),
    "a.npz": lambda path: files.write_arrays(path, x=numbers),
    "a.json": lambda path: files.write_json(path, numbers.tolist()),
}
for name, write in writers.items():
    try:
        write(Path(sys.argv[1]) / name)
    except PandaError as error:
        print(name, "|", error)
"""


def test_a_write_that_the_disk_refuses_leaves_nothing_half_written(tmp_path: Path):
    # A limit on the size of a file fails the same writes as a full disk does, in the middle, and needs no mount.
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    lines = done.stdout.splitlines()
    assert [line.split(" | ")[0] for line in lines] == ["a.arrow", "a.parquet", "a.npz", "a.json"]
    assert all("no space left" in line for line in lines)
    assert list(tmp_path.iterdir()) == []


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


def test_a_listing_knows_names_and_sizes_but_not_times(tmp_path: Path):
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "a.arrow"
    file.write_text("abc")
    before = files.listing(tmp_path)
    os.utime(file, (0, 0))
    assert files.listing(tmp_path) == before
    file.write_text("abcd")
    longer = files.listing(tmp_path)
    file.rename(tmp_path / "in" / "b.arrow")
    assert len({before, longer, files.listing(tmp_path)}) == 3
    with pytest.raises(PandaError, match="nowhere: no such folder"):
        files.listing(tmp_path / "nowhere")


def test_long_lists_are_for_machines_where_a_table_has_them(tmp_path: Path):
    frame = pd.DataFrame({"x": [1.0], "signature": [[0.5, 0.25]]})
    files.write_table(frame, tmp_path / "t.parquet", machines_only=("signature", "end_state"))
    assert list(pd.read_csv(tmp_path / "t.csv").columns) == ["x"]
    assert list(files.read_table(tmp_path / "t.parquet").columns) == ["x", "signature"]
