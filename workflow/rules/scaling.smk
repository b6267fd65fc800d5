"""The scaling sweep: nested subsets of systems at a constant number of timepoints."""


rule integrate_subsets:
    input:
        catalogue=CATALOGUE,
    output:
        out("integrate_subsets", "trajectories"),
    log:
        f"{RUN}/logs/integrate_subsets/{{point}}_{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/integrate_subsets/{{point}}_{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=120,
    params:
        section=section("integrate_subsets"),
        code=code("integrate_subsets"),
    message:
        "Integrate shard {wildcards.shard} of nested subset {wildcards.point}"
    shell:
        "{PANDA} scaling integrate --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --split {wildcards.point:q} --shard {wildcards.shard:q} --output {output:q} 2> {log:q}"


def subset_files(point):
    """The trajectories of a nested subset and of the larger ones; a model takes its own rows from them.

    The largest has one trajectory of each training system: those that all models learn from. A further subset
    adds files, and changes none.
    """
    return trajectories("train") + expand(
        rules.integrate_subsets.output[0],
        point=range(1, point + 1),
        shard=range(CONFIG.scaling.n_shards),
    )


rule fit_scaling:
    input:
        scores=score_tables(arena.UNSEEN, CONFIG.scaling_forecasters()),
        catalogue=CATALOGUE,
    output:
        points=out("fit_scaling", "points"),
        fit=out("fit_scaling", "fit"),
    log:
        f"{RUN}/logs/fit_scaling.log",
    benchmark:
        f"{RUN}/benchmarks/fit_scaling.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=30,
    params:
        section=section("fit_scaling"),
        code=code("fit_scaling"),
        scores=lambda wildcards, input: [f"--scores={path}" for path in input.scores],
    message:
        "Fit the scaling law"
    shell:
        "{PANDA} scaling fit --config {RESOLVED:q} --points {output.points:q} --fit {output.fit:q}"
        " {params.scores:q} --catalogue {input.catalogue:q} 2> {log:q}"
