"""What a rule gives to the shell is quoted: a project in a folder whose name the shell would read runs as any other."""

from __future__ import annotations

import re
import shlex
import site
import string
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.conftest import TINY
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
FOLDER = "my projects; it's $(touch PWNED) & more"


def shell_directives() -> dict[str, str]:
    """The command of every rule that has one, as it is written."""
    found = {}
    for file in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), re.M | re.S):
            _, is_there, shell = body.partition("    shell:\n")
            if is_there:
                found[name] = "".join(re.findall(r'"(.*)"', shell))
    return found


def test_every_placeholder_of_a_command_is_quoted():
    commands = shell_directives()
    assert len(commands) > 30
    for name, command in commands.items():
        pieces = list(string.Formatter().parse(command))
        bare = [field for _, field, form, _ in pieces if field is not None and form != "q"]
        assert bare == ["PANDA"], f"rule {name}: {bare[1:]} must be written {{...:q}}"
        texts = "".join(text for text, *_ in pieces)
        assert not set(texts) & set("'\"`$"), f"rule {name}: `:q` quotes; what it quotes stands in no quotes"


def test_rules_have_a_command_and_no_code_of_their_own():
    for file in (ROOT / "workflow").rglob("*.smk"):
        assert not re.search(
            r"^    (run|script|notebook|wrapper):|\bshell\(|os\.system", file.read_text(), re.M
        )


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory, library_folder: Path) -> Sandbox:
    """The project and its environment in a folder with a blank, a quote and a command in its name."""
    folder = tmp_path_factory.mktemp("quoting") / FOLDER
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    (packages,) = (folder / ".venv" / "lib").glob("*/site-packages")
    (packages / "other.pth").write_text("\n".join(site.getsitepackages()))
    return Sandbox(folder, TINY, python=str(folder / ".venv" / "bin" / "python"))


def planned_commands(sandbox: Sandbox, *arguments: str) -> list[list[str]]:
    """The words of every command that a dry run shows."""
    text = sandbox.snakemake("-n", "-p", *arguments).stdout
    commands = re.findall(r"^.*-m panda .*$", text, re.M)
    return [shlex.split(command.removeprefix("Shell command: ").strip()) for command in commands]


@pytest.mark.parametrize(
    "targets",
    [(), ("scaling", "audit", "evolution", "duplicates", "dataset")],
)
def test_every_command_of_a_plan_is_one_command(blank: Sandbox, targets: tuple[str, ...]):
    commands = planned_commands(blank, "--", *targets)
    assert len(commands) > 10
    for words in commands:
        assert words[:3] == [blank.python, "-m", "panda"], words
        assert words[-2] == "2>" and words[-1].startswith("results/tiny/logs/"), words


def test_a_folder_of_published_data_may_have_any_name(blank: Sandbox):
    for name in ("-published data", "it's; touch PWNED"):
        (blank.folder / name).mkdir(exist_ok=True)
        commands = planned_commands(
            blank,
            "--config",
            f"integrate={{import_from: {name!r}}}",
            "--",
            "results/tiny/integrate/train/0.arrow",
        )
        (words,) = [words for words in commands if "import" in words]
        assert words[-4:-2] == ["--", name]


def test_jobs_run_in_a_folder_with_a_blank(blank: Sandbox):
    target = Path("results/tiny/pde/fields.npz")
    blank.snakemake("--cores", "1", "--", str(target))
    assert (blank.folder / target).is_file()
    assert not list(blank.folder.parent.rglob("PWNED"))


def test_a_model_may_have_a_name_with_dots_and_dashes(blank: Sandbox, tmp_path: Path):
    overlay = tmp_path / "names.yaml"
    overlay.write_text(
        "train:\n  models: [panda, panda_mlm, panda_mlm_sft, a.b-c]\n  definitions:\n"
        "    a.b-c: {embedding: linear, head: forecast, encoder_from: null, n_steps: 2}\n"
    )
    # The sandbox's overlays and one more: Snakemake takes the last --configfile alone.
    done = subprocess.run(
        [blank.python, "-m", "snakemake", "-n", "-p", "--configfile", str(TINY), str(overlay), "--",
         "results/tiny/scores/test/a.b-c.parquet"],
        cwd=blank.folder, env=blank.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--state=results/tiny/train/a.b-c/model.safetensors" in done.stdout + done.stderr
