"""What a run will cost before it starts, from the counts of its configuration and the unit costs in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from panda.config.arena import (
    EQUATION,
    MEASURED,
    SOURCES,
    UNSEEN,
    contestants,
    lacking,
    reported,
    rules_of,
    tables_of,
)
from panda.config.founder_names import without_delay
from panda.config.measured import measured
from panda.config.train import ModelShape
from panda.config.whole import Config, NamedModel
from panda.core.known_baselines import describe_all
from panda.core.names import LONG, SPLITS

_HOUR_S = 3600.0
_GB = 1e9
_FLOAT32_BYTES = 4
_FORECAST_BYTES = {"float32": 4, "float64": 8}
# The settings of a trained baseline whose product is the number of windows that it learns from.
_TRAINING = ("max_epochs", "batches_per_epoch", "batch_size")
# Or by these, where it takes as many steps as it is told.
_STEPS = ("n_steps", "batch_size")


class StageCost(NamedTuple):
    """What a stage takes, summed over its jobs: hours of one core, hours of one GPU, and what stays on disk.

    A job on a GPU holds `train.threads` cores all the while; their hours count too.
    """

    stage: str
    cpu_hours: float
    gpu_hours: float
    disk_gb: float


class _Systems(NamedTuple):
    """Numbers of systems that are expected to be accepted."""

    all: float
    train: float
    test: float


def estimate(config: Config) -> list[StageCost]:
    """Costs of the default target, one row per stage, linear in the counts of the configuration."""
    systems = _systems(config)
    stages = [
        *([_discover(config)] if config.integrate.catalogue is None else []),
        *([_spectra(config, systems)] if "spectra" in config.figures else []),
        _sum("integrate", _own_trajectories(config, systems)),
        _train(config, [model for model in config.named_models().values() if model.split is None]),
    ]
    if _trained(config):
        stages.append(_baselines(config))
    stages.append(_evaluate(config, systems))
    if EQUATION in config.figures or EQUATION in reported(config):
        stages.append(_pde(config))
    if config.scaling.enabled:
        stages.append(_scaling(config, systems))
    # Beside the figures: models, the summary of each data set, claims, costs, report.
    stages.append(_stage(config, "figures", n_jobs=len(config.figures) + 4 + len(reported(config))))
    return stages


def total(stages: Iterable[StageCost]) -> StageCost:
    """The sum over stages."""
    return _sum("total", stages)


def estimate_lines(config: Config) -> list[str]:
    """The estimate as a table: one line per stage, and the total."""
    stages = estimate(config)
    lines = [f"{'stage':<10} {'CPU-hours':>10} {'GPU-hours':>10} {'GB on disk':>10}"]
    for stage, *numbers in (*stages, total(stages)):
        lines.append(f"{stage:<10} " + " ".join(f"{_short(number):>10}" for number in numbers))
    left_out = not_counted(config)
    return [*lines, f"not counted: {left_out}"] if left_out else lines


def estimate_summary(config: Config) -> str:
    """The total in one line."""
    _, cpu_hours, gpu_hours, disk_gb = total(estimate(config))
    left_out = not_counted(config)
    return (
        f"estimate: {_short(cpu_hours)} CPU-hours, {_short(gpu_hours)} GPU-hours, {_short(disk_gb)} GB on disk"
        f"{f', without {left_out}' if left_out else ''} (`panda config cost` shows the parts)"
    )


def flops(shape: ModelShape, *, n_channels: float) -> float:
    """Floating-point operations of one forward pass of one window.

    Two (a multiplication and an addition) for each weight and token, and 4 d_model a layer for each token
    and each patch and channel that its two attentions look at; norms and the features of the dynamics
    embedding are left out.
    """
    n_patches = shape.context_length // shape.patch_length
    seen = n_patches + (n_channels if shape.channel_attention else 0)
    attention = 4 * shape.n_layers * shape.d_model * seen
    embedding, layers, head = _weights(shape)
    # A forecast head is applied once per channel (to all patches, if it flattens them), the other once per patch.
    n_heads = n_patches if shape.head == "mlm" else 1
    tokens = n_patches * (2 * (embedding + layers) + attention)
    return n_channels * (tokens + n_heads * 2 * head)


def _weights(shape: ModelShape) -> tuple[int, int, int]:
    """Weights of embedding, layers and head; biases and norms are left out."""
    d = shape.d_model
    n_attentions = 1 + shape.channel_attention
    layers = shape.n_layers * (4 * n_attentions * d**2 + 2 * d * shape.ffn_dim)
    embedding = (d if shape.embedding == "dynamics" else shape.patch_length) * d
    if shape.head == "mlm":
        return embedding, layers, d * shape.patch_length
    n_tokens = shape.context_length // shape.patch_length if shape.pooling == "flatten" else 1
    return embedding, layers, n_tokens * d * shape.prediction_length


def _discover(config: Config) -> StageCost:
    search, gallery = config.discover.search, config.discover.gallery
    n_candidates = len(config.discover.founders.all_names) * (1 + search.n_founder_perturbations)
    n_candidates += search.n_pairs * search.n_perturbations
    n_shown = gallery.n_systems + gallery.n_founders * (1 + gallery.n_perturbations)
    cpu_s = n_candidates * config.costs.candidate_cpu_s + n_shown * config.costs.trajectory_cpu_s
    cpu_s += _follow_s(config, n_candidates)
    # Every shard is searched, then followed. Beside these: compile, measure, select, gallery, breeding, and
    # duplicates where they are asked for.
    n_jobs = search.generations * (2 * search.n_shards + 1) + 3
    if config.discover.duplicates.enabled:
        n_jobs += 1
        cpu_s += 2 * config.discover.duplicates.n_calibration * config.costs.trajectory_cpu_s
    n_bytes = n_candidates * config.costs.candidate_bytes
    return _stage(config, "discover", n_jobs=n_jobs, cpu_s=cpu_s, n_bytes=n_bytes)


def _follow_s(config: Config, n_candidates: float) -> float:
    """Core seconds of following: nearly all of them go into persistence, which most of those followed are asked for."""
    n_followed = n_candidates * config.costs.followed_share
    return n_followed * config.discover.follow.persistence_periods * config.costs.followed_cpu_s


def _systems(config: Config) -> _Systems:
    """Accepted systems: founders themselves all, the rest by the expected acceptance.

    Of the ordered pairs of n founders without delay, (n - h) (n - h - 1) / (n (n - 1)) have none of h given ones.
    """
    search, founders = config.discover.search, config.discover.founders
    share = config.costs.expected_acceptance
    names = founders.all_names
    n = len(without_delay(names))
    of_founder = 1 + search.n_founder_perturbations * share.founder
    n_skew = search.first_pairs * search.n_perturbations * share.skew
    n_skew += (search.generations - 1) * search.n_bred * share.bred

    def without(*left_out: str) -> float:
        left = n - len(without_delay(left_out))
        n_founders = len(names) - len(left_out)
        return n_founders * of_founder + n_skew * left * (left - 1) / max(1, n * (n - 1))

    test, validation = set(founders.test_names), set(founders.validation) - set(founders.test_names)
    return _Systems(without(), without(*test, *validation), without() - without(*test))


def _spectra(config: Config, systems: _Systems) -> StageCost:
    """Spectra of the accepted systems, or of as many as are asked for, and the shards joined."""
    settings = config.discover.spectrum
    n = systems.all if settings.max_systems is None else min(systems.all, settings.max_systems)
    cpu_s = n * config.costs.spectrum_cpu_s
    n_bytes = n * config.costs.spectrum_bytes
    return _stage(config, "spectra", n_jobs=settings.n_shards + 1, cpu_s=cpu_s, n_bytes=n_bytes)


def _integrate(config: Config, n_trajectories: float, n_shards: int) -> StageCost:
    values = config.discover.search.integration.kept_points * config.costs.mean_dimension
    return _stage(
        config,
        "integrate",
        n_jobs=n_shards,
        cpu_s=n_trajectories * config.costs.trajectory_cpu_s,
        n_bytes=n_trajectories * values * _FLOAT32_BYTES,
    )


def _own_trajectories(config: Config, systems: _Systems) -> list[StageCost]:
    """The trajectories of all splits, the long ones of some test systems, and every test trajectory's trust
    horizon; nothing of it where published ones are imported."""
    settings = config.integrate
    if settings.import_from is not None:
        return [_stage(config, "integrate", n_jobs=settings.n_shards)]
    n_each, kept = settings.n_initial_conditions, config.discover.search.integration.kept_points
    n_long = min(settings.long.n_systems, systems.test) * settings.long.n_points / kept
    checks_s = systems.test * n_each * config.costs.trust_cpu_s
    return [
        _integrate(config, systems.all * n_each + n_long, settings.n_shards),
        _stage(config, "integrate", n_jobs=0, cpu_s=checks_s),
    ]


def _train(config: Config, models: Iterable[NamedModel]) -> StageCost:
    """The models trained, each by one job."""
    stages = []
    for model in models:
        shape = config.train.model_shape(model.definition)
        device_s = training_s(config, model)
        n_bytes = sum(_weights(shape)) * config.costs.parameter_bytes
        stages.append(_stage(config, "train", n_jobs=1, device_s=device_s, n_bytes=n_bytes))
    return _sum("train", stages)


def training_s(config: Config, model: NamedModel) -> float:
    """Seconds that a device trains a model.

    Forward and backward are three forward passes; a step has a cost of its own, whatever its batch.
    """
    device = config.costs.gpu if config.costs.train_on_gpu else config.costs.cpu
    shape = config.train.model_shape(model.definition)
    n_passes = config.train.recipes[config.train.recipe_name(model.definition)].n_passes
    window_s = 3 * n_passes * flops(shape, n_channels=config.train.data.n_channels) / device.flops_per_s
    return model.n_steps * (config.train.batch_size * window_s + device.step_s)


def _trained(config: Config) -> dict[str, Any]:
    """The settings of those baselines, ours and the user's, that are trained and asked for, by name."""
    asked = {*chain(*config.forecasters().values())} - set(lacking(config))
    known = sorted(describe_all(config.baselines.own).items())
    return {
        name: config.baselines.of(one.file.stem, str(one.file))
        for name, one in known
        if one.trained and name in asked
    }


