"""The table of steps: keys and modules that there are, a rule for each, and no list of them anywhere else."""

from __future__ import annotations

import re

import pytest

from panda.config.step_keys import BY_NAME, WITHOUT_EFFECT
from panda.config.steps import STEPS, trained
from panda.core.code_version import code_version
from tests.conftest import ROOT

RULES = "\n".join(path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
COMMANDS = "\n".join(path.read_text() for path in sorted((ROOT / "panda" / "cli").glob("*.py")))


@pytest.mark.parametrize("name", STEPS)
def test_its_keys_and_modules_are_there(name: str, smoke):
    step = STEPS[name]
    assert tuple(step.section(smoke)) == step.reads
    assert len(code_version(step.code, ROOT)) == 12


def test_keys_without_effect_are_there_and_declared_by_none(smoke):
    for key in (*WITHOUT_EFFECT, *BY_NAME):
        value = smoke.model_dump()
        for part in key.split("."):
            value = value[part]
    for name, step in STEPS.items():
        assert not set(step.reads) & set(WITHOUT_EFFECT), name


def test_every_rule_that_makes_something_is_a_step_and_has_outputs_and_code_of_it():
    blocks = re.split(r"(?m)^rule ", RULES)[1:]
    makers = {block.split(":", 1)[0]: block for block in blocks if "shell:" in block}
    assert set(makers) == {name for name, step in STEPS.items() if step.outputs}
    for name, block in makers.items():
        assert re.findall(r'\bout\("(\w+)"', block[: block.index("log:")].split("output:")[1]) != []
        assert set(
            re.findall(r'\b(?:out|code|section|of_forecaster|of_dataset)\((?:\w+, )?"(\w+)"', block)
        ) == {name}


def test_every_step_has_a_command_that_is_recorded_as_it():
    recorded = re.findall(r'recorded\(\s*"(\w+)"', COMMANDS)
    # Followed are the candidates of all generations, by one command.
    assert sorted(recorded) == sorted(set(STEPS) - {"follow_bred"})


def test_nothing_else_lists_keys():
    for text in (RULES, COMMANDS):
        assert not re.findall(r"\b(?:parts|roots|ROOTS|PARTS)\b\s*=\s*[\[({]", text)


def test_a_model_is_known_by_content(smoke):
    renamed = smoke.model_copy(
        update={
            "train": smoke.train.model_copy(
                update={"recipe": "other", "recipes": {"other": smoke.train.recipes[smoke.train.recipe]}}
            )
        }
    )
    assert trained(renamed, "panda") == trained(smoke, "panda")
    assert trained(smoke, "panda_mlm") != trained(smoke, "panda")
    assert set(trained(smoke, "panda")["recipe"]) >= {"learning_rate", "weight_decay"}
