"""A wrong configuration is refused with its file, line, key and the nearest valid one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from panda.config.load import load_config, overlay, preset_file, read_yaml, validate
from panda.core.errors import PandaError
from tests.conftest import ROOT

FILES = [ROOT / "config.yaml", ROOT / "presets" / "smoke.yaml"]


def refusal(change: dict, files: list[Path] | None = None) -> str:
    values = overlay(read_yaml(FILES[0]), read_yaml(FILES[1]))
    with pytest.raises(PandaError) as error:
        validate(overlay(values, change), files or FILES)
    return str(error.value)


@pytest.mark.parametrize("preset", ["smoke", "laptop", "paper"])
def test_every_preset_is_valid(preset: str):
    assert load_config(ROOT / "config.yaml", preset=preset).preset == preset


def test_unknown_key_in_a_file_has_line_and_nearest(tmp_path: Path):
    extra = tmp_path / "mine.yaml"
    extra.write_text("# mine\ntrain:\n  batchsize: 8\n")
    message = refusal(read_yaml(extra), [*FILES, extra])
    assert message == f"{extra}:3: train.batchsize: unknown key; did you mean 'batch_size'?"


def test_unknown_key_on_the_command_line():
    assert refusal({"trian": 1}) == "command line: trian: unknown key; did you mean 'train'?"


def test_wrong_type_names_value_and_place(tmp_path: Path):
    assert refusal({"seed": "x"}).startswith("command line: seed: input should be a valid integer")
    extra = tmp_path / "mine.yaml"
    extra.write_text("evaluate:\n  n_windows: -3\n")
    message = refusal(read_yaml(extra), [*FILES, extra])
    assert message.startswith(f"{extra}:2: evaluate.n_windows: ") and "-3" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": {"shape": {"patch_length": 7}}}, "patch_length 7 does not divide context_length 512"),
        ({"discover": {"founders": {"names": ["Lorenz"]}}}, "held out"),
        ({"discover": {"founders": {"held_out": ["Lorentz"]}}}, "did you mean 'Lorenz'"),
        ({"train": {"models": ["pandas"]}}, "no definition"),
        ({"train": {"shape": {"d_model": 66, "n_heads": 3}}}, "features"),
        ({"train": {"definitions": {"panda": {"encoder_from": "panda_mlm"}}}}, "another embedding"),
        ({"evaluate": {"horizons": [64, 32]}}, "horizons must rise"),
        (
            {"discover": {"select": {"selection": "refrence"}}},
            "'refrence' is none of selections (reference, certified)",
        ),
        ({"evaluate": {"horizons": [64, 128]}}, "tested_horizons: 256 is none of horizons [64, 128]"),
        ({"evaluate": {"reference": "parot"}}, "reference 'parot' must be one of forecasters"),
        ({"evaluate": {"horizons": [5000], "tested_horizons": []}}, "exceed the 4096 kept points"),
        ({"discover": {"search": {"integration": {"transient_points": 9999}}}}, "leaves nothing"),
        ({"integrate": {"n_periods": [100, 25]}}, "[low, high] expected, low first; got [100, 25]"),
        ({"integrate": {"trust": {"rtol": 1e-9}}}, "trust.rtol must be below"),
        ({"integrate": {"long": {"n_points": 4000}}}, "less than the 4096 points kept"),
        (
            {"scaling": {"n_points": 12}},
            "command line: scaling.n_points 12: so many halvings need 2,048 training",
        ),
    ],
)
def test_impossible_values_are_refused(change: dict, words: str):
    assert words in refusal(change)


@pytest.mark.parametrize(
    ("change", "start"),
    [
        # What is wrong with several values stands where the last of them was set.
        ({"discover": {"select": {"selection": "foo"}}}, "command line: discover.select: selection 'foo'"),
        ({"evaluate": {"reference": "parot"}}, "command line: evaluate: reference 'parot'"),
        ({"evaluate": {"context_length": 4000}}, "command line: evaluate: context_length 4000"),
        ({"evaluate": {"forecasters": ["parrot"]}}, "command line: evaluate: reference 'panda'"),
        ({"scaling": {"definitions": ["x"]}}, "command line: scaling.definitions: 'x'"),
        # An unclosed brace reaches us as text.
        ({"evaluate": "{n_windws: 3"}, "command line: evaluate: not valid YAML: '{n_windws: 3' (expected"),
        ({"figures": "[attractors"}, "command line: figures: not valid YAML"),
        ({"evaluate": "none"}, "command line: evaluate: input should be a valid dictionary"),
    ],
)
def test_the_command_line_is_named_where_it_is_the_cause(change: dict, start: str):
    assert refusal(change).startswith(start)


def test_a_file_is_named_where_it_is_the_cause(tmp_path: Path):
    extra = tmp_path / "mine.yaml"
    extra.write_text("seed: 1\nevaluate:\n  n_windows: 2\n  reference: parot\n")
    assert refusal(read_yaml(extra), [*FILES, extra]).startswith(f"{extra}:4: evaluate: reference 'parot'")


@pytest.mark.parametrize("run", ["../x", "/tmp/x", "a b", "a/b", "..", ".x", ""])
def test_a_run_is_one_plain_folder(run: str):
    assert refusal({"run": run}).startswith("command line: run: letters, digits")


@pytest.mark.parametrize("run", ["seed7", "paper_2", "a.b-c", None])
def test_plain_run_names_are_fine(run: str | None):
    values = overlay(read_yaml(FILES[0]), read_yaml(FILES[1]))
    assert validate(overlay(values, {"run": run}), FILES).run == run


def test_forecasters_are_models_or_baselines():
    values = overlay(read_yaml(FILES[0]), read_yaml(FILES[1]))
    known = ["parrot", "parrot_anchored", "linear_ar", "persistence", "context_mean", "fourier"]
    own = {"forecasters": ["panda"]}
    change = {"evaluate": {"forecasters": ["panda", "parot"], "datasets": {"kuramoto_sivashinsky": own}}}
    with pytest.raises(PandaError) as error:
        validate(overlay(values, change), FILES, baselines=known)
    start = "command line: evaluate.forecasters: no model or baseline 'parot'; did you mean 'parrot'?"
    assert str(error.value).startswith(start)
    validate(overlay(values, change), FILES)  # unchecked where the baselines are not known
    change["evaluate"]["forecasters"] = ["panda", "parrot"]
    validate(overlay(values, change), FILES, baselines=known)
    own["forecasters"] = ["kalman"]
    where = (
        r"command line: evaluate\.datasets\.kuramoto_sivashinsky\.forecasters: no model or baseline 'kalman'"
    )
    with pytest.raises(PandaError, match=where):
        validate(overlay(values, change), FILES, baselines=known)


def test_strings_from_the_command_line_are_numbers():
    values = overlay(read_yaml(FILES[0]), read_yaml(FILES[1]))
    assert validate(overlay(values, {"train": {"batch_size": "4"}}), FILES).train.batch_size == 4


def test_as_many_subsets_as_the_candidates_can_make():
    values = overlay(read_yaml(FILES[0]), read_yaml(FILES[1]))
    allowed = int(re.findall(r"ask for (\d+) points", refusal({"scaling": {"n_points": 50}}))[0])
    assert validate(overlay(values, {"scaling": {"n_points": allowed}}), FILES).scaling.n_points == allowed
    assert f"ask for {allowed} points or fewer" in refusal({"scaling": {"n_points": allowed + 1}})


def test_unknown_preset_names_the_nearest():
    with pytest.raises(PandaError, match="did you mean 'laptop'"):
        preset_file("labtop", ROOT)


def test_broken_yaml_has_a_line(tmp_path: Path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: 1\nb: [1,\n")
    with pytest.raises(PandaError, match=r"bad\.yaml:3: not valid YAML"):
        read_yaml(bad)


def test_sweeps_expand_to_named_models():
    config = load_config(ROOT / "config.yaml", preset="paper")
    models = config.named_models()
    assert models["panda_mlm_sft_split3"].encoder_from == "panda_mlm_split3"
    assert models["panda_mlm_sft_split3"].split == 3
    assert config.scaling_forecasters() == [f"panda_mlm_sft_split{i}" for i in range(8)]


def test_published_model_sizes_fit_the_dynamics_embedding():
    config = load_config(ROOT / "config.yaml", preset="paper")
    assert config.train.model_shape("panda").embedding == "dynamics"
    assert config.train.model_shape("panda").pooling == "mean"


def test_schema_is_in_sync():
    import json

    from panda.config import Config

    stored = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    assert stored == json.loads(json.dumps(Config.model_json_schema())), "run `make schema`"