def _n_learnt(own: Any) -> float | None:
    """Windows that a baseline learns from, at most: one may stop where it no longer learns. None: it does not say."""
    for keys in (_STEPS, _TRAINING):
        if all(hasattr(own, key) for key in keys):
            return math.prod(getattr(own, key) for key in keys)
    return None


def _baselines(config: Config) -> StageCost:
    """Those that are trained; where their operations are given on the device that models are, else on a core."""
    costs, stages = config.costs, []
    device = costs.gpu if costs.train_on_gpu else costs.cpu
    for name, own in _trained(config).items():
        n_windows, cpu_s, device_s = _n_learnt(own) or 0.0, costs.baseline_window_cpu_s, 0.0
        if name in costs.baseline_window_flops:
            cpu_s, device_s = 0.0, costs.baseline_window_flops[name] / device.flops_per_s
            device_s += device.step_s / getattr(own, "batch_size", 1)
        stages.append(
            _stage(config, "baselines", n_jobs=1, cpu_s=n_windows * cpu_s, device_s=n_windows * device_s)
        )
    return _sum("baselines", stages)


def not_counted(config: Config) -> str:
    """What the estimate leaves out, in half a sentence; empty if nothing.

    How long a baseline trains is known by its settings alone: `n_steps` and `batch_size`, or `max_epochs`,
    `batches_per_epoch` and `batch_size`. Of one that has neither only the start of its job counts. How many series the
    user's own files hold is not known before they are opened.
    """
    unknown = [name for name, own in _trained(config).items() if _n_learnt(own) is None]
    own = [name for name in reported(config) if config.evaluate.datasets[name].series not in SOURCES]
    parts = [f"the training of {', '.join(unknown)} (no {', '.join(_TRAINING)})"] if unknown else []
    parts += [f"the forecasts of {', '.join(own)}"] if own else []
    return " and ".join(parts)


