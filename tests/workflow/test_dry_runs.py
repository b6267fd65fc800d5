"""What a user types first: dry runs, named targets, and wrong words."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import pytest

from panda.config.load import load_config
from tests.conftest import ROOT
from tests.unit.baselines.test_registry import SEASONAL
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow
MAX_JOBS = {"smoke": 50, "laptop": 200, "paper": 2000}


def snakemake(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("preset", ["smoke", "laptop", "paper"])
def test_every_preset_plans(preset: str, tmp_path):
    # A run name of its own: what has been run in this checkout must not shorten the plan.
    done = snakemake("-n", "--config", f"preset={preset}", f"run=plan_{preset}")
    assert done.returncode == 0, done.stdout[-3000:]
    n_jobs = int(re.findall(r"^total\s+(\d+)", done.stdout, re.M)[0])
    assert n_jobs <= MAX_JOBS[preset]


def test_a_run_without_n_beats_plans(tmp_path):
    # The one plan that needs no PyTorch: `make test-pythons` makes it with other versions of Python.
    done = Sandbox(tmp_path / "plan", ROOT / "tests" / "tiny.yaml").snakemake("-n")
    assert int(re.findall(r"^total\s+(\d+)", done.stdout, re.M)[0]) > 10


def test_a_run_that_trains_nothing_plans(tmp_path):
    """Of a model that is trained already, on test systems alone."""
    lines = """
    train: {models: []}
    scaling: {enabled: false}
    figures: [forecasts]
    evaluate:
      forecasters: [panda_analogue, parrot]
      completion_model: null
      reference: panda_analogue
      datasets: {kuramoto_sivashinsky: {forecasters: [parrot]}}
    """
    (tmp_path / "none.yaml").write_text(textwrap.dedent(lines))
    overlay = ("--configfile", str(tmp_path / "none.yaml"))
    done = snakemake("-n", *overlay, "--config", "preset=smoke", "run=plan_none")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "list_models" not in done.stdout and "score_forecasts" in done.stdout


@pytest.mark.parametrize(
    "target",
    [
        "scaling",
        "pde",
        "models",
        "systems",
        "discovery",
        "evolution",
        "spectra",
        "duplicates",
        "audit",
        "dataset",
        "realdata",
        "arena",
        "figures",
    ],
)
def test_named_targets_plan(target: str):
    done = snakemake("-n", "--config", "preset=laptop", "run=plan", "--", target)
    assert done.returncode == 0, done.stdout[-3000:]


def test_spectra_are_measured_by_shard_and_joined():
    text = snakemake("-n", "--config", "preset=paper", "run=plan", "--", "spectra").stdout
    jobs = {name: int(n) for name, n in re.findall(r"^(\w+)\s+(\d+)$", text, re.M)}
    assert (
        jobs["measure_spectra"]
        == load_config(ROOT / "config.yaml", preset="paper").discover.spectrum.n_shards
    )
    assert jobs["join_spectra"] == 1 and jobs["draw_figure"] == 1
    assert "train_model" not in jobs


def test_a_single_figure_or_table_is_a_target():
    for target in ("results/plan/figures/attractors.pdf", "results/plan/evaluate/test/summary.parquet"):
        done = snakemake("-n", "--config", "run=plan", "--", target)
        assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["preset=labtop"], "did you mean 'laptop'"),
        (["trian=1"], "command line: trian: unknown key; did you mean 'train'?"),
        (["seed=x"], "seed: input should be a valid integer"),
        (["figures=[nothing]"], "nothing"),
        (
            ["evaluate={forecasters: [panda, kalman]}"],
            "evaluate.forecasters: no model or baseline 'kalman'",
        ),
        (["evaluate={n_windows: 3"], "command line: evaluate: not valid YAML"),
        (["run=../x"], "command line: run: letters, digits"),
        (["train.batch_sise=3"], "command line: train.batch_sise: unknown key; did you mean 'batch_size'?"),
        (["train.batch_size=x"], "command line: train.batch_size: input should be a valid integer"),
        (["train=3", "train.batch_size=3"], "error: command line: train is set as a whole and by the keys"),
        (["train..n=3"], "error: command line: --config 'train..n=3' is no KEY=VALUE, such as"),
        (["train.definitions.foo={}"], "command line: train.definitions.foo.embedding: is missing"),
        # Words that were meant as targets.
        (
            ["preset=smoke", "systems"],
            "error: --config takes 'systems' for a setting, but has no '='; if it is a target, put -- before it: "
            "snakemake -n --config preset=smoke -- systems\n",
        ),
        (
            ["run=x", "--configfile", "tests/tiny.yaml", "systems"],
            "error: --configfile takes 'systems' for a file, and there is none; if it is a target, put -- before it: "
            "snakemake -n --config run=x --configfile tests/tiny.yaml -- systems\n",
        ),
        (["run=x", "--configfile", "no.yaml"], "error: no.yaml: no such configuration file"),
    ],
)
def test_a_wrong_word_is_one_clear_line(words: list[str], message: str):
    done = snakemake("-n", "--config", *words)
    assert done.returncode != 0
    assert message in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("fgures", "no rule makes 'fgures'; did you mean 'figures'?"),
        (
            "results/smoke/report.htm",
            "no rule makes 'results/smoke/report.htm'; did you mean 'results/smoke/report.html'?",
        ),
        (
            "results/smoke/figures/acceptence.png",
            "no rule makes 'results/smoke/figures/acceptence.png'; did you mean 'results/smoke/figures/acceptance.png'?",
        ),
        ("nothing/like/it", "no rule makes 'nothing/like/it'; docs/workflow.md lists the targets"),
    ],
)
def test_a_target_that_nothing_makes_is_one_clear_line(target: str, message: str):
    done = snakemake("-n", "--config", "preset=smoke", "--", target)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == f"error: {message}"


def test_a_file_of_another_preset_names_it():
    done = snakemake("-n", "results/laptop/report.html")
    message = "this call makes results/smoke (preset smoke); say --config preset=laptop"
    assert f"error: results/laptop/report.html: {message}" in done.stdout and done.returncode != 0
    done = snakemake("-n", "--config", "preset=laptop", "--", "results/laptop/report.html")
    assert done.returncode == 0, done.stdout[-3000:]


def test_keys_on_the_command_line_may_have_dots():
    words = ["run=plan", "integrate.n_shards=7", "scaling.n_points=2", "integrate={long: {n_systems: 5}}"]
    done = snakemake("-n", "--config", *words, "--", "scaling")
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"^integrate_systems +7\b", done.stdout, re.M)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("parrot.py", "x = = 3", "error: baselines/parrot.py:{line}: not Python (invalid syntax)"),
        ("parrot.py", "import nonesuch", "error: baselines/parrot.py:{line}: needs the package 'nonesuch'"),
        ("registry.py", "x = (", "error: baselines/registry.py:{line}: not Python"),
        ("registry.py", "1 / 0", "error: baselines/registry.py:{line}: fails when it is imported"),
    ],
)
def test_a_baseline_that_is_broken_is_one_clear_line(tmp_path, file: str, line: str, message: str):
    sandbox = Sandbox(tmp_path / "copy")
    source = sandbox.folder / "baselines" / file
    n_lines = source.read_text().count("\n") + 1
    with source.open("a") as stream:
        stream.write(f"{line}\n")
    done = sandbox.snakemake("-n", check=False)
    assert message.format(line=n_lines) in done.stdout, done.stdout
    assert done.returncode != 0 and "Traceback" not in done.stdout


def test_a_baseline_of_ones_own_that_imports_what_is_not_there_is_one_clear_line(tmp_path):
    path = tmp_path / "seasonal.py"
    path.write_text(f"import nonesuch\n{SEASONAL}\nraise AssertionError\n")
    own = f"baselines={{own: {{{path}: {{period: 3}}}}}}"
    done = snakemake("-n", "--config", "run=plan", own, "evaluate={forecasters: [panda, seasonal]}")
    assert f"error: {path}:1: needs the package 'nonesuch'; install it, or correct the name\n" in done.stdout
    assert done.returncode != 0 and "Traceback" not in done.stdout
    # Whether it would run is asked of those alone that will.
    done = snakemake("-n", "--config", "run=plan", own, "--", "systems")
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_configuration_that_is_no_text_is_one_clear_line(tmp_path):
    sandbox = Sandbox(tmp_path / "copy")
    with (sandbox.folder / "config.yaml").open("ab") as file:
        file.write(b"# caf\xe9\n")
    done = sandbox.snakemake("-n", check=False)
    n_lines = (ROOT / "config.yaml").read_bytes().count(b"\n") + 1
    assert f"error: config.yaml:{n_lines}: not UTF-8 text (byte 0xe9)" in done.stdout
    assert done.returncode != 0 and "Traceback" not in done.stdout


def test_the_plan_of_the_paper_can_be_read():
    text = snakemake("-n", "--config", "preset=paper", "run=plan").stdout
    assert len(text) < 20_000 and max(map(len, text.splitlines())) < 500
    shards = load_config(ROOT / "config.yaml", preset="paper").discover.search.n_shards
    assert f"search_candidates: {shards} jobs (1 thread, 3000 MB, 240 min)\n" in text
    assert "train_model: 19 jobs (1 thread, 8000 MB, 1440 min, 1 GPU)\n" in text
    assert "    missing output files: results/plan/discover/measures.parquet\n" in text


def test_snakemakes_own_words_are_one_option_away():
    text = snakemake("-n", "-p", "--config", "run=plan", "--", "systems").stdout
    assert "-m panda discover compile" in text and "Reason: Missing output files" in text


def test_a_run_says_one_short_line_for_each_start_and_end(tmp_path):
    sandbox = Sandbox(tmp_path / "copy")
    with (sandbox.folder / "baselines" / "parrot.py").open("a") as stream:
        stream.write("1 / 0\n")
    targets = [
        f"results/smoke/scores/kuramoto_sivashinsky/{name}.parquet" for name in ("persistence", "parrot")
    ]
    done = sandbox.snakemake("--cores", "1", "--", *targets, check=False)
    assert done.returncode != 0
    assert re.search(r"^[\d:]+ start: Solve the Kuramoto-Sivashinsky equation$", done.stdout, re.M)
    ended = r"^[\d:]+ done \(\d of 5\): Forecast kuramoto_sivashinsky by persistence, \d+ s$"
    assert re.search(ended, done.stdout, re.M)
    failed = r"^[\d:]+ failed: Forecast .* by parrot \(forecast_series\), log (\S+)\n    error: baselines/parrot.py:\d+: "
    assert re.search(failed, done.stdout, re.M)
    assert max(map(len, done.stdout.splitlines())) < 200


def test_a_dry_run_says_what_the_run_will_cost():
    text = snakemake("-n", "--config", "preset=paper", "run=plan").stdout
    # Once: the processes that run the jobs read the Snakefile again, and say nothing.
    assert (
        len(re.findall(r"^estimate: [\d,.]+ CPU-hours, [\d,.]+ GPU-hours, [\d,.]+ GB on disk", text, re.M))
        == 1
    )


def test_a_dry_run_imports_neither_torch_nor_numba():
    code = (
        "import sys; from snakemake.cli import main\n"
        "try:\n    main(['-n', '--quiet', 'all', '--config', 'run=plan'])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'torch', 'numba', 'dysts', 'darts'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stdout + done.stderr


# What Snakemake's linter says of every rule, and why it stays: one locked environment serves all rules; the
# resolved configuration and the compiled founders are no inputs by design (their age must rerun nothing).
LINT_ACCEPTED = (
    r"Specify a conda environment or container for each rule",
    r"Shell command directly uses variable (PANDA|RESOLVED|BUILD) from outside of the rule",
    r"Param (root|data|state|benchmarks) is a prefix of input or output file but hardcoded",
    r"Mixed rules and functions in same snakefile",
)


def test_lint_finds_nothing_new():
    # Its exit code is 0 whatever it finds: the text decides.
    text = snakemake("--lint").stdout
    findings = re.findall(r"^    \* (.*)", text, re.M)
    assert findings, "the linter said nothing at all"
    new = [found for found in findings if not any(re.match(known, found) for known in LINT_ACCEPTED)]
    assert not new, text


def test_every_rule_has_log_benchmark_message_and_resources():
    for file in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), re.M | re.S):
            if "shell:" not in body:
                continue
            needed = ["log:", "message:", "threads:", "resources:", "mem_mb=growing", "runtime="]
            # The table of costs reads the benchmarks of all others: it has none itself.
            needed += [] if name == "list_costs" else ["benchmark:"]
            missing = [word for word in needed if word not in body]
            assert not missing, f"{file.name}: rule {name} lacks {missing}"


def test_the_default_profile_holds_no_resources():
    from panda.config.load import read_yaml

    keys = read_yaml(ROOT / "workflow/profiles/default/config.yaml")
    assert not [key for key in keys if "resource" in key or "thread" in key]


def test_paper_preset_is_config_yaml_itself():
    from panda.config.load import read_yaml

    assert read_yaml(ROOT / "presets" / "paper.yaml") == {"preset": "paper"}
    assert load_config(ROOT / "config.yaml", preset="paper").train.recipe == "paper"
