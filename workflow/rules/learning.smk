"""Learning curves: errors on unseen systems of the weights that a training kept on its way."""


rule measure_learning:
    input:
        series=files_of(CONFIG.train.learning_on),
        weights=rules.train_model.output.weights,
        snapshots=rules.train_model.output.snapshots,
    output:
        out("measure_learning", "curve"),
    log:
        f"{RUN}/logs/measure_learning/{{model}}.log",
    benchmark:
        f"{RUN}/benchmarks/measure_learning/{{model}}.tsv"
    threads: CONFIG.train.threads
    resources:
        mem_mb=growing(4000),
        runtime=120,
        gpu=1,
    params:
        section=section("measure_learning", *arena.reads_of(CONFIG.train.learning_on)),
        code=code("measure_learning"),
    message:
        "Measure the learning curve of {wildcards.model}"
    shell:
        "{PANDA} train learning --config {RESOLVED:q} --name {wildcards.model:q} --weights {input.weights:q}"
        " --snapshots {input.snapshots:q} --output {output:q} {input.series:q} 2> {log:q}"


rule join_learning:
    input:
        curves=expand(
            rules.measure_learning.output[0],
            model=[
                name
                for name in CONFIG.train.models
                if CONFIG.train.definitions[name].head == "forecast"
            ],
        ),
        scores=score_tables(CONFIG.train.learning_on),
    output:
        out("join_learning", "curves"),
    log:
        f"{RUN}/logs/join_learning.log",
    benchmark:
        f"{RUN}/benchmarks/join_learning.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        section=section("join_learning"),
        code=code("join_learning"),
        scores=lambda wildcards, input: [f"--scores={path}" for path in input.scores],
    message:
        "Set the learning curves beside other forecasters"
    shell:
        "{PANDA} train join-learning --config {RESOLVED:q} --output {output:q} {params.scores:q} {input.curves:q} 2> {log:q}"