def _n_windows(config: Config, systems: _Systems, dataset: str = UNSEEN) -> float:
    """Windows of a data set of our own trajectories, or of a measured series, that each of its forecasters meets."""
    rules, source = rules_of(config, dataset), config.evaluate.datasets[dataset].series
    if source in MEASURED:
        n_trajectories = 1
    elif source == LONG:
        n_trajectories = min(config.integrate.long.n_systems, systems.test)
    else:
        n_systems = {"train": systems.train, "test": systems.test}.get(source)
        n_systems = systems.all - systems.train - systems.test if n_systems is None else n_systems
        n_trajectories = n_systems * config.integrate.n_initial_conditions
    if rules.max_trajectories is not None:
        n_trajectories = min(n_trajectories, rules.max_trajectories)
    return n_trajectories * (rules.n_windows if rules.start is None else 1)


def _evaluate(config: Config, systems: _Systems) -> StageCost:
    """Forecasts of trajectories and measured series and their scores; completions where there is a model for them."""
    settings, dimension = config.evaluate, config.costs.mean_dimension
    stages = []
    for dataset in reported(config):
        source = config.evaluate.datasets[dataset].series
        if source in (*SPLITS, LONG, *MEASURED):
            names, n_windows = contestants(config, dataset), _n_windows(config, systems, dataset)
            n_channels = len(measured()[source].channels) if source in MEASURED else dimension
            stages += [_score(config, dataset, name, n_windows, n_channels) for name in names]
            n_jobs = len(tables_of(config, dataset, names)) + int(source in MEASURED)
            stages.append(_stage(config, "evaluate", n_jobs=n_jobs))
    if settings.completion_model is not None:
        n_windows = _n_windows(config, systems)
        shape = config.train.model_shape(settings.completion_model)
        device_s = _forward_s(config, shape, n_windows * settings.n_mask_draws, dimension)
        stages.append(_stage(config, "evaluate", n_jobs=1, device_s=device_s))
    return _sum("evaluate", stages)


