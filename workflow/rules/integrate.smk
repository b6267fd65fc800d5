"""The trajectories of the selected systems, a shard a job, a file a split; and their dataset card."""


rule integrate_systems:
    input:
        catalogue=rules.select_systems.output.catalogue,
    output:
        **{split: f"{RUN}/integrate/{split}/{{shard}}.arrow" for split in SPLITS},
        long=f"{RUN}/integrate/long/{{shard}}.arrow",
        trust=f"{RUN}/integrate/trust/{{shard}}.parquet",
    log:
        f"{RUN}/logs/integrate_systems/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/integrate_systems/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=120,
    params:
        section=part("seed", "integrate", "discover.search.integration"),
        code=code("integrate_systems"),
    message:
        "Integrate shard {wildcards.shard} of the selected systems"
    shell:
        "{PANDA} integrate systems --config {RESOLVED} --library {BUILD} --catalogue {input.catalogue}"
        " --shard {wildcards.shard} --train {output.train} --validation {output.validation}"
        " --test {output.test} --long {output.long} --trust {output.trust} 2> {log}"


def trajectories(split):
    """All shards of a split."""
    return expand(
        f"{RUN}/integrate/{split}/{{shard}}.arrow",
        shard=range(CONFIG.integrate.n_shards),
    )
