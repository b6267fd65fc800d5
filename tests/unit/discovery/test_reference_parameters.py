"""The reference's parameter files: exact both ways, one definition of a system, and every flaw named."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from panda.cli import app
from panda.core.errors import PandaError
from panda.core.files import read_json, read_table, write_json, write_table
from panda.discovery.catalogue.reference_parameters import check_unique, from_catalogue, to_catalogue
from panda.discovery.search.candidates import Group
from panda.discovery.search.draw import draw_members
from panda.integration.trajectories import Length, regenerate
from panda.systems.evaluate import right_hand_side
from panda.systems.members import COLUMNS, flow_of, from_rows, to_columns
from tests.conftest import ROOT

# Same dimensions; a smaller driver (padded); a larger one (a coordinate is not used); arrays as parameters.
PAIRS = [("Lorenz", "Rossler"), ("BurkeShaw", "HyperLu"), ("HyperJha", "Thomas"), ("SprottF", "Hopfield")]


@pytest.fixture(scope="module")
def catalogue(library, settings) -> pd.DataFrame:
    """Mutated members of founders and of pairs, as a search would store them."""
    tables = []
    groups = [Group("Lorenz", "", 3), Group("Hopfield", "", 2), *(Group(a, b, 4) for a, b in PAIRS)]
    for group in groups:
        flow = flow_of(library, group.driver, group.response)
        rng = np.random.default_rng(len(tables))
        rms = {name: rng.uniform(0.5, 2, library[name].dimension) for name in group.founders}
        members = draw_members(flow, group, settings, rms, seed=7)
        known = {
            "system": [group.system(i) for i in range(group.n_members)],
            "name": group.name,
            "driver": group.driver,
            "response": group.response,
            "population": group.population,
            "perturbation": range(group.n_members),
            "period": flow.period,
        }
        tables.append(pd.DataFrame({**known, **to_columns(members)}))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def document(library, catalogue) -> dict:
    return json.loads(json.dumps(from_catalogue(library, catalogue)))


@pytest.fixture
def read(library, smoke):
    def to(document, source="successes.json", **more):
        discover = smoke.discover
        return to_catalogue(
            library, document, source=source, founders=discover.founders,
            integration=discover.search.integration, **more,
        )  # fmt: skip

    return to


def test_a_round_trip_keeps_every_bit(library, catalogue, document, read):
    back = read(document).set_index("system")
    assert sorted(back.index) == sorted(catalogue["system"])
    for row in catalogue.to_dict("records"):
        same = back.loc[row["system"]]
        for column in ("name", "driver", "response", "population", "perturbation", "period"):
            assert same[column] == row[column]
        for column in COLUMNS:
            assert np.asarray(same[column]).tobytes() == np.asarray(row[column]).tobytes(), column
    again = from_catalogue(library, read(document))
    assert json.loads(json.dumps(again)) == document


def test_entries_have_the_references_layout(document):
    assert set(document["Lorenz"][1]) == {"sample_idx", "ic", "params", "dim"}
    assert set(document["Lorenz"][1]["params"]) == {"beta", "rho", "sigma"}
    assert np.shape(document["Hopfield"][0]["params"]["k"]) == (6, 6)
    entry = document["HyperJha_Thomas"][1]
    assert set(entry) == {
        "sample_idx", "ic", "driver_params", "response_params", "driver_dim", "response_dim", "coupling_map",
    }  # fmt: skip
    assert len(entry["ic"]) == 7 and (entry["driver_dim"], entry["response_dim"]) == (4, 3)
    preinit = entry["coupling_map"]["preinit"]
    assert set(preinit) == {
        "driver_dim", "response_dim", "driver_scale", "response_scale", "random_seed",
        "randomize_driver_indices", "transform_scales",
    }  # fmt: skip
    assert len(preinit["driver_scale"]) == 4 and len(preinit["response_scale"]) == 3
    indices = entry["coupling_map"]["postinit"]["driver_indices"]
    assert len(indices) == 3
    # The coordinate that enters nowhere has the scale 0, the others theirs.
    (unused,) = set(range(4)) - set(indices)
    assert [i for i, scale in enumerate(preinit["driver_scale"]) if scale == 0] == [unused]


def test_an_entry_means_what_the_reference_computes(library, golden, read):
    """The reference's right-hand sides at given states, from entries in the layout of its files."""
    cases = json.loads((golden / "skew_rhs.json").read_text())
    document: dict[str, list] = {}
    for case in cases:
        d_a, d_b = (library[case[key]].dimension for key in ("driver", "response"))
        entries = document.setdefault(f"{case['driver']}_{case['response']}", [])
        entries.append(
            {
                "sample_idx": len(entries),
                "ic": case["x"],
                "driver_params": case["driver_params"],
                "response_params": case["response_params"],
                "driver_dim": d_a,
                "response_dim": d_b,
                "coupling_map": {
                    "preinit": {key: case[key] for key in ("driver_scale", "response_scale")},
                    "postinit": {"driver_indices": case["driver_indices"]},
                },
            }
        )
    rows = read(document)
    for name, of_name in rows.groupby("name"):
        flow = flow_of(library, *name.split("_"))
        members = from_rows(of_name)
        own = [case for case in cases if f"{case['driver']}_{case['response']}" == name]
        got = right_hand_side(flow, members, members.initial, np.array([case["t"] for case in own]))
        np.testing.assert_allclose(got, [case["rhs"] for case in own], rtol=1e-10, err_msg=name)


