"""The registry: names, settings, and imports that wait until they are needed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import baselines
from baselines import registry
from panda.config import Config, section
from panda.config.arena import UNSEEN, contestants, lacking, reported
from panda.config.load import load_config
from panda.core.code_version import code_version
from panda.core.errors import PandaError
from tests.conftest import ROOT


def test_every_baseline_has_a_module_and_reads_keys_that_there_are(smoke) -> None:
    for name in registry.names():
        entry = registry.info(name)
        assert importlib.util.find_spec(entry.module) is not None
        assert tuple(section(smoke, *entry.reads)) == entry.reads


def test_the_readme_lists_every_baseline() -> None:
    readme = (Path(baselines.__file__).parent / "README.md").read_text(encoding="utf-8")
    for name in registry.names():
        assert f"| `{name}` |" in readme


def test_configured_forecasters_exist(smoke) -> None:
    for name in set(chain(*smoke.forecasters().values())) - set(smoke.train.models) - set(smoke.pretrained):
        assert registry.info(name)


def test_unknown_names_are_refused_with_the_nearest(smoke) -> None:
    with pytest.raises(PandaError, match="did you mean 'parrot_anchored'"):
        registry.info("parot_anchored")
    with pytest.raises(PandaError, match="there are: chronos_sft, context_mean, darts_nbeats"):
        registry.create("zzz", smoke.baselines, state=None, seed=1, standardise_eps=1e-10, threads=1)


def test_training_is_asked_for_where_it_is_needed(smoke) -> None:
    with pytest.raises(PandaError, match="must be trained"):
        registry.create("darts_nbeats", smoke.baselines, state=None, seed=1, standardise_eps=1e-10, threads=1)
    with pytest.raises(PandaError, match="nothing to train"):
        registry.fit(
            "parrot", smoke.baselines, None, None, state=Path(), seed=1, standardise_eps=1e-10, threads=1
        )


def test_the_registry_imports_neither_torch_nor_darts() -> None:
    code = "import sys, baselines.registry; print(sorted({'torch', 'darts', 'numba'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_baseline_s_code_version_knows_its_own_file_only() -> None:
    source = Path(baselines.__file__).parents[1]
    versions = {code_version([registry.info(name).module], source) for name in registry.names()}
    assert len(versions) == len({registry.info(name).module for name in registry.names()})


SEASONAL = """
import numpy as np

BASELINES = {
    "seasonal": {"label": "seasonal", "idea": "what was one period ago", "licence": "MIT", "colour": "#123456"},
}
SETTINGS = {"period": "Count"}


class Seasonal:
    name = "seasonal"

    def __init__(self, period):
        self.period = period

    def forecast(self, context, horizon):
        return context[:, -self.period :][:, np.arange(horizon) % self.period]


def create(name, settings, options):
    return Seasonal(settings.period)
"""


@pytest.fixture
def seasonal(tmp_path: Path) -> str:
    """A baseline of one's own, outside the repository."""
    (tmp_path / "seasonal.py").write_text(SEASONAL)
    return str(tmp_path / "seasonal.py")


def with_own(path: str, settings: dict) -> Config:
    given = {"baselines": {"own": {path: settings}}, "evaluate": {"forecasters": ["panda", "seasonal"]}}
    return load_config(ROOT / "config.yaml", preset="smoke", given=given, baselines=registry.names())


def test_a_file_of_one_s_own_is_a_baseline(seasonal: str) -> None:
    config = with_own(seasonal, {"period": 3})
    made = registry.create("seasonal", config.baselines, state=None, seed=1, standardise_eps=1e-10, threads=1)
    forecast = made.forecast(np.arange(8.0)[None, :, None], 4)
    assert forecast[0, :, 0].tolist() == [5, 6, 7, 5]
    assert "seasonal" in registry.names(config.baselines.own)
    entry = registry.info("seasonal", config.baselines.own)
    assert entry.reads == ("baselines.own",) and entry.described.label == "seasonal"


def test_its_settings_are_found_however_its_path_is_written(seasonal: str) -> None:
    path = Path(seasonal)
    config = with_own(f"{path.parent}/./{path.name}", {"period": 3})
    made = registry.create("seasonal", config.baselines, state=None, seed=1, standardise_eps=1e-10, threads=1)
    assert made.forecast(np.arange(8.0)[None, :, None], 1)[0, 0, 0] == 5


def test_a_file_that_is_named_twice_is_refused(seasonal: str) -> None:
    path = Path(seasonal)
    given = {"baselines": {"own": {seasonal: {"period": 3}, f"{path.parent}/./{path.name}": {"period": 7}}}}
    with pytest.raises(PandaError, match=rf"baselines\.own: {seasonal} stands here twice; name it once"):
        load_config(ROOT / "config.yaml", preset="smoke", given=given)


