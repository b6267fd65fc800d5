"""Measured series as tables and as data sets of the arena."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config import measured
from panda.core.digest import sha256
from panda.core.errors import PandaError
from panda.core.files import write_arrays
from panda.data.measured import read_measured, series_arrays
from panda.data.series import open_series

FIRST = {"laser": [86, 141, 95, 41], "river_flow": [391.1], "sunspots": [5, 11, 16], "fly_brain": [-0.0303]}


@pytest.mark.parametrize("name", list(measured.measured()))
def test_a_series_has_the_points_and_channels_that_are_listed(name: str):
    entry = measured.measured()[name]
    if entry.lacks:
        pytest.skip(entry.lacks)
    table = read_measured(name)
    assert list(table.columns) == [*([entry.time] if entry.time else []), *entry.channels]
    assert table[entry.channels[0]].iloc[: len(FIRST[name])].tolist() == FIRST[name]
    arrays = series_arrays(name)
    assert arrays["series"].shape == (1, entry.n_points, len(entry.channels))


def test_weeks_that_are_not_whole_are_left_out():
    if lacks := measured.measured()["river_flow"].lacks:
        pytest.skip(lacks)
    entry = measured.measured()["river_flow"]
    whole = pd.read_csv(entry.path)
    rest = whole[whole["Date"].str.endswith("-12-31")]
    gaps = pd.to_datetime(whole["Date"]).diff().dt.days
    assert set(gaps[rest.index].dropna()) == {1, 2} and len(whole) - len(rest) == 26 * 52
    left = read_measured("river_flow")["S12.C.D.S333"].to_numpy()
    np.testing.assert_array_equal(left, whole.drop(rest.index)["S12.C.D.S333"])


def test_the_arena_opens_it(tmp_path):
    write_arrays(tmp_path / "sunspots.npz", **series_arrays("sunspots"))
    store = open_series([tmp_path / "sunspots.npz"], name="sunspots")
    assert store.table["name"].tolist() == ["sunspots"] and store.series(0).shape == (1, 309)
    # No exponent, so no Lyapunov time.
    assert store.table["largest_exponent"].isna().all() and store.table["dt"].isna().all()


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A series of this test's own: `put(array)` makes its file the one that is listed."""
    folder = tmp_path / "measured_here"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    file = folder / "a.npy"

    def put(array: np.ndarray) -> None:
        np.save(file, array, allow_pickle=True)
        update = {"package": "measured_here", "file": "a.npy", "channels": ("x",), "time": None}
        entry = measured.measured()["sunspots"].model_copy(
            update=update | {"n_points": 3, "sha256": sha256(file)}
        )
        monkeypatch.setattr(measured, "measured", lambda: {"ours": entry})

    put.file = file
    return put


def test_the_package_is_not_imported(listed):
    listed(np.array([[1.0], [2.0], [4.0]]))
    assert read_measured("ours")["x"].tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[1.0], [np.nan], [2.0]]), "3 finite rows"),
        (np.ones((2, 1)), "3 finite rows"),
        (np.ones((3, 2)), "not laid out as listed"),
        (np.array([{}, {}, {}], dtype=object)[:, None], "not laid out as listed .*allow_pickle"),
    ],
)
def test_another_layout_is_named(listed, array, said: str):
    listed(array)
    with pytest.raises(PandaError, match=said):
        read_measured("ours")


def test_a_changed_file_is_not_read(listed):
    listed(np.ones((3, 1)))
    listed.file.write_bytes(listed.file.read_bytes() + b" ")
    with pytest.raises(PandaError, match=r"ours: a\.npy of the installed measured_here is another file"):
        read_measured("ours")


def test_a_missing_package_is_one_line(listed, monkeypatch):
    listed(np.ones((3, 1)))
    gone = measured.measured()["ours"].model_copy(update={"package": "no_such_package"})
    monkeypatch.setattr(measured, "measured", lambda: {"ours": gone})
    with pytest.raises(PandaError, match="ours: no_such_package is not installed: pip install"):
        read_measured("ours")
