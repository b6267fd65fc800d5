"""Completions of unseen systems, and the summary of all scores on them."""


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
        score_tables(arena.UNSEEN),
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
