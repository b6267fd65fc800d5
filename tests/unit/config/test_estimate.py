"""The estimate: linear in its counts, GPU or cores, plausible totals, operations as torch counts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda.config import Config, ModelShape
from panda.config.estimate import StageCost, estimate, estimate_lines, estimate_summary, flops, total
from panda.config.load import load_config
from tests.conftest import ROOT, preset_config


def changed(config: Config, section: str, **values) -> Config:
    """`config` with other values in one section (a dotted path)."""
    first, _, rest = section.partition(".")
    part = getattr(config, first)
    new = changed(part, rest, **values) if rest else part.model_copy(update=values)
    return config.model_copy(update={first: new})


def stages(config: Config) -> dict[str, StageCost]:
    return {cost.stage: cost for cost in estimate(config)}


@pytest.fixture(scope="module")
def paper() -> Config:
    return preset_config("paper")


def with_steps(config: Config, factor: int) -> Config:
    definitions = {
        name: definition.model_copy(update={"n_steps": factor * definition.n_steps})
        for name, definition in config.train.definitions.items()
    }
    return changed(config, "train", definitions=definitions)


def test_twice_the_steps_cost_twice(paper: Config):
    one, two = stages(paper)["train"], stages(with_steps(paper, 2))["train"]
    assert two.gpu_hours == pytest.approx(2 * one.gpu_hours)
    assert two.disk_gb == one.disk_gb
    assert stages(with_steps(paper, 2))["discover"] == stages(paper)["discover"]


def test_twice_the_candidates_cost_twice(paper: Config):
    free = changed(paper, "costs", job_cpu_s=0.0, trajectory_cpu_s=0.0)
    n = paper.discover.search
    more = {"n_pairs": 2 * n.n_pairs, "n_founder_perturbations": 2 * n.n_founder_perturbations + 1}
    one, two = stages(free)["discover"], stages(changed(free, "discover.search", **more))["discover"]
    assert two.cpu_hours == pytest.approx(2 * one.cpu_hours)
    assert two.disk_gb == pytest.approx(2 * one.disk_gb)


def test_training_on_cores_has_no_gpu_hours(paper: Config):
    on_gpu = total(estimate(paper))
    on_cores = total(estimate(changed(paper, "costs", train_on_gpu=False)))
    assert on_gpu.gpu_hours > 1 and on_cores.gpu_hours == 0
    # A core is some hundred times slower.
    assert on_cores.cpu_hours > 100 * on_gpu.cpu_hours


def test_a_gpu_job_holds_its_cores(paper: Config):
    free = changed(paper, "costs", job_cpu_s=0.0)
    train = stages(changed(free, "train", threads=3))["train"]
    assert train.cpu_hours == pytest.approx(3 * train.gpu_hours)


def test_training_of_the_paper_by_hand(paper: Config):
    """400,000 steps of 1024 windows, 12.4 GFLOP each, at the sustained rate of the GPU."""
    seconds = 400_000 * 1024 * 12.4e9 / paper.costs.gpu.flops_per_s
    assert stages(paper)["train"].gpu_hours == pytest.approx(seconds / 3600, rel=0.02)


def test_without_a_model_to_train_training_costs_nothing(paper: Config):
    none = changed(paper, "train", models=())
    assert stages(none)["train"][1:] == (0.0, 0.0, 0.0)


def test_stages_that_do_not_run_cost_nothing(paper: Config):
    less = paper.model_copy(update={"figures": ("attractors",)})
    less = changed(changed(less, "scaling", enabled=False), "evaluate", forecasters=("panda",))
    sets = {
        name: own.model_copy(update={"forecasters": None}) for name, own in less.evaluate.datasets.items()
    }
    less = changed(less, "evaluate", datasets=sets)
    assert set(stages(paper)) - set(stages(less)) == {"scaling", "pde", "baselines", "spectra"}


def test_spectra_cost_by_the_system_that_is_measured(paper: Config):
    free = changed(paper, "costs", job_cpu_s=0.0)
    some = changed(free, "discover.spectrum", max_systems=100)
    assert stages(some)["spectra"].cpu_hours == pytest.approx(100 * paper.costs.spectrum_cpu_s / 3600)
    assert stages(free)["spectra"].cpu_hours > 100 * stages(some)["spectra"].cpu_hours


def test_following_costs_by_the_candidate_and_by_the_period(paper: Config):
    """Beside the search, linear in both; with none followed only the search is left."""
    free = changed(paper, "costs", job_cpu_s=0.0)
    alone = stages(changed(free, "costs", followed_share=0.0))["discover"].cpu_hours
    one = stages(free)["discover"].cpu_hours - alone
    longer = changed(
        free, "discover.follow", persistence_periods=3 * paper.discover.follow.persistence_periods
    )
    fewer = changed(free, "costs", followed_share=paper.costs.followed_share / 2)
    assert stages(longer)["discover"].cpu_hours - alone == pytest.approx(3 * one)
    assert stages(fewer)["discover"].cpu_hours - alone == pytest.approx(one / 2)
    search = paper.discover.search
    n_candidates = search.n_pairs * search.n_perturbations + 135 * (1 + search.n_founder_perturbations)
    seconds = 0.15 * n_candidates * 0.1
    assert one == pytest.approx(seconds / 3600, rel=0.02)


LEARNER = """
BASELINES = {"learner": {"label": "learner", "idea": "learns", "licence": "MIT", "trained": True}}
SETTINGS = {%s}
"""
TRAINING = {"max_epochs": 3, "batches_per_epoch": 5, "batch_size": 7}


def with_learner(settings: dict, folder: Path) -> Config:
    """The smoke preset with a trained baseline of one's own, and without ours."""
    path = folder / "learner.py"
    path.write_text(LEARNER % ", ".join(f'"{name}": "Count"' for name in settings))
    given = {
        "baselines": {"own": {str(path): settings}},
        "evaluate": {"forecasters": ["panda", "learner"]},
        "costs": {"job_cpu_s": 0.0},
    }
    return load_config(ROOT / "config.yaml", preset="smoke", given=given)


