"""Zero-shot forecasts of the Kuramoto-Sivashinsky equation."""

FIELDS_PARTS = [
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
]


rule simulate_fields:
    output:
        f"{RUN}/pde/fields.npz",
    log:
        f"{RUN}/logs/simulate_fields.log",
    benchmark:
        f"{RUN}/benchmarks/simulate_fields.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=60,
    params:
        section=part("seed", *FIELDS_PARTS),
        code=code("simulate_fields"),
    message:
        "Solve the Kuramoto-Sivashinsky equation"
    shell:
        "{PANDA} pde simulate --config {RESOLVED:q} --output {output:q} 2> {log:q}"


rule score_fields:
    input:
        fields=rules.simulate_fields.output[0],
        state=forecaster_state,
    output:
        scores=f"{RUN}/pde/scores/{{forecaster}}.parquet",
        forecasts=f"{RUN}/pde/forecasts/{{forecaster}}.npz",
    log:
        f"{RUN}/logs/score_fields/{{forecaster}}.log",
    benchmark:
        f"{RUN}/benchmarks/score_fields/{{forecaster}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=60,
        gpu=lambda wildcards: int(wildcards.forecaster in MODELS),
    params:
        section=forecaster_section("pde.start", *SCORING),
        code=forecaster_code("score_fields"),
    message:
        "Score {wildcards.forecaster} on Kuramoto-Sivashinsky"
    shell:
        "{PANDA} pde score --config {RESOLVED:q} --forecaster {wildcards.forecaster:q} --state={input.state:q}"
        " --fields {input.fields:q} --scores {output.scores:q} --forecasts {output.forecasts:q} 2> {log:q}"


rule summarise_fields:
    input:
        expand(rules.score_fields.output.scores, forecaster=CONFIG.pde.forecasters),
    output:
        f"{RUN}/pde/summary.parquet",
    log:
        f"{RUN}/logs/summarise_fields.log",
    benchmark:
        f"{RUN}/benchmarks/summarise_fields.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        section=part(
            "seed", "evaluate.n_bootstrap", "evaluate.confidence", "pde.forecasters"
        ),
        code=code("summarise_fields"),
    message:
        "Summarise the scores on Kuramoto-Sivashinsky"
    shell:
        "{PANDA} pde summarise --config {RESOLVED:q} --output {output:q} {input:q} 2> {log:q}"
