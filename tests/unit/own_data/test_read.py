"""Files of every kind are read as they were written, and damaged or foreign ones are refused in a line."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from panda.core.errors import PandaError
from panda.own_data.read import read_file

FRAME = pd.DataFrame({"t": [0.0, 0.1, 0.2], "x": [1.5, -2.25, 1e-300], "n": [1, 2, 3]})


def refusal(path: Path) -> str:
    with pytest.raises(PandaError) as error:
        read_file(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


def written(path: Path, frame: pd.DataFrame = FRAME) -> Path:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".arrow":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.arrow", "a.feather"])
def test_a_table_is_read_as_it_was_written(tmp_path: Path, name: str):
    frame, rows = read_file(written(tmp_path / name))
    pd.testing.assert_frame_equal(frame, FRAME)
    assert len(rows) == 3
    word = "line 3" if name == "a.csv" else "row 2"
    assert rows.at(1, "x") == f"{tmp_path / name}, {word}, column 'x'"


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "u1", "bool", ">f8"])
@pytest.mark.parametrize("shape", [(5,), (5, 2)])
def test_arrays(tmp_path: Path, kind: str, shape: tuple[int, ...]):
    array = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    np.save(tmp_path / "a.npy", array)
    frame, _ = read_file(tmp_path / "a.npy")
    np.testing.assert_array_equal(frame.to_numpy(), array.reshape(5, -1))
    assert list(frame.columns) == [f"channel_{i + 1}" for i in range(frame.shape[1])]


@pytest.mark.parametrize(
    ("text", "columns", "values"),
    [
        ("x,y\n1,2\n3,4\n", ["x", "y"], [[1, 2], [3, 4]]),
        ("\ufeffx,y\r\n1,2\r\n3,4\r\n", ["x", "y"], [[1, 2], [3, 4]]),
        ("x;y\n1,5;2\n3;4\n", ["x", "y"], [[1.5, 2], [3, 4]]),
        ("x;y\n1.5;2\n3;4\n", ["x", "y"], [[1.5, 2], [3, 4]]),
        ("x\ty\n1\t2\n3\t4", ["x", "y"], [[1, 2], [3, 4]]),
        ("x, y\n1, 2\n3, 4\n\n\n", ["x", "y"], [[1, 2], [3, 4]]),
        ("x,y,\n1,2,\n3,4,\n", ["x", "y"], [[1, 2], [3, 4]]),
        ("1,2\n3,4\n", ["channel_1", "channel_2"], [[1, 2], [3, 4]]),
        ("1.5e0\n2\n", ["channel_1"], [[1.5], [2]]),
        ("1.0 2.0\n3.0 4.0\n", ["channel_1", "channel_2"], [[1, 2], [3, 4]]),
        ("x   y\n 1   2\n 3  -4\n", ["x", "y"], [[1, 2], [3, -4]]),
        ("my value\n1\n2\n", ["my value"], [[1], [2]]),
        ("x\n1\n\n3\n", ["x"], [[1], [np.nan], [3]]),
        ('"a b","c,d"\n1,2\n3,NA\n', ["a b", "c,d"], [[1, 2], [3, np.nan]]),
        ("x,y\n1\n3,4\n", ["x", "y"], [[1, np.nan], [3, 4]]),
    ],
)
def test_text_of_many_habits(tmp_path: Path, text: str, columns: list[str], values: list[list[float]]):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    frame, _ = read_file(path)
    assert list(frame.columns) == columns
    np.testing.assert_array_equal(frame.to_numpy(float), values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; give a series"),
        (b"\n\n  \n", "empty; give a series"),
        (b"x,y\n", "no rows in it"),
        (b"x,y\n1,2\n3,\xe9\n", ", line 3: not UTF-8 text (byte 0xe9)"),
        (b"x,x\n1,2\n", ", line 1: two columns are called 'x'; rename one"),
        (b"x,y\n1,2\n3,4,5\n", ", line 3: 3 cells, and there are 2 columns"),
        (b"x,y\n1,2,3\n3,4,5\n", ", line 2: more cells than the 2 columns"),
        (b'x,y\n1,2\n3,"4\n', ", line 3: a quotation mark is not closed"),
    ],
)
def test_text_that_is_no_table(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert message in refusal(path)


def test_other_kinds_are_refused(tmp_path: Path):
    (tmp_path / "a.xlsx").write_bytes(b"x")
    assert "give one of .csv, .tsv" in refusal(tmp_path / "a.xlsx")
    assert "no such file" in refusal(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather", "a.npy"])
def test_half_a_file_is_refused(tmp_path: Path, name: str):
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, np.arange(100.0))
    else:
        written(path)
    path.write_bytes(path.read_bytes()[:-40])
    assert "not a whole" in refusal(path)


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "a.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    assert "not a whole .npy file of numbers" in refusal(tmp_path / "a.npy")
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Evil()))
    assert "not a whole .npy file of numbers" in refusal(tmp_path / "b.npy")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("array", [np.zeros((2, 3, 4)), np.array(1.0), np.zeros(3, complex), np.array(["a"])])
def test_arrays_that_are_no_series(tmp_path: Path, array: np.ndarray):
    np.save(tmp_path / "a.npy", array)
    assert "give numbers (time,) or (time, channel)" in refusal(tmp_path / "a.npy")


def test_an_index_that_pandas_stored_is_a_column_again(tmp_path: Path):
    times = pd.date_range("2024-01-01", periods=3, name="day")
    pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=times).to_parquet(tmp_path / "a.parquet")
    frame, _ = read_file(tmp_path / "a.parquet")
    assert list(frame.columns) == ["day", "x"]
