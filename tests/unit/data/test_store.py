from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from panda.core.errors import PandaError
from panda.data.store import SCHEMA, TrajectoryStore, write_trajectories


@pytest.fixture
def rows(make_trajectory):
    return [
        make_trajectory(i, dimension=d, n_points=n) for i, (d, n) in enumerate([(3, 50), (4, 50), (10, 33)])
    ]


@pytest.fixture
def path(tmp_path, rows):
    assert write_trajectories(tmp_path / "a.arrow", iter(rows)) == 3
    return tmp_path / "a.arrow"


def test_what_is_written_is_read(path, rows):
    store = TrajectoryStore.open(path)
    assert len(store) == 3
    for i, row in enumerate(rows):
        series = store.series(i)
        assert series.dtype == np.float32
        np.testing.assert_array_equal(series, row.target)
        for column in ("system", "name", "driver", "response", "population", "perturbation", "period", "dt"):
            assert store.table[column][i] == getattr(row, column)
    assert store.table["largest_exponent"].isna().all()
    assert list(store.table["dimension"]) == [3, 4, 10]
    assert list(store.table["n_points"]) == [50, 50, 33]
    assert not {"target", "crc32", "description_crc32"} & set(store.table.columns)


def test_series_are_views_of_the_map_not_copies(path):
    before = pa.total_allocated_bytes()
    series = TrajectoryStore.open(path).series(0)
    assert not series.flags.owndata
    assert not series.flags.writeable
    assert pa.total_allocated_bytes() == before


def test_the_datasets_library_opens_it(path, rows, tmp_path):
    datasets = pytest.importorskip("datasets")
    opened = datasets.Dataset.from_file(str(path))
    assert len(opened) == 3
    assert opened[1]["system"] == rows[1].system
    np.testing.assert_array_equal(np.array(opened[2]["target"], dtype=np.float32), rows[2].target)


@pytest.mark.parametrize("spread", [[[0, 1, 2, 3]], [[3], [], [1, 0], [2]], [[2, 0], [3, 1]]])
def test_the_order_is_by_system_and_initial_condition_however_they_are_spread(
    tmp_path, make_trajectory, spread
):
    rows = [
        replace(make_trajectory(i, dimension=3 + i), system=system, initial_condition=condition)
        for i, (system, condition) in enumerate([("A-pp0", 0), ("A-pp0", 2), ("A-pp0", 10), ("B-pp0", 1)])
    ]
    paths = [tmp_path / f"{i}.arrow" for i in range(len(spread))]
    for path, own in zip(paths, spread, strict=True):
        write_trajectories(path, [rows[i] for i in own])
    store = TrajectoryStore.open(paths)
    assert list(store.table["initial_condition"]) == [0, 2, 10, 1]
    assert list(store.table["dimension"]) == [3, 4, 5, 6]
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(store.series(i), row.target)
    part = store.subset([False, True, False, True])
    np.testing.assert_array_equal(part.series(1), rows[3].target)


def test_a_trajectory_that_occurs_twice_is_refused(path, tmp_path, make_trajectory):
    write_trajectories(tmp_path / "b.arrow", [make_trajectory(7), make_trajectory(1)])
    for paths in ([path, tmp_path / "b.arrow"], [path, path]):
        with pytest.raises(
            PandaError, match=r"trajectory 'A_B-pp[01]', initial condition 0, is in .*a\.arrow too"
        ):
            TrajectoryStore.open(paths)


def test_a_file_of_several_rows_a_batch_reads_the_same(path, rows, tmp_path):
    with pa.ipc.open_stream(path.read_bytes()) as reader:
        table = reader.read_all().combine_chunks()
    with pa.ipc.new_stream(str(tmp_path / "one.arrow"), SCHEMA) as writer:
        writer.write_table(table)
    store = TrajectoryStore.open(tmp_path / "one.arrow")
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(store.series(i), row.target)


def test_an_empty_store_is_a_store(tmp_path):
    assert write_trajectories(tmp_path / "none.arrow", []) == 0
    store = TrajectoryStore.open(tmp_path / "none.arrow")
    assert len(store) == 0
    assert "population" in store.table.columns
    assert len(TrajectoryStore.open([])) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_refused_and_leave_no_file(tmp_path, make_trajectory, bad):
    row = make_trajectory(0)
    target = row.target.astype(np.float64)
    target[1, 3] = bad
    with pytest.raises(PandaError, match=r"a\.arrow.*A_B-pp0.*finite"):
        write_trajectories(tmp_path / "a.arrow", [type(row)(**{**vars(row), "target": target})])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(5,), (3, 0), (0, 5), (1, 2, 3)])
