"""Completions of unseen systems, and the summary of the scores of a data set."""


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
        lambda wildcards: score_tables(wildcards.dataset),
    output:
        summary=out("summarise_scores", "summary"),
        by_system=out("summarise_scores", "by_system"),
        significance=out("summarise_scores", "significance"),
    log:
        f"{RUN}/logs/summarise_scores/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/summarise_scores/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=20,
    params:
        section=lambda wildcards: section(
            "summarise_scores", *arena.summary_reads_of(wildcards.dataset)
        ),
        code=code("summarise_scores"),
    message:
        "Summarise the scores on {wildcards.dataset}"
    shell:
        "{PANDA} evaluate summarise --config {RESOLVED:q} --dataset {wildcards.dataset:q}"
        " --summary {output.summary:q} --by-system {output.by_system:q} --significance {output.significance:q}"
        " {input:q} 2> {log:q}"


def summaries(dataset, roles=("summary", "significance")):
    """The summary of the scores of a data set, and its tests."""
    return [
        path
        for role in roles
        for path in expand(out("summarise_scores", role), dataset=dataset)
    ]
