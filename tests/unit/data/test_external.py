"""Published layouts, on files of them made here: names, offsets, splits, and every flaw named."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from panda.cli import app
from panda.core.errors import PandaError
from panda.core.resolved import write_resolved
from panda.data.external import find_published, own_split, read_published
from panda.data.store import TrajectoryStore
from tests.conftest import ROOT

N_POINTS = 64
START = datetime(2025, 5, 1, 12, 30)


def numbers(seed: int, dimension: int = 3, n_points: int = N_POINTS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(dimension, n_points))


def hub_table(rows: list[tuple[str, str, np.ndarray]], kind=None) -> pa.Table:
    """Rows (directory, file, numbers) as a Parquet file on the Hub has them."""
    return pa.table(
        {
            "start": [START] * len(rows),
            "target": pa.array([x.ravel().tolist() for _, _, x in rows], pa.list_(kind or pa.float64())),
            "target._np_shape": [list(x.shape) for _, _, x in rows],
            "_source_directory": [directory for directory, _, _ in rows],
            "_source_filename": [name for _, name, _ in rows],
        }
    )


def write_hub(path: Path, rows: list[tuple[str, str, np.ndarray]], **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(hub_table(rows, **options), path)
    return path


def write_local(path: Path, x: np.ndarray, shape: bool = True) -> Path:
    """One trajectory as gluonts' ArrowWriter(compression="lz4") writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"start": [START], "target": [x.ravel()]}
    if shape:
        columns["target._np_shape"] = [list(x.shape)]
    batch = pa.record_batch(list(map(pa.array, columns.values())), names=list(columns))
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return path


def read(folder: Path):
    return list(read_published(find_published(folder)))


# Directory and file name; system, initial condition of ours. The reference counts files from 1, parameters from 0.
NAMES = [
    ("Aizawa", "1_T-64.arrow", "Aizawa-pp0", 0),
    ("Aizawa", "17_T-64.arrow", "Aizawa-pp16", 0),
    ("Lorenz_Rossler", "3_T-64.arrow", "Lorenz_Rossler-pp2", 0),
    ("Aizawa-pp0", "16_T-64.arrow", "Aizawa-pp0", 15),
    ("Lorenz_Rossler-pp12", "1_T-64.arrow", "Lorenz_Rossler-pp12", 0),
    ("Lorenz_Rossler", "pp7_2_T-64.arrow", "Lorenz_Rossler-pp7", 1),
]


@pytest.mark.parametrize("layout", ["hub", "local"])
@pytest.mark.parametrize(("directory", "filename", "system", "condition"), NAMES)
def test_names_become_ours(tmp_path, layout, directory, filename, system, condition):
    x = numbers(0)
    if layout == "hub":
        write_hub(tmp_path / "train-00000-of-00002.parquet", [(directory, filename, x)])
    else:
        write_local(tmp_path / "train" / directory / filename, x)
    (one,) = read(tmp_path)
    row = one.trajectory
    assert (one.split, row.system, row.initial_condition) == ("train", system, condition)
    assert f"{row.name}-pp{row.perturbation}" == system
    assert row.population == ("skew" if row.response else "founder")
    assert np.isnan([row.period, row.dt, row.largest_exponent]).all()
    np.testing.assert_array_equal(row.target, x)


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_a_hub_file_of_many_rows_and_dimensions(tmp_path, kind):
    rows = [("Lorenz", f"{i + 1}_T-64.arrow", numbers(i, dimension=3 + i % 4)) for i in range(80)]
    write_hub(tmp_path / "data" / "test_zeroshot-00000-of-00001.parquet", rows, kind=kind)
    found = read(tmp_path)
    assert len(found) == 80 and {one.split for one in found} == {"test_zeroshot"}
    for (_, _, x), one in zip(rows, found, strict=True):
        np.testing.assert_array_equal(one.trajectory.target, x.astype(kind.to_pandas_dtype()))


def test_a_directory_column_with_a_path_gives_its_last_part(tmp_path):
    write_hub(tmp_path / "train.parquet", [("train/Lorenz", "1_T-64.arrow", numbers(0))])
    assert read(tmp_path)[0].trajectory.system == "Lorenz-pp0"


