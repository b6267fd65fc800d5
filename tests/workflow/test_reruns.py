"""Exact reruns: what is touched reruns nothing; what is changed reruns itself and what follows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.workflow.conftest import TINY
from tests.workflow.sandbox import Sandbox

pytestmark = pytest.mark.workflow


def planned(sandbox: Sandbox, *arguments: str) -> set[str]:
    """The rules that a dry run would run."""
    text = sandbox.snakemake("-n", *arguments).stdout
    if "Nothing to be done" in text:
        return set()
    table = text[text.index("Job stats:") :]
    return set(re.findall(r"^(\w+)\s+\d+$", table, re.M)) - {"total", "all"}


def edit(path: Path, old: str, new: str):
    """Change a file for one plan, and put it back as it was."""

    class Edited:
        def __enter__(self):
            self.text = path.read_text()
            assert old in self.text, f"{path} has no {old!r}"
            path.write_text(self.text.replace(old, new, 1))

        def __exit__(self, *error):
            path.write_text(self.text)

    return Edited()


def test_a_second_run_has_nothing_to_do(finished: Sandbox):
    assert planned(finished) == set()


def test_touched_sources_rerun_nothing(finished: Sandbox):
    for path in (*finished.folder.glob("panda/**/*.py"), finished.folder / "config.yaml"):
        path.touch()
    assert planned(finished) == set()


def test_touched_results_rerun_nothing(finished: Sandbox):
    # Newest first: every input is then newer than what was made from it.
    files = sorted(
        (path for path in (finished.folder / "results").rglob("*") if path.is_file()), reverse=True
    )
    large = [path for path in files if path.stat().st_size > 1_000_000]
    assert large, "none above the size up to which Snakemake compares contents by itself"
    for order in (files, files[::-1]):
        for path in order:
            path.touch()
        assert planned(finished) == set()


def test_a_copied_run_reruns_nothing(finished: Sandbox, tmp_path: Path):
    copy = Sandbox(tmp_path / "copy", *finished.overlays)
    for name in ("results", ".snakemake"):
        # As `cp -r` does: the contents, with times of their own.
        shutil.copytree(finished.folder / name, copy.folder / name, copy_function=shutil.copyfile)
    assert planned(copy) == set()


def test_other_content_of_any_size_reruns_what_is_made_from_it(finished: Sandbox):
    path = finished.folder / "results/tiny/pde/fields.npz"
    whole = path.read_bytes()
    path.write_bytes(whole + b"more")
    try:
        assert planned(finished) >= {"forecast_series", "score_forecasts", "summarise_scores"}
    finally:
        path.write_bytes(whole)


def test_a_removed_intermediate_file_is_made_again_when_it_is_needed(finished: Sandbox):
    path = finished.folder / "results/tiny/integrate/train/0.arrow"
    aside = path.rename(finished.folder / path.name)
    try:
        assert planned(finished) == set()
        assert planned(finished, "--", str(path.relative_to(finished.folder))) == {"integrate_systems"}
        rules = planned(finished, "--config", "train={batch_size: 5}")
        assert {"integrate_systems", "train_model"} <= rules and "search_candidates" not in rules
    finally:
        aside.rename(path)


def test_a_removed_figure_is_made_again(finished: Sandbox):
    path = finished.folder / "results/tiny/figures/acceptance.png"
    aside = path.rename(finished.folder / path.name)
    try:
        assert planned(finished) == {"draw_figure", "list_costs", "write_report"}
    finally:
        aside.rename(path)


def test_a_comment_reruns_nothing(finished: Sandbox):
    path = finished.folder / "panda" / "discovery" / "search" / "search.py"
    with edit(path, "from __future__", "# a remark\nfrom __future__"):
        assert planned(finished) == set()
    config = finished.folder / "config.yaml"
    with edit(config, "preset: smoke", "# a remark\npreset: smoke"):
        assert planned(finished) == set()


def test_an_unrelated_option_reruns_nothing_else(finished: Sandbox):
    change = "evaluate={datasets: {kuramoto_sivashinsky: {start: 1000}}}"
    rules = planned(finished, "--config", change)
    assert {"forecast_series", "score_forecasts", "summarise_scores"} <= rules
    assert not rules & {"search_candidates", "train_model", "simulate_fields"}
    text = finished.snakemake("-n", "--config", change).stdout
    assert set(re.findall(r"Summarise the scores on (\w+)", text)) == {"kuramoto_sivashinsky"}


def test_a_threshold_of_a_metric_scores_again_and_forecasts_nothing(finished: Sandbox):
    rules = planned(finished, "--config", "evaluate={valid_time_threshold: 0.3}")
    assert {"score_forecasts", "summarise_scores"} <= rules and "forecast_series" not in rules
    path = finished.folder / "panda" / "evaluation" / "metrics.py"
    with edit(path, "SMAPE_MAX = 200.0", "SMAPE_MAX = 100.0"):
        rules = planned(finished)
    assert {"score_forecasts", "summarise_scores"} <= rules and "forecast_series" not in rules


def test_a_threshold_reruns_select_and_what_follows(finished: Sandbox):
    rules = planned(finished, "--config", "discover={select: {max_zscore: 14.0}}")
    assert {"select_systems", "integrate_systems", "train_model", "forecast_series"} <= rules
    assert not rules & {"compile_founders", "measure_founders", "search_candidates", "simulate_fields"}


def test_who_is_held_out_reruns_the_selection_alone(finished: Sandbox):
    rules = planned(finished, "--config", "discover={founders: {held_out: [Thomas, SprottB]}}")
    assert {"select_systems", "integrate_systems", "train_model", "summarise_scores"} <= rules
    assert not rules & {"compile_founders", "measure_founders", "search_candidates", "follow_candidates"}


def test_a_search_setting_reruns_the_search(finished: Sandbox):
    rules = planned(finished, "--config", "discover={search: {stiffness: 1.1}}")
    assert {"search_candidates", "select_systems"} <= rules
    assert not rules & {"compile_founders", "simulate_fields"}


def test_a_figure_module_reruns_that_figure(finished: Sandbox):
    path = finished.folder / "panda" / "figures" / "acceptance.py"
    with edit(path, "from __future__ import annotations", "from __future__ import annotations\n\nX = 1"):
        text = finished.snakemake("-n").stdout
    drawn = set(re.findall(r"Draw figure (\w+)", text))
    assert drawn == {"acceptance"}
    assert "Search shard" not in text and "Train" not in text


def test_a_baseline_module_reruns_that_baseline(finished: Sandbox):
    path = finished.folder / "baselines" / "parrot.py"
    with edit(path, "from __future__ import annotations", "from __future__ import annotations\n\nX = 1"):
        text = finished.snakemake("-n").stdout
    forecast = set(re.findall(r"Forecast test by (\w+)", text))
    assert forecast == {"parrot"}
    assert "Train" not in text


def test_one_more_subset_trains_its_own_models_alone(fresh: Sandbox, tmp_path: Path):
    steps = "definitions: {panda: {n_steps: 1}, panda_mlm: {n_steps: 1}, panda_mlm_sft: {n_steps: 1}}"
    overlay = tmp_path / "sweep.yaml"
    overlay.write_text(f"train: {{{steps}}}\nscaling: {{enabled: true, n_points: 2, steps_fraction: 1.0}}\n")
    fresh.overlays = (*fresh.overlays, overlay)
    fresh.snakemake("--cores", "2", "--", "scaling")
    folder = fresh.folder / "results" / "tiny"
    before = {path: path.stat().st_mtime_ns for path in folder.glob("train/*/model.safetensors")}
    overlay.write_text(overlay.read_text().replace("n_points: 2", "n_points: 3"))
    fresh.snakemake("--cores", "2", "--", "scaling")
    after = {path: path.stat().st_mtime_ns for path in folder.glob("train/*/model.safetensors")}
    assert len(before) >= 2 and {path: after[path] for path in before} == before
    assert {path.parent.name.rpartition("_")[2] for path in set(after) - set(before)} == {"split2"}


class Sharing(Sandbox):
    """A sandbox whose runs take what another has made."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PANDA_REUSE": "1"}


def test_another_run_takes_the_search_of_the_first(tmp_path: Path, library_folder: Path):
    sandbox = Sharing(tmp_path / "sharing", TINY)
    sandbox.snakemake("--cores", "2", "--", "systems")
    stricter = ["run=strict", "discover={select: {driven_min_share: 0.4}}"]
    sandbox.snakemake("--cores", "2", "--config", *stricter, "--", "systems")
    first, second = (sandbox.folder / "results" / run / "discover" for run in ("tiny", "strict"))
    for name in ("measures.parquet", "candidates/0.parquet", "candidates/1.parquet"):
        assert (first / name).samefile(second / name)
        assert (first / f"{name}.provenance.json").samefile(second / f"{name}.provenance.json")
    assert not (first / "followed/0.parquet").samefile(second / "followed/0.parquet")
    log = (sandbox.folder / "results/strict/logs/search_candidates/0.log").read_text()
    assert "from another run" in log
    # What is damaged is computed again, and not taken from where it came.
    shard = second / "candidates" / "0.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-9] + b"\0" + whole[-8:])  # both names of the one file
    shard.unlink()
    sandbox.snakemake("--cores", "2", "--config", *stricter, "--", str(shard.relative_to(sandbox.folder)))
    assert shard.read_bytes() == whole