def test_the_first_number_of_a_start_with_delay_is_its_past(library, read):
    entry = {
        "sample_idx": 3,
        "ic": np.linspace(0.9, 1.8, 10).tolist(),
        "params": {"beta": 0.2, "gamma": 0.1, "n": 9.5, "tau": 17.0},
        "dim": 10,
    }
    row = read({"MackeyGlass": [entry]}).iloc[0]
    assert (row["system"], row["dimension"], row["split"]) == ("MackeyGlass-pp3", 10, "test")
    assert list(row["driver_parameters"]) == [0.2, 0.1, 9.5, 17.0]
    assert list(row["initial"]) == [0.9] * 10


def test_one_scale_for_all_coordinates_is_a_list_of_it(document, read):
    name = "BurkeShaw_HyperLu"
    entry = copy.deepcopy(document[name][0])
    preinit = entry["coupling_map"]["preinit"]
    preinit["driver_scale"], preinit["response_scale"] = 0.5, 2
    scalar = read({name: [copy.deepcopy(entry)]})
    preinit["driver_scale"], preinit["response_scale"] = [0.5] * 3, [2.0] * 4
    both = read({name: [entry]})
    for column in COLUMNS:
        assert np.array_equal(scalar[column][0], both[column][0])
    # The padded driver's fourth coordinate stays zero.
    assert sorted(scalar["driver_scale"][0]) == [0, 0.5, 0.5, 0.5]


def test_flat_and_nested_arrays_are_the_same_parameter(document, read):
    entry = copy.deepcopy(document["Hopfield"][1])
    nested = read({"Hopfield": [copy.deepcopy(entry)]})
    entry["params"]["k"] = np.ravel(entry["params"]["k"]).tolist()
    assert np.array_equal(read({"Hopfield": [entry]})["driver_parameters"][0], nested["driver_parameters"][0])


def test_imported_systems_are_named_split_and_not_certified(document, read, smoke):
    rows = read(document).set_index("system")
    assert rows.loc["Lorenz-pp2", "perturbation"] == 2
    # Rossler and HyperJha's partners: splits are by founder, as everywhere.
    assert rows.loc["Lorenz_Rossler-pp0", "split"] == "test"
    assert rows.loc["Lorenz-pp0", "split"] == "train"
    assert rows.loc["HyperJha_Thomas-pp1", "split"] == "validation"
    assert rows["accepted"].all() and not rows["certified"].any() and (rows["status"] == "imported").all()
    assert rows["largest_exponent"].isna().all()


def test_a_file_gives_its_trajectories_from_the_stored_state(library, document, read, settings):
    """From the stored initial state, which the reference's own script ignores."""
    entry = copy.deepcopy(document["Lorenz"][0])
    entry["ic"] = [1.0, 2.0, 20.0]
    rows = read({"Lorenz": [entry]})
    integration = settings.integration.model_copy(update={"transient_points": 0})
    (one,) = regenerate(library, rows, Length(integration), n_initial_conditions={"Lorenz-pp0": 1}, seed=1)
    assert one.series[:, 0].tolist() == [1.0, 2.0, 20.0]
    assert one.series.shape == (3, integration.n_points)


