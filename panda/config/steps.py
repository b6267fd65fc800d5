"""What each step of the study reads of the configuration, which code it runs, and what it writes: said here, once.

A rule of the workflow has the name of its step, and takes outputs, section and code from here; so do the command that it
calls, the provenance record beside its results, and the key of a training's states. A test runs the chain and holds every
key that a step reads against what it declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from panda.config.step_keys import (
    ACCEPTED,
    BRED,
    FOLLOW,
    HELD_OUT,
    LIMITS,
    MEASURED,
    METRIC_CODE,
    MODEL_CODE,
    MODEL_READS,
    NAMES,
    OPENED,
    SCORED_BY,
    SEARCHED,
    WINDOWS,
)
from panda.config.whole import Config, section
from panda.core.names import SPLITS


@dataclass(frozen=True)
class Step:
    """A step, which a rule and a command carry out.

    `reads` are dotted keys: a section stands for all that is in it. `code` are modules, which stand for all that they
    import of ours. `outputs` are paths below the run's folder by what they hold, with the wildcards of their rule.
    `without_effect` are keys that this step reads beside those of `WITHOUT_EFFECT`, and that change no output. What a
    `shared` step has made serves other runs that ask for the same (`panda.core.reuse`).
    What depends on a name is added where the name is known: `trained` for a model, `forecaster`, a figure's module.
    """

    reads: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    without_effect: tuple[str, ...] = ()
    shared: bool = False

    def section(self, config: Config, *more: str) -> dict[str, Any]:
        """The parts of the configuration at `reads` and `more`, as plain data."""
        return section(config, *dict.fromkeys((*self.reads, *more)))


class Baseline(Protocol):
    """What a baseline's registry says of one."""

    @property
    def module(self) -> str: ...

    @property
    def reads(self) -> tuple[str, ...]: ...


