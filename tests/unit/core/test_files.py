"""Files appear whole or not at all, and damaged ones are named."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
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


def test_a_table_longer_than_anyone_reads_has_no_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "CSV_ROWS", 3)
    path = tmp_path / "t.parquet"
    files.write_table(pd.DataFrame({"x": range(3)}), path)
    assert path.with_suffix(".csv").is_file()
    files.write_table(pd.DataFrame({"x": range(4)}), path)
    assert len(files.read_table(path)) == 4
    assert not path.with_suffix(".csv").exists()


def test_a_file_has_the_permissions_of_other_files_whatever_its_writer_gave_it(tmp_path: Path):
    before = os.umask(0o027)
    try:
        with files.atomic_path(tmp_path / "a.bin") as temporary:
            temporary.unlink()
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == 0o640


KILLED = """
import os, signal, sys
from panda.core import files
with files.atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    if sys.argv[2:]:
        print(temporary.name, flush=True)
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_killed_writers_left_goes_and_what_living_ones_write_stays(tmp_path: Path):
    call = [sys.executable, "-c", KILLED]
    subprocess.run([*call, str(tmp_path / "a.csv")], check=False, cwd=ROOT)
    (older := tmp_path / ".b.4711.part.csv").write_text("of a version without locks")
    assert len(list(tmp_path.iterdir())) == 2
    with subprocess.Popen(
        [*call, str(tmp_path / "b.csv"), "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as writer:
        part = writer.stdout.readline().strip()
        (mine := tmp_path / ".mine.part").write_text("not ours")
        files.write_text(tmp_path / "b.csv", "x")
        assert not older.exists()
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([part, mine.name, "b.csv"])
        writer.communicate("")
    files.write_text(tmp_path / "b.csv", "y")
    assert sorted(p.name for p in tmp_path.iterdir()) == [mine.name, "b.csv"]


def test_two_writers_of_equal_process_and_host_do_not_collide(tmp_path: Path):
    path = tmp_path / "a.txt"
    with files.atomic_path(path) as one:
        one.write_text("one")
        with files.atomic_path(path) as other:
            other.write_text("other")
            assert one != other
        assert path.read_text() == "other"
    assert path.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_long_name_has_a_temporary_one(tmp_path: Path):
    path = tmp_path / ("x" * 240 + ".json")
    files.write_json(path, [1])
    assert files.read_json(path) == [1]


def test_tables_of_others_need_no_digest(tmp_path: Path):
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert files.read_table(tmp_path / "a.parquet").equals(frame)
    files.write_table(frame, tmp_path / "b.parquet")
    # Whoever writes a table of ours again, with pandas or pyarrow, has made a table of their own.
    pd.read_parquet(tmp_path / "b.parquet").assign(x=3.0).to_parquet(tmp_path / "c.parquet")
    assert files.read_table(tmp_path / "c.parquet")["x"].tolist() == [3.0, 3.0]
    pq.write_table(pq.read_table(tmp_path / "b.parquet").slice(1), tmp_path / "d.parquet")
    assert files.read_table(tmp_path / "d.parquet")["x"].tolist() == [2.0]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no list of threads here")
def test_a_table_is_read_without_threads(tmp_path: Path):
    """A thread of pyarrow's that lets go of a Python object at exit aborted one command in fifteen."""
    text = [f"name {i}" for i in range(300)]
    files.write_table(pd.DataFrame({"x": np.arange(300.0), "text": text}), tmp_path / "a.parquet")
    script = """
import os, sys
import pandas, pyarrow.parquet
from panda.core.files import read_table
before = os.listdir("/proc/self/task")
assert len(read_table(sys.argv[1])) == 300
assert os.listdir("/proc/self/task") == before
"""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", script, str(tmp_path / "a.parquet")]
    subprocess.run(command, check=True, cwd=ROOT, env={**environment, "OMP_NUM_THREADS": "2"})


def test_a_file_is_held_against_the_digest_beside_it(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"x": np.arange(100.0)}).to_parquet(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "a.parquet.sha256").write_text(f"{digest}  a.parquet\n")
    files.read_table(path)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        PandaError, match=r"a\.parquet: damaged, or another file than a\.parquet\.sha256 says"
    ):
        files.read_table(path)


def test_json_is_held_against_the_digest_in_it(tmp_path: Path):
    path = tmp_path / "a.json"
    files.write_json(path, {"Lorenz": [{"ic": [0.1]}]}, digest=True)
    assert files.read_json(path) == {"Lorenz": [{"ic": [0.1]}]}
    # The reference's reader goes through systems and their entries: the digest is one without any.
    assert sorted(map(len, json.loads(path.read_text()).values())) == [0, 1]
    path.write_text(path.read_text().replace("0.1", "0.3"))
    with pytest.raises(PandaError, match=r"a\.json: damaged .* if you changed it yourself, take out its key"):
        files.read_json(path)
    path.write_text('{"Lorenz": [{"ic": [0.3]}]}')
    assert files.read_json(path) == {"Lorenz": [{"ic": [0.3]}]}
    with pytest.raises(PandaError, match="damaged"):
        files.read_json(path, digest=True)


def test_a_key_that_is_there_twice_is_named(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text('{"SprottA": [1], "SprottA": [2]}')
    with pytest.raises(PandaError, match=r"a\.json: .*the key 'SprottA' is there twice"):
        files.read_json(path)