def test_other_shapes_are_refused(tmp_path, make_trajectory, shape):
    row = make_trajectory(0)
    with pytest.raises(PandaError, match="dimension, time"):
        write_trajectories(tmp_path / "a.arrow", [type(row)(**{**vars(row), "target": np.zeros(shape)})])


def test_a_missing_and_a_foreign_file_are_named(tmp_path):
    with pytest.raises(PandaError, match=r"gone\.arrow: no such file"):
        TrajectoryStore.open(tmp_path / "gone.arrow")
    (tmp_path / "text.arrow").write_text("hello, this is no Arrow file\n" * 50)
    with pytest.raises(PandaError, match=r"text\.arrow: not a whole trajectory file"):
        TrajectoryStore.open(tmp_path / "text.arrow")
    (tmp_path / "nothing.arrow").touch()
    with pytest.raises(PandaError, match="empty file"):
        TrajectoryStore.open(tmp_path / "nothing.arrow")
    other = pa.table({"system": ["a"], "target": [[1.0]]})
    with pa.ipc.new_stream(str(tmp_path / "other.arrow"), other.schema) as writer:
        writer.write_table(other)
    with pytest.raises(PandaError, match="no column 'crc32'"):
        TrajectoryStore.open(tmp_path / "other.arrow")


def test_every_truncation_is_seen(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 8, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(PandaError, match=r"a\.arrow"):
            TrajectoryStore.open(path)


def test_no_flipped_bit_changes_a_number_unseen(path, rows):
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(3)
    n_refused = 0
    for position in rng.choice(len(whole), 300, replace=False):
        damaged = whole.copy()
        damaged[position] ^= 1 << int(rng.integers(8))
        # Another file each time: the one before may still be mapped.
        other = path.with_name(f"{position}.arrow")
        other.write_bytes(damaged)
        try:
            store = TrajectoryStore.open(other)
            series = [store.series(i) for i in range(len(store))]
        except PandaError as error:
            n_refused += 1
            assert "\n" not in str(error)
            continue
        for i, (row, seen) in enumerate(zip(rows, series, strict=True)):
            np.testing.assert_array_equal(seen, row.target)
            assert described(store, i) == described(TrajectoryStore.open(path), i)
    assert n_refused > 50


def described(store, i):
    return [None if value != value else value for value in store.table.iloc[i]]


@pytest.mark.parametrize(
    ("column", "new"),
    [
        ("system", "A_C-pp1"),
        ("period", 2.5000001),
        ("dt", float("nan")),
        ("largest_exponent", 0.9),
        ("perturbation", 7),
        ("initial_condition", None),
    ],
)
def test_a_changed_description_is_named(path, tmp_path, column, new):
    with pa.ipc.open_stream(path.read_bytes()) as reader:
        table = reader.read_all()
    values = table[column].to_pylist()
    values[1] = new
    field = table.schema.field(column)
    table = table.set_column(table.schema.names.index(column), field, pa.array(values, field.type))
    with pa.ipc.new_stream(str(tmp_path / "changed.arrow"), SCHEMA) as writer:
        writer.write_table(table)
    with pytest.raises(PandaError, match=r"changed\.arrow: the description of trajectory 1 .*checksum"):
        TrajectoryStore.open(tmp_path / "changed.arrow")


def test_what_is_not_known_is_nan_and_stays_so(tmp_path, make_trajectory):
    row = make_trajectory(0)
    unknown = type(row)(**{**vars(row), "period": float("nan"), "dt": float("nan")})
    write_trajectories(tmp_path / "a.arrow", [unknown])
    table = TrajectoryStore.open(tmp_path / "a.arrow").table
    assert table[["period", "dt", "largest_exponent"]].isna().all(axis=None)


def test_an_end_mark_in_the_middle_is_seen(path):
    whole = path.read_bytes()
    marker, n_refused = b"\xff\xff\xff\xff", 0
    position = whole.find(marker)
    while 0 <= position < len(whole) - 8:
        other = path.with_name(f"{position}.arrow")
        other.write_bytes(whole[: position + 4] + bytes(4) + whole[position + 8 :])
        with pytest.raises(PandaError):
            TrajectoryStore.open(other)
        n_refused += 1
        position = whole.find(marker, position + 8)
    # The schema and three record batches.
    assert n_refused >= 4
