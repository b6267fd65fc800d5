"""The Kuramoto-Sivashinsky equation: its runs, a data set of the arena."""


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
