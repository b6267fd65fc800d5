"""Zero-shot forecasts and completions of unseen systems, the same windows for every forecaster."""


def forecaster_state(wildcards):
    """What a forecaster needs: a model's weights, a fitted baseline's state, or nothing."""
    name = wildcards.forecaster
    if name in MODELS:
        return [f"{RUN}/train/{name}/model.safetensors"]
    return [f"{RUN}/baselines/{name}/config.json"] if info(name).trained else []


def forecaster_code(rule_name):
    """The code version of a scoring rule: the scorer's, and the forecaster's own modules."""

    def version(wildcards):
        name = wildcards.forecaster
        own = (
            "panda.evaluation.panda_forecaster" if name in MODELS else info(name).module
        )
        return code(rule_name, own)

    return version


def forecaster_section(*paths):
    """The configuration a score depends on: the evaluation's, and the forecaster's own settings."""

    def parts(wildcards):
        own = f"baselines.{wildcards.forecaster.removesuffix('_anchored')}"
        has_own = (
            wildcards.forecaster.removesuffix("_anchored")
            in CONFIG.baselines.model_dump()
        )
        return part("seed", *paths, *([own] if has_own else []))

    return parts


SCORING = [
    f"evaluate.{key}"
    for key in (
        "n_windows",
        "max_trajectories",
        "context_length",
        "horizons",
        "standardise_eps",
        "smape_eps",
        "valid_time_threshold",
        "n_examples",
    )
]


rule score_forecaster:
    input:
        trajectories=trajectories("test"),
        state=forecaster_state,
    output:
        scores=f"{RUN}/evaluate/scores/{{forecaster}}.parquet",
        forecasts=f"{RUN}/evaluate/forecasts/{{forecaster}}.npz",
    log:
        f"{RUN}/logs/score_forecaster/{{forecaster}}.log",
    benchmark:
        f"{RUN}/benchmarks/score_forecaster/{{forecaster}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=240,
        gpu=lambda wildcards: int(wildcards.forecaster in MODELS),
    params:
        # Only models are told how to take their contexts.
        section=lambda wildcards: forecaster_section(
            *SCORING,
            *(["evaluate.contexts"] if wildcards.forecaster in MODELS else []),
        )(wildcards),
        code=forecaster_code("score_forecaster"),
    message:
        "Score {wildcards.forecaster} on unseen systems"
    shell:
        "{PANDA} evaluate score --config {RESOLVED:q} --forecaster {wildcards.forecaster:q}"
        " --state={input.state:q} --scores {output.scores:q} --forecasts {output.forecasts:q}"
        " {input.trajectories:q} 2> {log:q}"


rule score_completions:
    input:
        trajectories=trajectories("test"),
        weights=f"{RUN}/train/{CONFIG.evaluate.completion_model}/model.safetensors",
    output:
        scores=f"{RUN}/evaluate/completions.parquet",
        arrays=f"{RUN}/evaluate/completions.npz",
    log:
        f"{RUN}/logs/score_completions.log",
    benchmark:
        f"{RUN}/benchmarks/score_completions.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=120,
        gpu=1,
    params:
        section=part(
            "seed",
            *SCORING,
            "evaluate.completion_model",
            "evaluate.n_mask_draws",
            "evaluate.n_completions",
            "train.shape",
        ),
        code=code("score_completions"),
    message:
        "Score the completions of {CONFIG.evaluate.completion_model}"
    shell:
        "{PANDA} evaluate complete --config {RESOLVED:q} --state {input.weights:q} --scores {output.scores:q}"
        " --arrays {output.arrays:q} {input.trajectories:q} 2> {log:q}"


rule summarise_scores:
    input:
        expand(
            rules.score_forecaster.output.scores,
            forecaster=CONFIG.evaluate.forecasters,
        ),
    output:
        summary=f"{RUN}/evaluate/summary.parquet",
        by_system=f"{RUN}/evaluate/by_system.parquet",
        significance=f"{RUN}/evaluate/significance.parquet",
    log:
        f"{RUN}/logs/summarise_scores.log",
    benchmark:
        f"{RUN}/benchmarks/summarise_scores.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=20,
    params:
        section=part(
            "seed",
            "discover.founders.held_out",
            "evaluate.fast_samples",
            "evaluate.n_bootstrap",
            "evaluate.confidence",
            "evaluate.forecasters",
            "evaluate.reference",
            "evaluate.tested_horizons",
        ),
        code=code("summarise_scores"),
    message:
        "Summarise the scores over systems"
    shell:
        "{PANDA} evaluate summarise --config {RESOLVED:q} --summary {output.summary:q}"
        " --by-system {output.by_system:q} --significance {output.significance:q} {input:q} 2> {log:q}"