def test_gluonts_own_writer_writes_what_is_read(tmp_path):
    arrow = pytest.importorskip("gluonts.dataset.arrow")
    x = numbers(1, dimension=4)
    path = tmp_path / "final_skew40" / "train" / "Lorenz_Chua" / "5_T-64.arrow"
    path.parent.mkdir(parents=True)
    entry = {"start": pd.Period("2025-05-01 12:30", freq="h"), "target": x}
    arrow.ArrowWriter(compression="lz4").write_to_file([entry], path=path)
    (one,) = read(tmp_path)
    assert (one.split, one.trajectory.system) == ("train", "Lorenz_Chua-pp4")
    np.testing.assert_array_equal(one.trajectory.target, x)
    # One row per channel, its univariate form.
    rows = [{"start": entry["start"], "target": channel} for channel in x]
    arrow.ArrowWriter(compression="lz4").write_to_file(rows, path=path)
    np.testing.assert_array_equal(read(tmp_path)[0].trajectory.target, x)


def test_a_channel_without_a_shape_is_a_trajectory_of_one(tmp_path):
    write_local(tmp_path / "train" / "Lorenz" / "1_T-64.arrow", numbers(0, dimension=1)[0], shape=False)
    assert read(tmp_path)[0].trajectory.target.shape == (1, N_POINTS)


@pytest.mark.parametrize(
    ("publisher", "name", "split"),
    [
        ("train", "Aizawa_Lorenz", "train"),
        ("train", "Aizawa_Chua", "validation"),  # validation founders stay apart
        ("train", "Aizawa_Rossler", "test"),  # a held-out founder never trains
        ("test_zeroshot", "Rossler_Lorenz", "test"),
        ("test", "Aizawa_Lorenz", None),  # what its publisher tests on never trains either
        ("test", "Aizawa_Chua", None),
        ("split_3", "Aizawa_Lorenz", "train"),
    ],
)
def test_splits_are_by_founder(tmp_path, smoke, publisher, name, split):
    write_local(tmp_path / publisher / name / "1_T-64.arrow", numbers(0))
    assert own_split(read(tmp_path)[0], smoke.discover.founders) == split


def test_splits_of_the_scaling_law_are_nested_so_one_is_imported(tmp_path):
    """Half the systems have twice the initial conditions, the first of which are copies of the larger split's."""
    for split, systems, n_conditions in (("split_0-2", 2, 4), ("split_0-4", 4, 2), ("split_0-8", 8, 1)):
        for perturbation in range(systems):
            for condition in range(n_conditions):
                x = numbers(100 * perturbation + condition)
                path = tmp_path / "scalinglaw" / split / f"Aizawa_Lorenz-pp{perturbation}"
                write_local(path / f"{condition + 1}_T-64.arrow", x)
    for split, systems, n_conditions in (("split_0-2", 2, 4), ("split_0-4", 4, 2), ("split_0-8", 8, 1)):
        found = read(tmp_path / "scalinglaw" / split)
        assert {one.split for one in found} == {split}
        keys = {(one.trajectory.perturbation, one.trajectory.initial_condition) for one in found}
        assert keys == {(i, j) for i in range(systems) for j in range(n_conditions)}
    with pytest.raises(PandaError, match=r"initial condition 0, is in .*split_0-2.* import one of the two"):
        read(tmp_path / "scalinglaw")


@pytest.mark.parametrize(
    ("directory", "filename", "message"),
    [
        ("A_B_C", "1_T-64.arrow", "'A_B_C' is no system name"),
        ("Lorenz", "1.arrow", "'1.arrow' is no file name of the layout"),
        ("Lorenz", "0_T-64.arrow", "counts from 1"),
        ("Lorenz", "1_T-65.arrow", "the name says"),
    ],
)
def test_foreign_names_are_refused(tmp_path, directory, filename, message):
    write_hub(
        tmp_path / "train.parquet",
        [("Lorenz", "9_T-64.arrow", numbers(1)), (directory, filename, numbers(0))],
    )
    with pytest.raises(PandaError, match=rf"train\.parquet, row 1 .*{message}"):
        read(tmp_path)
    (tmp_path / "train.parquet").unlink()
    write_local(tmp_path / "train" / directory / filename, numbers(0))
    with pytest.raises(PandaError, match=f"{filename}: .*{message}"):
        read(tmp_path)


