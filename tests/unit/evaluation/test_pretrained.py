"""Models trained elsewhere: forecasters by name, and what is said of those whose weights are missing."""

from pathlib import Path

import numpy as np
import pytest
import torch

from baselines import registry
from panda.cli.forecasters import make_forecaster
from panda.config import ModelShape
from panda.config.arena import UNSEEN, contestants, lacking, reported, scored_in
from panda.config.load import load_config
from panda.config.step_keys import MODEL_CODE
from panda.config.steps import forecaster
from panda.config.whole import section
from panda.core.errors import PandaError
from panda.evaluation.panda_forecaster import PandaForecaster
from panda.model.panda import Panda
from panda.model.weights import save_model
from panda.report.html import build_report
from tests.conftest import ROOT
from tests.unit.model.conftest import TINY

HASH = "ab" * 32


def config(pretrained: dict, *forecasters: str, **more):
    given = {
        "pretrained": pretrained,
        "evaluate": {"forecasters": ["persistence", *forecasters], "reference": None},
    }
    return load_config(ROOT / "config.yaml", preset="smoke", given=given | more, baselines=registry.names())


def entry(source: str, revision: str | None = None, sha256: str | None = None) -> dict:
    return {"source": source, "revision": revision, "sha256": sha256}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(Panda(ModelShape(**TINY), torch.Generator().manual_seed(0)), tmp_path / "theirs")
    return tmp_path / "theirs"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (entry("owner/name"), "its revision and sha256 on the Hub (owner/name) are not given"),
        (entry("owner/name", "main"), "its sha256 on the Hub (owner/name) are not given"),
        (entry("owner/name", "main", HASH), ""),
        (
            entry("nothing_of_the_kind"),
            "no model is shipped as nothing_of_the_kind, and there is no such folder",
        ),
        (entry("./nowhere/at_all"), "no model is shipped as ./nowhere/at_all, and there is no such folder"),
    ],
)
def test_what_is_missing_is_said(source: dict, said: str):
    assert config({"theirs": source}, "theirs").pretrained["theirs"].lacks == said


def test_a_model_without_weights_is_not_scored_and_named(folder: Path):
    ours = config({"there": entry(str(folder)), "gone": entry("owner/name")}, "there", "gone")
    assert contestants(ours, UNSEEN) == ("persistence", "there")
    assert "gone" not in scored_in(ours, UNSEEN, "_all")
    assert list(lacking(ours, reported(ours))) == ["gone"]
    page = build_report(
        preset="smoke",
        preset_note="",
        figures=[],
        tables={},
        provenance={},
        lacking=lacking(ours, reported(ours)),
    )
    assert "Not scored, since weights are missing: <b>gone</b>" in page and "owner/name" in page
    # Nobody asked for these.
    other = config({"gone": entry("owner/name")})
    assert lacking(other, reported(other)) == {}


def test_it_forecasts_as_the_model_does(folder: Path):
    ours = config({"there": entry(str(folder))}, "there")
    context = np.cumsum(np.random.default_rng(0).standard_normal((2, 64, 3)), axis=1)
    wanted = PandaForecaster(
        Panda(ModelShape(**TINY), torch.Generator().manual_seed(0)),
        name="there", batch_size=8, standardise_eps=ours.evaluate.standardise_eps, threads=1, device="cpu",
    ).forecast(context, 20)  # fmt: skip
    np.testing.assert_allclose(make_forecaster(ours, "there", None).forecast(context, 20), wanted)
    with pytest.raises(PandaError, match=r"pretrained\.gone: its revision and sha256"):
        make_forecaster(config({"gone": entry("owner/name")}, "gone"), "gone", None)


def test_forecasts_depend_on_the_weights_and_not_on_where_they_lie(folder: Path, tmp_path: Path):
    here = config({"x": entry(str(folder))}, "x")
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in folder.iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    there = config({"x": entry(str(moved))}, "x")
    reads, code = forecaster(here, "x", lambda name: pytest.fail("it is no baseline"))
    assert "pretrained.x" in reads and code == MODEL_CODE
    assert section(here, "pretrained.x") == section(there, "pretrained.x")
    save_model(Panda(ModelShape(**TINY), torch.Generator().manual_seed(1)), moved)
    assert section(here, "pretrained.x") != section(there, "pretrained.x")


def test_a_model_trained_here_takes_the_place_of_one_of_its_name(folder: Path):
    ours = config({"panda": entry(str(folder))}, "panda")
    assert "panda" not in ours.taken and contestants(ours, UNSEEN) == ("persistence", "panda")
    # A mere definition does not.
    train = {
        "definitions": {
            "other": {"embedding": "linear", "head": "forecast", "encoder_from": None, "n_steps": 1}
        }
    }
    other = config({"other": entry(str(folder))}, "other", train=train)
    assert "other" in other.taken


@pytest.mark.parametrize(
    ("pretrained", "said"),
    [
        ({"parrot": entry("owner/name")}, "'parrot' is the name of a baseline"),
        ({"a.b": entry("owner/name")}, "'a.b' has a dot"),
        ({"x": entry("owner/name", "main", "abc")}, "sha256"),
        ({"x": entry("owner/name", "a b", HASH)}, "revision"),
        ({"x": {"source": "owner/name"}}, "is missing"),
    ],
)
def test_entries_that_cannot_be(pretrained: dict, said: str):
    with pytest.raises(PandaError, match=said):
        config(pretrained)