def test_an_edit_of_one_s_own_file_changes_what_depends_on_it_and_a_comment_does_not(seasonal: str) -> None:
    config = with_own(seasonal, {"period": 3})
    before = section(config, "baselines.own")
    Path(seasonal).write_text(f"# a remark\n{SEASONAL}")
    assert section(config, "baselines.own") == before
    Path(seasonal).write_text(SEASONAL.replace("% self.period", "% 2"))
    assert section(config, "baselines.own") != before


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (SEASONAL, {"period": 0}, "period: input should be greater than or equal to 1"),
        (SEASONAL, {}, "period: field required"),
        (SEASONAL, {"period": 3, "phase": 1}, "phase: extra inputs are not permitted"),
        ("x = 1\n", {}, "describes no baseline"),
        ("x = = 1\n", {}, r"seasonal\.py:1: not Python"),
        (
            SEASONAL.replace('"licence": "MIT", ', ""),
            {"period": 3},
            "needs idea, label, licence|needs idea, licence, label",
        ),
        (SEASONAL.replace('"Count"', '"Number"'), {"period": 3}, "is 'Number', none of Count"),
        (
            SEASONAL.replace('"seasonal":', '"parrot":'),
            {"period": 3},
            r"command line: baselines\.own: there are two baselines 'parrot', in "
            r"baselines/parrot\.py and in \S+/seasonal\.py; give one of them another name",
        ),
        (
            SEASONAL.replace("#123456", "red5"),
            {"period": 3},
            "the colour of 'seasonal' is 'red5'; write it as #rrggbb",
        ),
        (
            SEASONAL.replace('"label": "seasonal"', '"label": 3'),
            {"period": 3},
            "the label of 'seasonal' is 3; give it",
        ),
        (
            SEASONAL.replace('"seasonal":', '"panda_mlm_sft":'),
            {"period": 3},
            r"baselines\.own: \S+seasonal\.py has a baseline 'panda_mlm_sft', the name of a trained model",
        ),
    ],
)
def test_what_is_wrong_in_one_s_own_file_is_one_clear_line(
    tmp_path: Path, text: str, settings: dict, message: str
) -> None:
    path = tmp_path / "seasonal.py"
    path.write_text(text)
    with pytest.raises(PandaError, match=message) as error:
        with_own(str(path), settings)
    assert "\n" not in str(error.value)


def test_two_files_with_one_name_are_refused_with_both(seasonal: str, tmp_path: Path) -> None:
    (tmp_path / "weekly.py").write_text(SEASONAL)
    weekly = str(tmp_path / "weekly.py")
    message = (
        rf"there are two baselines 'seasonal', in {seasonal} and in {weekly}; give one of them another name"
    )
    with pytest.raises(PandaError, match=message):
        registry.names([seasonal, weekly])
    given = {"baselines": {"own": {seasonal: {"period": 3}, weekly: {"period": 7}}}}
    with pytest.raises(PandaError, match=message):  # by every command, whether or not it forecasts
        load_config(ROOT / "config.yaml", preset="smoke", given=given)


def test_a_file_does_not_replace_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SEASONAL.replace('"seasonal":', '"parrot":'))
    with pytest.raises(PandaError, match=r"'parrot', in baselines/parrot\.py and in \S+/mine\.py"):
        registry.info("parrot", [str(tmp_path / "mine.py")])


PUBLISHED = {"source": "owner/name", "revision": "f" * 40, "sha256": "a" * 64}


def needing(folder: Path, weights: object, *, trained: bool) -> Config:
    """A baseline of one's own whose `weights` (or, if it is trained, `start`) are published ones."""
    key = "start" if trained else "weights"
    path = folder / "mine.py"
    described = {"mine": {"label": "mine", "idea": "weights", "licence": "MIT", "trained": trained}}
    path.write_text(f"BASELINES = {described}\nSETTINGS = {{{key!r}: 'Weights', 'n_steps': 'Count'}}\n")
    own = {str(path): {key: weights, "n_steps": "4"}}
    given = {"baselines": {"own": own}, "evaluate": {"forecasters": ["panda", "mine"]}}
    return load_config(ROOT / "config.yaml", preset="smoke", given=given, baselines=registry.names())


def test_one_that_lacks_published_weights_is_left_out(tmp_path: Path) -> None:
    there = needing(tmp_path, PUBLISHED, trained=False)
    assert lacking(there, reported(there)) == {} and "mine" in contestants(there, UNSEEN)
    own = there.baselines.of("mine", str(tmp_path / "mine.py"))
    assert own.weights.source == "owner/name" and own.n_steps == 4
    without = needing(tmp_path, None, trained=False)
    assert lacking(without, reported(without)) == {
        "mine": "no weights are named"
    } and "mine" not in contestants(without, UNSEEN)
    registry.check(["mine"], without.baselines)


def test_one_that_is_to_start_from_weights_that_it_lacks_is_left_out(tmp_path: Path) -> None:
    for start in (PUBLISHED, None):
        config = needing(tmp_path, start, trained=True)
        registry.check(["mine"], config.baselines)
        assert lacking(config, reported(config)) == {} and registry.length("mine", config.baselines) == (
            4,
            "steps",
        )
    config = needing(tmp_path, PUBLISHED | {"sha256": None}, trained=True)
    assert lacking(config, reported(config)) == {"mine": "its sha256 on the Hub (owner/name) are not given"}
    assert "mine" not in contestants(config, UNSEEN)


@pytest.mark.parametrize("optional", [True, False])
def test_only_one_that_is_optional_may_lack_its_packages(tmp_path: Path, optional: bool) -> None:
    path = tmp_path / "mine.py"
    described = {
        "mine": {"label": "mine", "idea": "none", "licence": "MIT", "optional": optional, "extra": "few"}
    }
    path.write_text(f"import there_is_no_such_package\nBASELINES = {described}\n")
    given = {"baselines": {"own": {str(path): {}}}, "evaluate": {"forecasters": ["panda", "mine"]}}
    config = load_config(ROOT / "config.yaml", preset="smoke", given=given, baselines=registry.names())
    message = "needs the package 'there_is_no_such_package'; install the extra 'few' (pip install '.[few]')"
    assert lacking(config, reported(config)) == ({"mine": message} if optional else {})
    assert ("mine" in contestants(config, UNSEEN)) != optional
    with pytest.raises(PandaError, match="there_is_no_such_package"):
        registry.check(["mine"], config.baselines)


def test_the_length_of_a_training_is_in_steps_or_epochs(smoke) -> None:
    n = smoke.baselines.darts_nbeats.max_epochs
    assert registry.length("darts_nbeats", smoke.baselines) == (n, "epochs")