def test_numbers_that_do_not_fit_are_refused(tmp_path):
    x = numbers(0)
    bad = x.copy()
    bad[1, 5] = np.nan
    transposed = ("Lorenz", "2_T-64.arrow", x.T)
    for rows, message in (
        ([("Lorenz", "2_T-64.arrow", bad)], "not finite"),
        ([transposed], "the name says"),
        ([("Lorenz", "2_T-64.arrow", x[0])], "the name says"),
    ):
        write_hub(tmp_path / "train.parquet", rows)
        with pytest.raises(PandaError, match=rf"row 0 \(Lorenz/2_T-64\.arrow\): .*{message}"):
            read(tmp_path)
    table = hub_table([("Lorenz", "2_T-64.arrow", x)])
    for column, value, message in (
        ("target._np_shape", pa.array([[3, 63]]), "do not fill"),
        ("target", pa.array([None], pa.list_(pa.float64())), "no numbers"),
        ("target", pa.array([[1.0, None] * 96]), "gaps"),
        ("target", pa.array([["a"] * 192]), "floating-point numbers expected"),
    ):
        position = table.schema.names.index(column)
        pq.write_table(table.set_column(position, column, value), tmp_path / "train.parquet")
        with pytest.raises(PandaError, match=f"row 0 .*{message}"):
            read(tmp_path)


def test_a_trajectory_twice_is_refused(tmp_path):
    write_hub(tmp_path / "train.parquet", [("Lorenz", "2_T-64.arrow", numbers(0))])
    write_local(tmp_path / "more" / "Lorenz-pp1" / "1_T-64.arrow", numbers(0))
    with pytest.raises(
        PandaError, match=r"2_T-64\.arrow\): Lorenz-pp1, initial condition 0, is in .*1_T-64\.arrow too"
    ):
        read(tmp_path)


@pytest.mark.parametrize("layout", ["hub", "local"])
def test_truncated_and_foreign_files_are_named(tmp_path, layout):
    if layout == "hub":
        path = write_hub(tmp_path / "train.parquet", [("Lorenz", "1_T-64.arrow", numbers(0))])
    else:
        path = write_local(tmp_path / "train" / "Lorenz" / "1_T-64.arrow", numbers(0))
    whole = path.read_bytes()
    for length in [0, 3, 100, len(whole) // 2, len(whole) - 9, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(PandaError, match=path.name) as error:
            read(tmp_path)
        assert "\n" not in str(error.value)
    path.write_text("no such format\n" * 100)
    with pytest.raises(PandaError, match=rf"{path.name}: not a whole"):
        read(tmp_path)


def test_files_of_another_layout_are_named(tmp_path):
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "a.parquet")
    with pytest.raises(PandaError, match=r"a\.parquet: no column 'target'.*its columns: x"):
        read(tmp_path)
    (tmp_path / "a.parquet").unlink()
    path = write_local(tmp_path / "train" / "Lorenz" / "1_T-64.arrow", numbers(0))
    table = pa.table({"target": [[1.0] * N_POINTS] * 2, "target._np_shape": [[1, N_POINTS]] * 2})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(PandaError, match=r"1_T-64\.arrow: 2 trajectories"):
        read(tmp_path)


def test_a_folder_without_such_files_is_named(tmp_path):
    with pytest.raises(PandaError, match="no such folder"):
        find_published(tmp_path / "gone")
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(PandaError, match=r"no \.parquet or \.arrow"):
        find_published(tmp_path)


