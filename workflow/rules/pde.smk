"""The Kuramoto-Sivashinsky equation: its runs, a data set of the arena, and the summary of the scores on them."""


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


rule summarise_fields:
    input:
        score_tables(arena.EQUATION),
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
