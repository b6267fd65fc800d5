"""The dataset card: its front matter is what `datasets` opens the files by, its numbers are those of the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from panda.cli import app
from panda.core.errors import PandaError
from panda.core.files import read_table, write_table
from panda.data.card import _COLUMNS
from panda.data.store import SCHEMA, write_trajectories
from tests.conftest import ROOT


@pytest.fixture
def folder(tmp_path: Path, make_trajectory) -> Path:
    """A small run's `integrate` folder: two shards, no validation system, some long ones."""
    for shard, (train, test) in enumerate([(range(3), range(10, 12)), (range(3, 4), ())]):
        for split, rows in {"train": train, "test": test, "validation": ()}.items():
            trajectories = [make_trajectory(i, dimension=3 + i % 2) for i in rows]
            write_trajectories(tmp_path / "integrate" / split / f"{shard}.arrow", trajectories)
        longer = [make_trajectory(10, n_points=400)] if shard == 0 else []
        write_trajectories(tmp_path / "integrate" / "long" / f"{shard}.arrow", longer)
        write_table(horizons(test), tmp_path / "integrate" / "trust" / f"{shard}.parquet")
    catalogue = pd.DataFrame({"accepted": [True] * 6 + [False] * 4, "certified": [True] * 5 + [False] * 5})
    catalogue["system"] = [f"A_B-pp{i}" for i in (0, 1, 2, 3, 10, 11, 4, 5, 6, 7)]
    catalogue = catalogue.assign(name="A_B", driver="A", response="B", split="train")
    write_table(catalogue, tmp_path / "catalogue.parquet")
    return tmp_path / "integrate"


def horizons(numbers) -> pd.DataFrame:
    from panda.integration.trust import trust_table

    return trust_table(
        {
            "system": f"A_B-pp{i}", "name": "A_B", "initial_condition": 0, "n_points": 200, "dt": 0.1,
            "largest_exponent": 0.5, "trust_points": i + 1, "trust_time": 0.1 * i,
            "trust_lyapunov_times": 0.05 * i, "trusted_to_the_end": False,
        }
        for i in numbers
    )  # fmt: skip


def write_card(folder: Path, *more: str):
    files = sorted(map(str, [*folder.glob("*/*.arrow"), *folder.glob("trust/*.parquet")]))
    words = ["--catalogue", str(folder.parent / "catalogue.parquet"), "--output", str(folder / "README.md")]
    words += ["--trust", str(folder / "trust.parquet"), "--config", str(ROOT / "config.yaml")]
    return CliRunner().invoke(app, ["integrate", "card", *files, *more, *words], catch_exceptions=False)


@pytest.fixture
def card(folder: Path) -> str:
    done = write_card(folder)
    assert done.exit_code == 0
    assert "median 0.5 Lyapunov times (12 points) over 2 test trajectories" in done.output
    return (folder / "README.md").read_text()


def test_the_front_matter_names_the_files_that_hold_anything(card):
    matter = yaml.safe_load(card.split("---\n")[1])
    assert matter["license"] == "mit"
    assert matter["task_categories"] == ["time-series-forecasting"]
    assert matter["size_categories"] == ["n<1K"]
    default, long = matter["configs"]
    assert default["config_name"] == "default" and default["default"] is True
    assert default["data_files"] == [
        {"split": "train", "path": ["train/0.arrow", "train/1.arrow"]},
        {"split": "test", "path": ["test/0.arrow"]},
    ]
    assert long == {"config_name": "long", "data_files": [{"split": "test", "path": ["long/0.arrow"]}]}


def test_the_text_tells_what_is_in_the_files(card):
    assert "Of 10 candidates" in card and "6 systems were accepted, 5 of them by every filter" in card
    assert "| `train` | 4 | 4 | 1 | 3 to 4 | 200 | 800 |" in card
    assert "| `validation` | 0 | 0 | 0 | - | - | 0 |" in card
    assert "| `long` | 1 | 1 | 1 | 3 | 400 | 400 |" in card
    assert "rtol 1e-09" in card and "5,120 equally spaced points over 40 dominant periods" in card
    assert "Trust horizon: median 0.5 Lyapunov times" in card
    assert all(f"- `{name}`: " in card for name in SCHEMA.names) and list(_COLUMNS) == SCHEMA.names


def test_all_horizons_are_in_one_table(card, folder):
    table = read_table(folder / "trust.parquet")
    assert table["system"].tolist() == ["A_B-pp10", "A_B-pp11"]


def test_the_table_of_horizons_does_not_depend_on_the_shards(card, folder):
    whole = (folder / "trust.parquet").read_bytes()
    for shard, number in ((0, 11), (1, 10)):
        write_table(horizons([number]), folder / "trust" / f"{shard}.parquet")
    assert write_card(folder).exit_code == 0
    assert (folder / "trust.parquet").read_bytes() == whole


def test_datasets_opens_the_folder_as_the_card_says(card, folder, tmp_path, make_trajectory):
    datasets = pytest.importorskip("datasets")
    (block,) = [part for part in card.split("```python\n")[1:]]
    code = block.split("```")[0].replace("path/to/this/folder", str(folder))
    code = code.replace('split="test")', f'split="test", cache_dir={str(tmp_path / "cache")!r})')
    names: dict = {}
    exec(compile(code, "card", "exec"), names)
    np.testing.assert_array_equal(names["x"], make_trajectory(10).target)
    assert list(names["systems"]["system"]) == ["A_B-pp10", "A_B-pp11"]
    cache = str(tmp_path / "cache")
    train = datasets.load_dataset(str(folder), split="train", cache_dir=cache)
    assert [np.shape(row["target"]) for row in train] == [(3, 200), (4, 200), (3, 200), (4, 200)]
    long = datasets.load_dataset(str(folder), "long", split="test", cache_dir=cache)
    np.testing.assert_array_equal(
        np.asarray(long[0]["target"], np.float32), make_trajectory(10, n_points=400).target
    )


def test_a_file_out_of_place_is_named(folder, tmp_path):
    stray = tmp_path / "elsewhere" / "0.arrow"
    write_trajectories(stray, [])
    with pytest.raises(PandaError, match=r"elsewhere/0\.arrow: not in one of the folders train"):
        write_card(folder, str(stray))
    assert not (folder / "README.md").exists()
