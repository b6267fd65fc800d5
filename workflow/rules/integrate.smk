"""The trajectories of the selected systems, one job per shard, one file per split; and their dataset card."""


rule integrate_systems:
    input:
        catalogue=CATALOGUE,
        # Where no search has come before: else all jobs would compile the same at once.
        founders=(
            [rules.compile_founders.output[0]] if CONFIG.integrate.catalogue else []
        ),
    output:
        **{split: out("integrate_systems", split) for split in SPLITS},
        long=out("integrate_systems", "long"),
        trust=out("integrate_systems", "trust"),
    log:
        f"{RUN}/logs/integrate_systems/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/integrate_systems/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=120,
    params:
        section=section("integrate_systems"),
        code=code("integrate_systems"),
    message:
        "Integrate shard {wildcards.shard} of the selected systems"
    shell:
        "{PANDA} integrate systems --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --shard {wildcards.shard:q} --train {output.train:q} --validation {output.validation:q}"
        " --test {output.test:q} --long {output.long:q} --trust {output.trust:q} 2> {log:q}"


rule write_card:
    input:
        catalogue=CATALOGUE,
        trajectories=[
            expand(f"{RUN}/integrate/{part}/{{shard}}.arrow", shard=SHARDS)
            for part in [*SPLITS, "long"]
        ],
        trust=expand(rules.integrate_systems.output.trust, shard=SHARDS),
    output:
        card=out("write_card", "card"),
        trust=out("write_card", "trust"),
    log:
        f"{RUN}/logs/write_card.log",
    benchmark:
        f"{RUN}/benchmarks/write_card.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=30,
    params:
        section=section("write_card"),
        code=code("write_card"),
    message:
        "Write the dataset card of the trajectories"
    shell:
        "{PANDA} integrate card --config {RESOLVED:q} --catalogue {input.catalogue:q} --output {output.card:q}"
        " --trust {output.trust:q} {input.trajectories:q} {input.trust:q} 2> {log:q}"


rule dataset:
    """The trajectories of all splits with their dataset card, to be opened by `datasets`."""
    input:
        rules.write_card.output,