def _score(config: Config, dataset: str, name: str, n_windows: float, n_channels: float) -> StageCost:
    """One forecaster on all windows, to the longest horizon; `name` may be a model's or a baseline's."""
    horizons, device_s = rules_of(config, dataset).horizons, 0.0
    n_bytes = n_windows * len(horizons) * config.costs.score_bytes
    if config.evaluate.keep_forecasts:
        n_bytes += n_windows * max(horizons) * n_channels * _FORECAST_BYTES[config.evaluate.precision]
    model = config.named_models().get(name)
    if model is not None:
        shape = config.train.model_shape(model.definition)
        n_passes = n_windows * -(-max(horizons) // shape.prediction_length)
        device_s = _forward_s(config, shape, n_passes, n_channels)
    return _stage(
        config,
        "evaluate",
        n_jobs=1,
        cpu_s=n_windows * config.costs.forecast_cpu_s,
        device_s=device_s,
        n_bytes=n_bytes,
    )


def _forward_s(config: Config, shape: ModelShape, n_passes: float, n_channels: float) -> float:
    device = config.costs.gpu if config.costs.train_on_gpu else config.costs.cpu
    return n_passes * flops(shape, n_channels=n_channels) / device.flops_per_s


def _pde(config: Config) -> StageCost:
    pde = config.pde
    fields = _stage(
        config,
        "pde",
        n_jobs=1,
        cpu_s=pde.n_runs * config.costs.field_cpu_s,
        n_bytes=pde.n_runs * pde.n_points * pde.n_grid * _FLOAT32_BYTES,
    )
    names = contestants(config, EQUATION)
    scored = _stage(config, "pde", n_jobs=len(tables_of(config, EQUATION, names)))
    return _sum(
        "pde", [fields, scored, *(_score(config, EQUATION, name, pde.n_runs, pde.n_grid) for name in names)]
    )


def _scaling(config: Config, systems: _Systems) -> StageCost:
    """The subsets integrated, a chain of models for each, the last of each scored, and the fit.

    A subset of N / 2^i systems takes 2^i trajectories of each, and shares half of them with the larger ones: N / 2 more
    for every subset but the first, which is what all models learn from.
    """
    n_subsets = config.scaling.n_points - 1
    n_trajectories = systems.train * n_subsets / 2
    models = [model for model in config.named_models().values() if model.split is not None]
    n_windows, dimension = _n_windows(config, systems), config.costs.mean_dimension
    sweep = config.scaling_forecasters()
    return _sum(
        "scaling",
        [
            _integrate(config, n_trajectories, n_subsets * config.scaling.n_shards),
            _train(config, models),
            *(_score(config, UNSEEN, name, n_windows, dimension) for name in sweep),
            _stage(config, "scaling", n_jobs=1 + (0 if config.evaluate.together else len(sweep))),
        ],
    )


def _stage(
    config: Config,
    stage: str,
    *,
    n_jobs: int,
    cpu_s: float = 0.0,
    device_s: float = 0.0,
    n_bytes: float = 0.0,
) -> StageCost:
    """A cost in hours and GB; `device_s` are seconds of what trains, a GPU or a core."""
    on_gpu = config.costs.train_on_gpu
    cpu_s += n_jobs * config.costs.job_cpu_s + device_s * (config.train.threads if on_gpu else 1)
    return StageCost(stage, cpu_s / _HOUR_S, device_s / _HOUR_S if on_gpu else 0.0, n_bytes / _GB)


def _sum(stage: str, costs: Iterable[StageCost]) -> StageCost:
    costs = list(costs)
    return StageCost(
        stage,
        sum(cost.cpu_hours for cost in costs),
        sum(cost.gpu_hours for cost in costs),
        sum(cost.disk_gb for cost in costs),
    )


def _short(number: float) -> str:
    """Two significant digits: it is an estimate."""
    return f"{float(f'{number:.2g}'):,g}"