STEPS: dict[str, Step] = {
    "compile_founders": Step(
        ("discover.founders.names", *OPENED),
        ("panda.systems.library", "panda.discovery.own.founders"),
        {"dimensions": "discover/founders.json"},
        ("seed", "discover.search"),  # a founder of each kind is searched, so that all kernels are compiled
    ),
    "measure_founders": Step(
        ("discover.founders.names", *OPENED),
        ("panda.discovery.search.measure",),
        {"measures": "discover/measures.parquet"},
        shared=True,
    ),
    "search_candidates": Step(
        SEARCHED,
        ("panda.discovery.search.search",),
        {"candidates": "discover/candidates/{shard}.parquet"},
        shared=True,
    ),
    "follow_candidates": Step(
        FOLLOW,
        ("panda.discovery.certificates.follow",),
        {"followed": "discover/followed/{shard}.parquet"},
        shared=True,
    ),
    "breed_candidates": Step(
        BRED,
        ("panda.discovery.evolution.breeding", "panda.discovery.catalogue.shards"),
        {"bred": "discover/bred/{generation}.parquet"},
    ),
    "search_bred": Step(
        ("seed", *MEASURED, "discover.search"),
        ("panda.discovery.search.search",),
        {"candidates": "discover/bred/{generation}/{shard}.parquet"},
    ),
    "follow_bred": Step(
        FOLLOW,
        ("panda.discovery.certificates.follow",),
        {"followed": "discover/followed/{generation}/{shard}.parquet"},
    ),
    "select_systems": Step(
        ("seed", "discover.select", *NAMES, *HELD_OUT, "discover.search"),
        ("panda.discovery.search.select", "panda.discovery.catalogue.shards"),
        {
            "catalogue": "discover/catalogue.parquet",
            "acceptance": "discover/acceptance.parquet",
            "selections": "discover/selections.parquet",
        },
    ),
    "measure_spectra": Step(
        ("seed", "discover.spectrum", *OPENED),
        ("panda.discovery.certificates.spectra",),
        {"spectra": "discover/spectra/{shard}.parquet"},
    ),
    "join_spectra": Step(
        ("seed", "discover.spectrum.max_systems", "discover.spectrum.n_shards"),
        ("panda.discovery.certificates.spectra", "panda.discovery.catalogue.shards"),
        {"spectra": "discover/spectra.parquet"},
    ),
    "sample_gallery": Step(
        ("seed", "discover.gallery", *OPENED),
        ("panda.discovery.catalogue.gallery",),
        {"gallery": "discover/gallery.npz"},
    ),
    "find_duplicates": Step(
        (*SEARCHED, "discover.duplicates"),
        ("panda.discovery.diversity.novelty",),
        {"counts": "discover/duplicates.parquet", "nearest": "discover/nearest.parquet"},
    ),
    "audit_certificates": Step(
        ("seed", "discover.audit", "discover.follow", *OPENED),
        ("panda.discovery.certificates.audit",),
        {"audit": "discover/audit/{shard}.parquet"},
    ),
    "summarise_audit": Step(
        ("seed", "discover.audit", "discover.follow"),
        ("panda.discovery.certificates.audit_summary", "panda.discovery.catalogue.shards"),
        {"audit": "discover/audit.parquet", "summary": "discover/audit_summary.parquet"},
    ),
    "run_search": Step(
        (
            *BRED[1:],
            "discover.comparison.generations",
            "discover.comparison.n_perturbations",
            "discover.comparison.n_pairs",
            "discover.comparison.n_pairs_evolved",
        ),
        ("panda.discovery.evolution.timed_search",),
        {"candidates": "discover/searches/{method}/{seed}.parquet"},
    ),
    "compare_searches": Step(
        (
            "seed",
            *MEASURED,
            "discover.search",
            "discover.evolve",
            *ACCEPTED,
            "discover.spectrum",
            "discover.comparison",
            "discover.duplicates",
        ),
        ("panda.discovery.evolution.comparison",),
        {"table": "discover/evolution.parquet", "curve": "discover/evolution_curve.parquet"},
    ),
    "integrate_systems": Step(
        ("seed", "integrate", *OPENED),
        (
            "panda.integration.trajectories",
            "panda.integration.trust",
            "panda.integration.subsets",
            "panda.data.store",
        ),
        {
            **{split: f"integrate/{split}/{{shard}}.arrow" for split in SPLITS},
            "long": "integrate/long/{shard}.arrow",
            "trust": "integrate/trust/{shard}.parquet",
        },
    ),
    "import_trajectories": Step(
        ("integrate.import_from", "integrate.n_shards", *NAMES, *HELD_OUT, "discover.select.strict"),
        ("panda.data.external",),
        {split: f"integrate/{split}/{{shard}}.arrow" for split in SPLITS},
    ),
    "write_card": Step(
        ("seed", "integrate", LIMITS),
        ("panda.data.card", "panda.integration.trust"),
        {"card": "integrate/README.md", "trust": "integrate/trust.parquet"},
    ),
    "integrate_subsets": Step(
        ("seed", "scaling.n_shards", "integrate.n_periods", *OPENED),
        ("panda.integration.subsets", "panda.integration.trajectories", "panda.data.store"),
        {"trajectories": "scaling/trajectories/{point}/{shard}.arrow"},
    ),
    "train_model": Step(
        (
            "seed",
            *(
                f"train.{key}"
                for key in (
                    "device",
                    "threads",
                    "precision",
                    "compile",
                    "batch_size",
                    "founder_probability",
                    "data",
                    "log_every",
                    "n_snapshots",
                )
            ),
        ),
        ("panda.training.loop", "panda.integration.subsets"),
        {
            "weights": "train/{model}/model.safetensors",
            "shape": "train/{model}/config.json",
            "log": "train/{model}/log.parquet",
            "snapshots": "train/{model}/snapshots.safetensors",
        },
        # To rounding: a training may go on with another number of ranks. The others are of speed and logs.
        ("train.ranks", "train.loaders", "train.peak_tflops", "train.tensorboard"),
    ),
    "measure_learning": Step(
        tuple(
            dict.fromkeys(
                ("seed", *WINDOWS, *SCORED_BY, *MODEL_READS, "train.batch_size", "train.learning_on")
            )
        ),
        ("panda.evaluation.learning", "panda.training.snapshots", *METRIC_CODE),
        {"curve": "train/{model}/learning.parquet"},
    ),
    "join_learning": Step(
        (),
        ("panda.evaluation.learning",),
        {"curves": "train/learning.parquet"},
    ),
    "list_models": Step(
        ("train.models", "train.recipe"), ("panda.model.weights",), {"models": "train/models.parquet"}
    ),
    "fit_baseline": Step(
        ("seed", "baselines.seed_windows", "evaluate.standardise_eps", "train.threads"),
        (),
        {"config": "baselines/{forecaster}/config.json"},
    ),
    "forecast_series": Step(
        ("seed", *WINDOWS, "evaluate.precision"),
        ("panda.evaluation.forecasts",),
        {"forecasts": "forecasts/{dataset}/{forecaster}.npz"},
    ),
    "score_forecasts": Step(
        ("seed", *WINDOWS, *SCORED_BY, "evaluate.n_examples"),
        ("panda.evaluation.score", *METRIC_CODE),
        {"scores": "scores/{dataset}/{scored}.parquet", "examples": "scores/{dataset}/{scored}.npz"},
    ),
    "score_completions": Step(
        (
            "seed",
            *WINDOWS,
            "evaluate.standardise_eps",
            "evaluate.completion_model",
            "evaluate.n_mask_draws",
            "evaluate.n_completions",
            "train.device",
            "train.threads",
        ),
        ("panda.evaluation.completions",),
        {"scores": "evaluate/completions.parquet", "arrays": "evaluate/completions.npz"},
    ),
    "summarise_scores": Step(
        (
            "seed",
            *NAMES,
            *HELD_OUT,
            "evaluate.fast_samples",
            "evaluate.n_bootstrap",
            "evaluate.confidence",
            "evaluate.forecasters",
            "evaluate.reference",
            "evaluate.tested_horizons",
            "baselines.own",  # which baselines are asked for and not at hand
        ),
        ("panda.evaluation.summary", "panda.evaluation.significance", "panda.evaluation.paired"),
        {
            "summary": "evaluate/{dataset}/summary.parquet",
            "by_system": "evaluate/{dataset}/by_system.parquet",
            "significance": "evaluate/{dataset}/significance.parquet",
        },
    ),
    "simulate_fields": Step(
        (
            "seed",
            *(
                f"pde.{key}"
                for key in (
                    "n_runs",
                    "domain_length",
                    "n_modes",
                    "n_grid",
                    "duration",
                    "n_points",
                    "initial_scale",
                    "rtol",
                    "atol",
                )
            ),
        ),
        ("panda.pde.kuramoto_sivashinsky",),
        {"fields": "pde/fields.npz"},
    ),
    "store_measured": Step((), ("panda.data.measured",), {"series": "measured/{series}.npz"}),
    "fit_scaling": Step(
        (
            "seed",
            "scaling.definitions",
            "scaling.n_points",
            "scaling.n_bootstrap",
            "scaling.alpha_max",
            "scaling.max_ratio",
            "evaluate.confidence",
        ),
        ("panda.analysis.scaling_points", "panda.analysis.scaling_law"),
        {"points": "scaling/points.parquet", "fit": "scaling/fit.parquet"},
    ),
    # Of commands that no rule calls: catalogues for others, and from others.
    "compact_catalogue": Step(("discover.founders",), ("panda.discovery.catalogue.compact",)),
    "export_params": Step(("discover.founders",), ("panda.discovery.catalogue.reference_parameters",)),
    "import_params": Step(
        ("discover.founders", LIMITS, "discover.select.strict"),
        ("panda.discovery.catalogue.reference_parameters", "panda.discovery.search.select"),
    ),
    # Labels and colours of the user's own baselines stand in their files.
    "draw_figure": Step(
        ("baselines.own",),
        ("panda.figures.save",),
        {"pdf": "figures/{figure}.pdf", "png": "figures/{figure}.png"},
    ),
    "judge_claims": Step(
        ("preset", "baselines.own"), ("panda.analysis.claims",), {"claims": "claims.parquet"}
    ),
    "list_costs": Step((), ("panda.analysis.costs",), {"costs": "costs.parquet"}),
    # It shows the configuration.
    "write_report": Step(tuple(Config.model_fields), ("panda.report.html",), {"report": "report.html"}),
}


def trained(config: Config, name: str) -> dict[str, Any]:
    """What the weights of a named model depend on beside the step's own keys, by content: names may change."""
    model, train = config.named_models()[name], config.train
    return {
        "recipe": train.recipes[train.recipe_name(model.definition)].model_dump(mode="json"),
        "shape": train.model_shape(model.definition).model_dump(mode="json"),
        "model": model.model_dump(mode="json"),
    }


def forecaster(
    config: Config, name: str, baseline: Callable[[str], Baseline]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys that a forecaster reads, and the modules of its code: a model's, or what a baseline says of itself."""
    if name in config.named_models():
        return MODEL_READS, MODEL_CODE
    if name in config.taken:
        return (*MODEL_READS, f"pretrained.{name}"), MODEL_CODE
    found = baseline(name)
    return found.reads, (found.module,) if found.module else ()