def run_import(folder: Path, out: Path, config: Path, *more: str):
    """`panda integrate import` into `out`; the files by split."""
    paths = {split: out / f"{split}.arrow" for split in ("train", "validation", "test")}
    words = [word for split, path in paths.items() for word in (f"--{split}", str(path))]
    done = CliRunner().invoke(
        app,
        ["integrate", "import", str(folder), *words, "--config", str(config), *more],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    return done.output, {split: TrajectoryStore.open(path) for split, path in paths.items()}


def test_the_command_makes_the_files_that_stages_take(tmp_path, smoke):
    data = tmp_path / "skew40"
    systems = ["Aizawa_Lorenz", "Aizawa_Chua", "Rossler_Lorenz", "Lorenz_Rossler"]
    rows = [(name, f"{i + 1}_T-64.arrow", numbers(i)) for i in range(3) for name in systems]
    for split, part in (
        ("train", rows[:8]),
        ("test", [*rows[8:], ("Chen_Lorenz", "1_T-64.arrow", numbers(9))]),
    ):
        write_hub(data / "data" / f"{split}-00000-of-00001.parquet", part)
    output, stores = run_import(data, tmp_path / "whole", ROOT / "config.yaml")
    # Of the publisher's test file, systems with a held-out founder are ours to test on; the others are left out.
    assert {split: len(store) for split, store in stores.items()} == {"train": 2, "validation": 2, "test": 6}
    assert "imported: 2 train, 2 validation, 6 test, 3 left_out" in output
    assert set(stores["train"].table["name"]) == {"Aizawa_Lorenz"}
    np.testing.assert_array_equal(stores["train"].series(0), numbers(0).astype(np.float32))
    # Shards are parts of the files (more shards than files leave some empty): together they are the whole.
    config = smoke.model_copy(update={"integrate": smoke.integrate.model_copy(update={"n_shards": 3})})
    write_resolved(config, tmp_path / "config.yaml")
    parts = [
        run_import(data, tmp_path / str(i), tmp_path / "config.yaml", "--shard", str(i))[1] for i in range(3)
    ]
    for split, store in stores.items():
        systems = [system for part in parts for system in part[split].table["system"]]
        assert sorted(systems) == sorted(store.table["system"])
    with pytest.raises(PandaError, match=r"--shard 3 is outside 0\.\.2"):
        run_import(data, tmp_path / "3", tmp_path / "config.yaml", "--shard", "3")


def test_a_flaw_leaves_no_file(tmp_path):
    rows = [("Aizawa_Lorenz", "1_T-64.arrow", numbers(0)), ("Aizawa_Lorenz", "x.arrow", numbers(1))]
    write_hub(tmp_path / "in" / "train.parquet", rows)
    with pytest.raises(PandaError, match=r"x\.arrow"):
        run_import(tmp_path / "in", tmp_path / "out", ROOT / "config.yaml")
    assert list((tmp_path / "out").iterdir()) == []


ROWS = {
    "train": [("Aizawa_Lorenz", "1_T-64.arrow", numbers(0)), ("Aizawa-pp3", "2_T-64.arrow", numbers(1, 4))],
    "test": [("Chen_Lorenz", "1_T-64.arrow", numbers(2))],
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A set of two splits as `save_to_disk` of `datasets` leaves it."""
    datasets = pytest.importorskip("datasets")
    splits = {
        split: datasets.Dataset.from_dict(hub_table(rows).to_pydict(), split=split)
        for split, rows in ROWS.items()
    }
    datasets.DatasetDict(splits).save_to_disk(str(tmp_path / "skew40"))
    return tmp_path / "skew40"


def test_a_set_saved_by_datasets_is_read(saved: Path):
    found = read(saved)
    assert {(one.split, one.trajectory.system) for one in found} == {
        ("train", "Aizawa_Lorenz-pp0"),
        ("train", "Aizawa-pp3"),
        ("test", "Chen_Lorenz-pp0"),
    }
    wanted = {"Aizawa_Lorenz-pp0": numbers(0), "Aizawa-pp3": numbers(1, 4), "Chen_Lorenz-pp0": numbers(2)}
    for one in found:
        np.testing.assert_array_equal(one.trajectory.target, wanted[one.trajectory.system])
    # One split alone, in a folder of any name, still says which it is; caches beside the data are no data.
    alone = saved.rename(saved.with_name("x")) / "test"
    (alone / "cache-0123456789abcdef.arrow").write_bytes((alone / "data-00000-of-00001.arrow").read_bytes())
    assert [one.split for one in read(alone.rename(alone.with_name("anything")))] == ["test"]


def test_a_damaged_set_saved_by_datasets_is_named(saved: Path):
    path = saved / "train" / "data-00000-of-00001.arrow"
    data, state = path.read_bytes(), (saved / "train" / "state.json").read_text()
    for cut in (0, 9, len(data) // 2, len(data) - 8, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(PandaError, match=r"data-00000-of-00001\.arrow: not a whole Arrow stream"):
            read(saved)
    path.write_bytes(data)
    for text in ("{", "[]", '{"_data_files": 3}'):
        (saved / "train" / "state.json").write_text(text)
        with pytest.raises(PandaError, match=r"state\.json: "):
            read(saved)
    (saved / "train" / "state.json").write_text(state)
    assert len(read(saved)) == 3
    (saved / "train" / "state.json").unlink()
    with pytest.raises(PandaError, match=r"an Arrow stream without the state\.json"):
        read(saved)
