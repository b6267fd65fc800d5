"""Files of some shards in the place of all are refused, by what the configuration asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from panda.cli import app
from panda.cli.integrate import check_shards
from panda.core.errors import PandaError
from panda.core.files import write_table
from panda.core.resolved import write_resolved
from panda.discovery.catalogue.shards import check_candidates, check_systems
from panda.discovery.search.candidates import groups, shard
from panda.systems.members import shard_of_flows
from tests.unit.discovery.test_filters import GOOD
from tests.unit.discovery.test_select import followed

NAMES = ("Aizawa", "Chua", "Halvorsen", "Lorenz", "Rossler", "Thomas")


@pytest.fixture(scope="module")
def config(smoke):
    """Six founders and six pairs in three shards, of which a second generation breeds half of the pairs."""
    founders = smoke.discover.founders.model_copy(
        update={"names": NAMES, "held_out": ("Rossler",), "validation": ("Chua",)}
    )
    few = {"n_pairs": 6, "n_perturbations": 2, "n_founder_perturbations": 1, "n_shards": 3, "generations": 2}
    search = smoke.discover.search.model_copy(update=few)
    discover = smoke.discover.model_copy(update={"founders": founders, "search": search})
    return smoke.model_copy(update={"discover": discover})


def first_generation(config) -> list[pd.DataFrame]:
    """Its candidates, all of which pass every filter, a table a shard."""
    search = config.discover.search
    everything = groups(config.discover.founders.all_names, search, config.seed)
    return [
        pd.DataFrame(
            [
                GOOD
                | {"system": group.system(i), "name": group.name, "perturbation": i, "period": 1.0}
                | {"driver": group.driver, "response": group.response, "population": group.population}
                for group in shard(everything, index, search.n_shards)
                for i in range(group.n_members)
            ]
        )
        for index in range(search.n_shards)
    ]


def bred(config) -> pd.DataFrame:
    n = config.discover.search.n_bred
    systems = {"system": [f"Lorenz_Thomas-pp{90 + i}" for i in range(n)], "perturbation": 90 + np.arange(n)}
    origin = {"name": "Lorenz_Thomas", "driver": "Lorenz", "response": "Thomas", "population": "skew"}
    row = GOOD | origin | {"period": 1.0, "generation": 2, "operator": "mutated", "parents": ""}
    return pd.DataFrame([row] * n).assign(**systems)


def check(config, tables: list[pd.DataFrame], generations: int = 2) -> None:
    found = config.discover
    check_candidates(
        pd.concat(tables, ignore_index=True), found.founders, found.search, generations, config.seed
    )


def test_all_shards_in_any_order_are_enough(config):
    tables = [*first_generation(config), bred(config)]
    check(config, tables)
    check(config, tables[::-1])
    check(config, tables[:-1], generations=1)


@pytest.mark.parametrize("lost", [[0], [1], [2], [0, 2]])
def test_missing_shards_are_named(config, lost: list[int]):
    tables = [table for i, table in enumerate(first_generation(config)) if i not in lost]
    shards = ", ".join(map(str, lost))
    with pytest.raises(PandaError) as error:
        check(config, tables, generations=1)
    start = f"candidates: {len(lost)} of the 3 shards that discover.search.n_shards asks for are missing"
    assert str(error.value).startswith(start) and f"({shards}; " in str(error.value)
    assert "\n" not in str(error.value)


def test_a_generation_must_be_whole_and_asked_for(config):
    tables = first_generation(config)
    n = config.discover.search.n_bred
    with pytest.raises(PandaError, match=f"candidates: 0 of the {n} of generation 2 are there"):
        check(config, tables)
    with pytest.raises(PandaError, match=f"candidates: {n - 1} of the {n} of generation 2"):
        check(config, [*tables, bred(config).iloc[1:]])
    with pytest.raises(PandaError, match="some are of generation 2, where 1 are asked for"):
        check(config, [*tables, bred(config)], generations=1)


def test_candidates_of_another_seed_are_refused(config):
    other = config.model_copy(update={"seed": config.seed + 1})
    with pytest.raises(PandaError, match="is no candidate of this configuration"):
        check(config, first_generation(other), generations=1)


def test_select_refuses_some_of_the_shards_and_writes_nothing(config, tmp_path: Path):
    one = config.discover.search.model_copy(update={"generations": 1})
    config = config.model_copy(update={"discover": config.discover.model_copy(update={"search": one})})
    write_resolved(config, tmp_path / "config.yaml")
    paths = [tmp_path / f"{i}.parquet" for i in range(3)]
    for path, table in zip(paths, first_generation(config), strict=True):
        write_table(table.assign(signature=[[0.0]] * len(table)), path)
    longer = [tmp_path / f"followed{i}.parquet" for i in range(3)]
    for path, table in zip(longer, first_generation(config), strict=True):
        write_table(followed(table.to_dict("records")), path)
    outputs = {name: tmp_path / "out" / f"{name}.parquet" for name in ("output", "acceptance", "selections")}
    words = [word for name, path in outputs.items() for word in (f"--{name}", str(path))]

    def select(*files: Path, followed: list[Path] = longer):
        named = [f"--followed={path}" for path in followed]
        call = [
            "discover",
            "select",
            "--config",
            str(tmp_path / "config.yaml"),
            *words,
            *named,
            *map(str, files),
        ]
        return CliRunner().invoke(app, call)

    refused = select(*paths[:2])
    assert isinstance(refused.exception, PandaError) and "1 of the 3 shards" in str(refused.exception)
    refused = select(*paths, followed=longer[1:])
    assert isinstance(refused.exception, PandaError) and "a shard of `discover follow`" in str(
        refused.exception
    )
    assert not any(path.exists() for path in outputs.values())
    assert select(*paths).exit_code == 0 and all(path.is_file() for path in outputs.values())


def test_what_is_measured_must_be_of_all_chosen_systems():
    chosen = pd.DataFrame({"system": [f"S{i // 2}-pp{i % 2}" for i in range(10)]})
    chosen["name"] = chosen["system"].str[:2]
    parts = [shard_of_flows(chosen, i, 3) for i in range(3)]
    named = {"what": "spectra", "key": "discover.spectrum.n_shards"}
    check_systems(chosen, chosen, 3, **named)
    with pytest.raises(PandaError, match=r"spectra: 1 of the 3 shards .*spectrum.n_shards .*\(1; S1-pp0"):
        check_systems(pd.concat([parts[0], parts[2]]), chosen, 3, **named)
    with pytest.raises(PandaError, match="S0-pp0 is not to be measured"):
        check_systems(chosen, chosen.iloc[1:], 3, **named)


class Store:
    def __init__(self, systems: list[str]) -> None:
        self.table = pd.DataFrame({"system": systems})


def test_trajectories_may_lack_single_systems_but_no_shard():
    """Those that escape are left out, so that a missing one says nothing; a missing shard does."""
    systems = [f"S{i}-pp0" for i in range(9)]
    accepted = pd.DataFrame({"system": systems})
    check_shards(accepted, {"train": Store(systems[:5]), "test": Store(systems[6:])}, 3)
    with pytest.raises(PandaError, match=r"trajectories: 1 of the 3 shards .*\(2; S2-pp0"):
        check_shards(accepted, {"train": Store([s for i, s in enumerate(systems) if i % 3 != 2])}, 3)
