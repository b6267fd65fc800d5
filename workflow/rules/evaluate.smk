"""Zero-shot forecasts and completions of unseen systems, the same windows for every forecaster."""


def forecaster_state(wildcards):
    """What a forecaster needs: a model's weights, a fitted baseline's state, or nothing."""
    name = wildcards.forecaster
    if name in MODELS:
        return [f"{RUN}/train/{name}/model.safetensors"]
    return (
        [f"{RUN}/baselines/{name}/config.json"] if registry.info(name).trained else []
    )


rule score_forecaster:
    input:
        trajectories=trajectories("test"),
        state=forecaster_state,
    output:
        scores=out("score_forecaster", "scores"),
        forecasts=out("score_forecaster", "forecasts"),
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
        section=of_forecaster(section, "score_forecaster"),
        code=of_forecaster(code, "score_forecaster"),
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
        scores=out("score_completions", "scores"),
        arrays=out("score_completions", "arrays"),
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
        section=section("score_completions"),
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
        summary=out("summarise_scores", "summary"),
        by_system=out("summarise_scores", "by_system"),
        significance=out("summarise_scores", "significance"),
    log:
        f"{RUN}/logs/summarise_scores.log",
    benchmark:
        f"{RUN}/benchmarks/summarise_scores.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=20,
    params:
        section=section("summarise_scores"),
        code=code("summarise_scores"),
    message:
        "Summarise the scores over systems"
    shell:
        "{PANDA} evaluate summarise --config {RESOLVED:q} --summary {output.summary:q}"
        " --by-system {output.by_system:q} --significance {output.significance:q} {input:q} 2> {log:q}"
