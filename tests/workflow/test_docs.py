"""The pages say what is so: generated tables, commands, links, targets, rules, job counts."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.workflow
FOLDERS = ("", "baselines", "docs", "paper", "results", "slurm", "workflow", "tests", "benchmarks")
PAGES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
RUN = "docs_test"
KNOWN_HOSTS = {"arxiv.org", "keepachangelog.com", "semver.org"}


def blocks(language: str) -> list[str]:
    """The code blocks of a language in all pages."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def commands(program: str) -> list[str]:
    """The lines of shell blocks that call a program, each once."""
    lines = [line.split(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.startswith(f"{program} ")))


def inline(program: str) -> list[str]:
    """Calls of a program in running text, each once."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return list(dict.fromkeys(re.findall(rf"(?<!`)`({program} [^`]+)`(?!`)", text)))


def dry_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def planned(line: str, overlay: Path) -> list[str]:
    """The arguments of a dry run of `line` in a run of its own, with an empty overlay for the user's file."""
    words = shlex.split(line)[1:]
    cut = words.index("--") if "--" in words else len(words)
    options, targets = words[:cut], words[cut + 1 :]
    options = [word for word in options if not word.startswith("run=")]
    options = [str(overlay) if word.endswith(".yaml") else word for word in options]
    if "--config" in options:
        options.insert(options.index("--config") + 1, f"run={RUN}")
    else:
        options += ["--config", f"run={RUN}"]
    targets = [target.replace("results/smoke/", f"results/{RUN}/") for target in targets]
    return ["-n", "--quiet", "all", *options, "--", *targets]


@pytest.mark.parametrize("line", commands("snakemake"))
def test_every_snakemake_command_plans(line: str, tmp_path: Path):
    overlay = tmp_path / "own.yaml"
    overlay.write_text("seed: 1\n")
    done = dry_run(*planned(line, overlay))
    assert done.returncode == 0, done.stdout[-3000:]
    assert not (ROOT / "results" / RUN).exists()


@pytest.mark.parametrize("line", [*commands("panda"), *commands("python -m panda"), *inline("panda")])
def test_every_panda_command_parses(line: str):
    import typer.main

    from panda.cli import app

    words = shlex.split(line.removeprefix("python -m "), comments=True)[1:]
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{line}: no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    if "--help" not in words and not hasattr(command, "commands"):
        command.make_context("panda", words)


@pytest.mark.parametrize("line", [line for line in commands("panda") if line.startswith("panda config")])
def test_cheap_commands_run(line: str):
    words = shlex.split(line)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "panda", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def scores(text: str) -> dict[str, list[float]]:
    """The errors in what `panda forecast --backtest` prints, in its order."""
    rows = re.findall(r"^(\S.*?) {2,}([\d.]+) +([\d.]+)$", text, re.M)
    return {name: [float(smape), float(mae)] for name, smape, mae in rows}


def test_the_tutorial_forecasts_the_laser_as_it_says(tmp_path: Path):
    from panda.config.measured import measured

    if lacks := measured()["laser"].lacks:
        pytest.skip(lacks)
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    section = text.split("## Forecast a measured laser")[1]
    lines = re.findall(r"^panda .*$", section, re.M)
    (shown,) = re.findall(r"^```text\n(.*?)^```$", section, re.M | re.S)
    printed = []
    for line in lines:
        words = shlex.split(line)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "panda", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        printed += [done.stdout] if "--backtest" in words else []
    assert (tmp_path / "laser.forecast.png").is_file() and len(printed) == 2
    there, said = scores(printed[0]), scores(shown)
    assert list(there) == list(said) and len(said) == 5
    for name, errors in said.items():
        assert errors == pytest.approx(there[name], rel=0.02), f"{name}: correct docs/tutorial.md"
    assert printed[0].splitlines()[-1].startswith("trust ") and printed[1].splitlines()[-1].startswith(
        "do not trust"
    )
    assert next(iter(scores(printed[1]))) == "linear AR"


@pytest.mark.parametrize("line", [*commands("python -m"), *inline("python -m")])
def test_every_module_that_is_run_exists(line: str):
    assert importlib.util.find_spec(shlex.split(line)[2]) is not None


@pytest.mark.parametrize("line", [*commands("make"), *inline("make")])
def test_every_make_target_and_variable_exists(line: str):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.M)
    variables = re.findall(r"^([A-Z_]+)\s*\?=", makefile, re.M)
    for word in shlex.split(line)[1:]:
        name, is_variable, _ = word.partition("=")
        assert name in (variables if is_variable else targets), line


@pytest.mark.parametrize("block", blocks("python"))
def test_python_blocks_use_names_that_exist(block: str):
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(str(node.module))
            assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


def test_generated_pages_are_in_sync():
    from docs.generate import PAGES as generated

    for name, page in generated.items():
        there = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert there == page(), f"docs/{name} is out of date: run `python -m docs.generate`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path):
    text = page.read_text(encoding="utf-8")
    broken, hosts = [], set()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            hosts.add(target.split("/")[2])
        elif not target.startswith("#") and not (page.parent / target.split("#")[0]).exists():
            broken.append(target)
    assert broken == []
    assert hosts <= KNOWN_HOSTS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_the_machine_it_was_written_on(page: Path):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w/.])/(work|root|home|Users)/", text)


def test_the_graph_has_every_rule():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    rules = {
        name
        for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.M | re.S)
        if "shell:" in body
    }
    (graph,) = blocks("mermaid")
    drawn = set(re.findall(r"\b[a-z]+_[a-z]+\b", graph))
    assert drawn == rules


@pytest.mark.parametrize("preset", ["smoke", "laptop", "paper"])
def test_the_readme_counts_the_jobs(preset: str):
    row = next(
        line
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{preset}` |")
    )
    stated = int(row.split("|")[5].replace(",", ""))
    done = dry_run("-n", "--config", f"preset={preset}", f"run={RUN}")
    (total,) = re.findall(r"^total\s+(\d+)", done.stdout, re.M)[:1]
    assert int(total) == stated