def break_entry(entry, path, value):
    for key in path[:-1]:
        entry = entry[key]
    if value is None:
        del entry[path[-1]]
    else:
        entry[path[-1]] = value


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("Lorenz", ["ic"], [1.0, 2.0], "ic has 2 values, expected 3"),
        ("Lorenz", ["ic"], None, "has no 'ic'"),
        ("Lorenz", ["ic", 1], float("nan"), "ic has values that are not finite"),
        ("Lorenz", ["params", "rho"], "twenty", "rho is not made of numbers"),
        ("Lorenz", ["params", "rho"], [1.0, 2.0], "rho has 2 values, expected 1"),
        ("Lorenz", ["params", "rho"], None, "'rho' is missing"),
        ("Lorenz", ["params", "r"], 1.0, "'r' is none of its parameters"),
        ("Lorenz", ["params"], None, "has no 'params'"),
        ("Lorenz", ["dim"], 4, "dim is 4, but the founder has 3"),
        ("Lorenz", ["sample_idx"], None, "sample_idx is None"),
        ("Lorenz", ["sample_idx"], 0, "sample_idx 0 is that of entry 0 too"),
        ("Hopfield", ["params", "k"], [[1.0, 2.0], [3.0]], "k is not made of numbers"),
        ("BurkeShaw_HyperLu", ["ic"], [0.0] * 6, "ic has 6 values, expected 7"),
        ("BurkeShaw_HyperLu", ["coupling_map"], None, "has no 'coupling_map'"),
        ("BurkeShaw_HyperLu", ["coupling_map", "postinit"], None, "has no 'postinit'"),
        ("BurkeShaw_HyperLu", ["coupling_map", "preinit", "driver_scale"], [1.0], "driver_scale has 1 values"),
        ("BurkeShaw_HyperLu", ["coupling_map", "postinit", "driver_indices"], [0, 1, 2, 4], "whole numbers in 0..3"),
        ("BurkeShaw_HyperLu", ["coupling_map", "postinit", "driver_indices"], [0, 1.5, 2, 3], "whole numbers"),
        ("BurkeShaw_HyperLu", ["response_dim"], 3, "response_dim is 3"),
    ],
)  # fmt: skip
def test_a_flaw_is_named_with_file_system_and_entry(document, read, name, path, value, message):
    damaged = copy.deepcopy(document)
    break_entry(damaged[name][1], path, value)
    with pytest.raises(PandaError) as error:
        read(damaged, source="folder/successes.json")
    text = str(error.value)
    assert text.startswith(f"folder/successes.json: {name}, entry 1: ") and message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([1, 2], "no parameter file of the reference"),
        ({}, "no parameter file of the reference"),
        ({"Lorenz": {"ic": []}}, "Lorenz: a list of entries expected"),
        ({"Lorenz": []}, "Lorenz: a list of entries expected"),
        ({"Lorenz": [3]}, "Lorenz, entry 0: an object expected"),
        ({"Lorentz": [{}]}, "Lorentz, entry 0: no founder is named 'Lorentz'; did you mean 'Lorenz'"),
        ({"Lorenz_MackeyGlasses": [{}]}, "entry 0: no founder is named 'MackeyGlasses'"),
    ],
)
def test_a_foreign_document_is_refused(read, document, message):
    with pytest.raises(PandaError, match=message) as error:
        read(document)
    assert str(error.value).startswith("successes.json: ")


def test_founders_can_be_left_out(document, read):
    more = {**document, "Nobody_Lorenz": [{}]}
    rows = read(more, without=["Nobody", "Rossler"])
    assert "Lorenz_Rossler" not in set(rows["name"]) and "Lorenz" in set(rows["name"])
    with pytest.raises(PandaError, match="no system left of 1 without Lorenz"):
        read({"Lorenz": document["Lorenz"]}, without=["Lorenz"])


def test_a_system_in_two_files_is_refused(document, read):
    table = read(document)
    with pytest.raises(PandaError, match=r"b\.json: BurkeShaw_HyperLu-pp0 is in a\.json too"):
        check_unique([table, table.tail(3)[:0], table], ["a.json", "c.json", "b.json"])


def test_the_commands_go_both_ways(library_folder: Path, catalogue, tmp_path: Path):
    accepted = catalogue.assign(accepted=catalogue["perturbation"] != 1, split="train")
    write_table(accepted, tmp_path / "catalogue.parquet")
    options = ["--config", str(ROOT / "config.yaml"), "--library", str(library_folder)]

    def run(*words: str):
        return CliRunner().invoke(app, ["discover", *words, *options], catch_exceptions=False)

    there, back = tmp_path / "params.json", tmp_path / "back.parquet"
    run("export-params", "--catalogue", str(tmp_path / "catalogue.parquet"), "--output", str(there))
    assert "Lorenz-pp1" not in [f"{n}-pp{e['sample_idx']}" for n, es in read_json(there).items() for e in es]
    run("import-params", str(there), "--output", str(back))
    rows, expected = read_table(back), accepted[accepted["accepted"]].set_index("system")
    assert len(rows) == len(expected)
    for row in rows.to_dict("records"):
        for column in COLUMNS:
            assert np.array_equal(row[column], expected.loc[row["system"], column])
    with pytest.raises(PandaError, match="no such split"):
        run("export-params", "--catalogue", str(tmp_path / "catalogue.parquet"), "--output", str(there),
            "--split", "tset")  # fmt: skip
    write_json(there, {"Lorenz": [{"sample_idx": 0}]})
    with pytest.raises(
        PandaError, match=r"params\.json: damaged, or another file than params\.json\.sha256 says"
    ):
        run("import-params", str(there), "--output", str(back))
    there.with_name("params.json.sha256").unlink()
    with pytest.raises(PandaError, match=r"params\.json: Lorenz, entry 0: "):
        run("import-params", str(there), "--output", str(back))
