"""The scaling sweep: nested subsets of systems at a constant number of timepoints."""


rule integrate_subsets:
    input:
        catalogue=rules.select_systems.output.catalogue,
    output:
        f"{RUN}/scaling/trajectories/{{shard}}.arrow",
    log:
        f"{RUN}/logs/integrate_subsets/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/integrate_subsets/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=120,
    params:
        section=part(
            "seed",
            "scaling.n_points",
            "scaling.n_shards",
            "integrate.n_periods",
            "discover.search.integration",
        ),
        code=code("integrate_subsets"),
    message:
        "Integrate shard {wildcards.shard} of the nested subsets"
    shell:
        "{PANDA} scaling integrate --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --shard {wildcards.shard:q} --output {output:q} 2> {log:q}"


def subset_files():
    """All shards of the nested subsets; a model takes its own rows from them."""
    return expand(
        rules.integrate_subsets.output[0], shard=range(CONFIG.scaling.n_shards)
    )


rule fit_scaling:
    input:
        scores=expand(
            rules.score_forecaster.output.scores,
            forecaster=CONFIG.scaling_forecasters(),
        ),
        catalogue=rules.select_systems.output.catalogue,
    output:
        points=f"{RUN}/scaling/points.parquet",
        fit=f"{RUN}/scaling/fit.parquet",
    log:
        f"{RUN}/logs/fit_scaling.log",
    benchmark:
        f"{RUN}/benchmarks/fit_scaling.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=30,
    params:
        section=part(
            "seed",
            "scaling.n_bootstrap",
            "scaling.alpha_max",
            "scaling.max_ratio",
            "scaling.definitions",
            "evaluate.horizons",
            "evaluate.confidence",
        ),
        code=code("fit_scaling"),
        scores=lambda wildcards, input: [f"--scores={path}" for path in input.scores],
    message:
        "Fit the scaling law"
    shell:
        "{PANDA} scaling fit --config {RESOLVED:q} --points {output.points:q} --fit {output.fit:q}"
        " {params.scores:q} --catalogue {input.catalogue:q} 2> {log:q}"
