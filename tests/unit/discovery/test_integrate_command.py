"""`panda integrate systems`: five files a shard, which fit one another and do not depend on the shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from panda.cli import app
from panda.core.errors import PandaError
from panda.core.files import read_table, write_table
from panda.core.resolved import write_resolved
from panda.data.store import TrajectoryStore

SPLITS = {
    "Lorenz": "train",
    "Halvorsen": "validation",
    "Rossler": "test",
    "SprottB": "test",
    "Aizawa": "test",
}
KEY = ["system", "initial_condition"]


@pytest.fixture(scope="module")
def config(smoke):
    """Short trajectories of drawn lengths, three of each system; two test systems at length."""
    short = {"n_points": 1536, "n_periods": 12, "transient_points": 512}
    integration = smoke.discover.search.integration.model_copy(update=short)
    search = smoke.discover.search.model_copy(update={"integration": integration})
    integrate = smoke.integrate.model_copy(
        update={
            "n_shards": 2,
            "n_initial_conditions": 3,
            "n_periods": (6, 18),
            "long": smoke.integrate.long.model_copy(update={"n_systems": 2, "n_points": 2200}),
        }
    )
    return smoke.model_copy(
        update={"discover": smoke.discover.model_copy(update={"search": search}), "integrate": integrate}
    )


def run(folder: Path, config, rows: pd.DataFrame, library_folder: Path, shard: int) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    write_table(rows, folder / "catalogue.parquet")
    path = folder / "config.yaml"
    write_resolved(config, path)
    outputs = {name: folder / f"{name}_{shard}.arrow" for name in ("train", "validation", "test", "long")}
    outputs["trust"] = folder / f"trust_{shard}.parquet"
    words = [word for name, file in outputs.items() for word in (f"--{name}", str(file))]
    words += ["--catalogue", str(folder / "catalogue.parquet"), "--shard", str(shard)]
    words += ["--config", str(path), "--library", str(library_folder)]
    done = CliRunner().invoke(app, ["integrate", "systems", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return outputs


@pytest.fixture(scope="module")
def rows(founder_rows) -> pd.DataFrame:
    table = founder_rows(*SPLITS)
    return table.assign(accepted=True, strict=False, split=[SPLITS[name] for name in table["name"]])


@pytest.fixture(scope="module")
def made(tmp_path_factory, config, rows, library_folder):
    folder = tmp_path_factory.mktemp("made")
    return [run(folder, config, rows, library_folder, shard) for shard in range(2)]


def opened(made, name) -> TrajectoryStore:
    return TrajectoryStore.open([outputs[name] for outputs in made])


def test_every_system_has_its_trajectories_in_its_split(made):
    for split in ("train", "validation", "test"):
        table = opened(made, split).table
        assert set(table["driver"]) == {name for name, of in SPLITS.items() if of == split}
        assert table.groupby("system")["initial_condition"].agg(list).map(lambda x: x == [0, 1, 2]).all()


def test_the_stored_time_step_is_that_of_the_drawn_periods(made, rows):
    table = opened(made, "test").table
    n_periods = table["dt"] * 1535 / table["period"]
    np.testing.assert_allclose(n_periods, np.round(n_periods), atol=1e-9)
    assert n_periods.between(5.9, 18.1).all() and n_periods.round().nunique() > 3


def test_every_test_trajectory_has_a_trust_horizon(made):
    horizons = pd.concat([read_table(outputs["trust"]) for outputs in made]).sort_values(KEY)
    table = opened(made, "test").table
    assert horizons[KEY].to_numpy().tolist() == table[KEY].to_numpy().tolist()
    np.testing.assert_array_equal(horizons["dt"], table["dt"])
    assert horizons["trust_points"].between(1, 1024).all()


def test_long_trajectories_begin_as_the_test_ones(made):
    long, test = opened(made, "long"), opened(made, "test")
    assert len(long) == 2 and (long.table["n_points"] == 2200).all()
    for i, row in long.table.iterrows():
        same = test.table[(test.table[KEY] == row[KEY]).all(axis=1)].index[0]
        assert test.table["dt"][same] == row["dt"]
        np.testing.assert_allclose(long.series(i)[:, :1024], test.series(same), rtol=1e-6, atol=1e-6)


def test_shards_do_not_matter(made, tmp_path, config, rows, library_folder):
    one = config.model_copy(update={"integrate": config.integrate.model_copy(update={"n_shards": 1})})
    whole = run(tmp_path / "whole", one, rows, library_folder, 0)
    for name in ("train", "test", "long"):
        store, parts = TrajectoryStore.open(whole[name]), opened(made, name)
        pd.testing.assert_frame_equal(store.table, parts.table, check_exact=True)
        for i in range(len(store)):
            np.testing.assert_array_equal(store.series(i), parts.series(i))


def test_a_shard_that_is_not_there_is_refused(tmp_path, config, rows, library_folder):
    with pytest.raises(PandaError, match=r"--shard 2 is outside 0\.\.1"):
        run(tmp_path / "x", config, rows, library_folder, 2)
