"""Zero-shot forecasts of the Kuramoto-Sivashinsky equation."""


rule simulate_fields:
    output:
        out("simulate_fields", "fields"),
    log:
        f"{RUN}/logs/simulate_fields.log",
    benchmark:
        f"{RUN}/benchmarks/simulate_fields.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=60,
    params:
        section=section("simulate_fields"),
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
        scores=out("score_fields", "scores"),
        forecasts=out("score_fields", "forecasts"),
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
        section=of_forecaster(section, "score_fields"),
        code=of_forecaster(code, "score_fields"),
    message:
        "Score {wildcards.forecaster} on Kuramoto-Sivashinsky"
    shell:
        "{PANDA} pde score --config {RESOLVED:q} --forecaster {wildcards.forecaster:q} --state={input.state:q}"
        " --fields {input.fields:q} --scores {output.scores:q} --forecasts {output.forecasts:q} 2> {log:q}"


rule summarise_fields:
    input:
        expand(rules.score_fields.output.scores, forecaster=CONFIG.pde.forecasters),
    output:
        out("summarise_fields", "summary"),
    log:
        f"{RUN}/logs/summarise_fields.log",
    benchmark:
        f"{RUN}/benchmarks/summarise_fields.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        section=section("summarise_fields"),
        code=code("summarise_fields"),
    message:
        "Summarise the scores on Kuramoto-Sivashinsky"
    shell:
        "{PANDA} pde summarise --config {RESOLVED:q} --output {output:q} {input:q} 2> {log:q}"