def test_a_trained_baseline_of_ones_own_counts_where_it_says_how_long_it_trains(tmp_path: Path):
    config = with_learner(TRAINING, tmp_path)
    hours = 3 * 5 * 7 * config.costs.baseline_window_cpu_s / 3600
    assert stages(config)["baselines"].cpu_hours == pytest.approx(hours)
    assert "not counted" not in "".join(estimate_lines(config)) and "without" not in estimate_summary(config)


def test_one_that_takes_steps_counts_by_these_and_by_its_operations(tmp_path: Path):
    config = with_learner({"n_steps": 11, "batch_size": 7}, tmp_path)
    hours = 11 * 7 * config.costs.baseline_window_cpu_s / 3600
    assert stages(config)["baselines"].cpu_hours == pytest.approx(hours)
    assert "not counted" not in "".join(estimate_lines(config))
    counted = changed(config, "costs", baseline_window_flops={"learner": 2e9})
    seconds = 11 * (7 * 2e9 / config.costs.cpu.flops_per_s + config.costs.cpu.step_s)
    assert stages(counted)["baselines"].cpu_hours == pytest.approx(seconds / 3600)
    on_gpu = stages(changed(counted, "costs", train_on_gpu=True))["baselines"]
    assert on_gpu.gpu_hours == pytest.approx(
        11 * (7 * 2e9 / config.costs.gpu.flops_per_s + config.costs.gpu.step_s) / 3600
    )


@pytest.mark.parametrize("missing", TRAINING)
def test_where_it_does_not_say_so_the_estimate_says_what_it_leaves_out(missing: str, tmp_path: Path):
    settings = {name: value for name, value in TRAINING.items() if name != missing}
    config = with_learner(settings, tmp_path)
    assert stages(config)["baselines"].cpu_hours == 0
    left_out = "the training of learner (no max_epochs, batches_per_epoch, batch_size)"
    assert estimate_lines(config)[-1] == f"not counted: {left_out}"
    assert f"GB on disk, without {left_out} (" in estimate_summary(config)


def test_data_sets_cost_where_the_report_shows_them(paper: Config):
    less = {
        name: own.model_copy(update={"in_report": name == "test"})
        for name, own in paper.evaluate.datasets.items()
    }
    alone = stages(changed(paper, "evaluate", datasets=less))["evaluate"]
    assert stages(paper)["evaluate"] == alone
    validation = less["validation"].model_copy(update={"in_report": True})
    more = stages(changed(paper, "evaluate", datasets=less | {"validation": validation}))["evaluate"]
    assert alone.gpu_hours < more.gpu_hours < 3 * alone.gpu_hours and more.disk_gb > alone.disk_gb
    lasers = validation.model_copy(update={"series": "my_data/lasers.npz", "in_report": None})
    own = changed(paper, "evaluate", datasets=less | {"lasers": lasers})
    assert stages(own)["evaluate"] == alone
    assert estimate_lines(own)[-1] == "not counted: the forecasts of lasers"


def test_smoke_is_minutes_and_paper_is_days():
    smoke, laptop, paper = (total(estimate(preset_config(p))) for p in ("smoke", "laptop", "paper"))
    assert smoke.cpu_hours < 0.3 and smoke.gpu_hours == 0 and smoke.disk_gb < 0.5
    assert smoke.cpu_hours < laptop.cpu_hours < 4 and laptop.gpu_hours == 0
    assert 20 < paper.gpu_hours < 500 and 20 < paper.cpu_hours < 5000 and 5 < paper.disk_gb < 200


def test_the_lines_add_up_and_the_summary_is_one_line(smoke: Config):
    lines = estimate_lines(smoke)
    assert [line.split()[0] for line in lines] == ["stage", *stages(smoke), "total"]
    assert estimate_summary(smoke).startswith("estimate: ") and "\n" not in estimate_summary(smoke)


@pytest.mark.parametrize(
    ("embedding", "head", "pooling"),
    [("dynamics", "forecast", "mean"), ("linear", "forecast", "flatten"), ("linear", "mlm", "mean")],
)
def test_operations_are_those_that_torch_counts(smoke: Config, embedding: str, head: str, pooling: str):
    """Nine channels: of fewer the attention is written without matrix products, which torch does not count."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from panda.model.panda import Panda

    details = {"embedding": embedding, "head": head, "pooling": pooling, "residual_on_last": False}
    shape = ModelShape(**smoke.train.shape.model_dump(), **details)
    model = Panda(shape, torch.Generator().manual_seed(0))
    context = torch.randn(1, shape.context_length, 9)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        if head == "mlm":
            n_patches = shape.context_length // shape.patch_length
            model.complete(context, torch.zeros(1, 9, n_patches, dtype=torch.bool))
        else:
            model(context)
    assert flops(shape, n_channels=9) == pytest.approx(counter.get_total_flops(), rel=0.02)
