"""Generations after the first, where the configuration asks for them; and how they compare with one."""


rule breed_candidates:
    input:
        measures=rules.measure_founders.output[0],
        candidates=lambda wildcards: candidates(int(wildcards.generation) - 1),
    output:
        out("breed_candidates", "bred"),
    log:
        f"{RUN}/logs/breed_candidates/{{generation}}.log",
    benchmark:
        f"{RUN}/benchmarks/breed_candidates/{{generation}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        section=section("breed_candidates"),
        code=code("breed_candidates"),
    message:
        "Breed generation {wildcards.generation}"
    shell:
        "{PANDA} evolve breed --config {RESOLVED:q} --library {BUILD:q} --measures {input.measures:q}"
        " --generation {wildcards.generation:q} --output {output:q} {input.candidates:q} 2> {log:q}"


rule search_bred:
    input:
        rules.breed_candidates.output[0],
    output:
        out("search_bred", "candidates"),
    log:
        f"{RUN}/logs/search_bred/{{generation}}_{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/search_bred/{{generation}}_{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=240,
    params:
        section=section("search_bred"),
        code=code("search_bred"),
    message:
        "Search shard {wildcards.shard} of generation {wildcards.generation}"
    shell:
        "{PANDA} evolve search --config {RESOLVED:q} --library {BUILD:q} --bred {input:q}"
        " --shard {wildcards.shard:q} --output {output:q} 2> {log:q}"


rule follow_bred:
    input:
        rules.search_bred.output[0],
    output:
        out("follow_bred", "followed"),
    log:
        f"{RUN}/logs/follow_bred/{{generation}}_{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/follow_bred/{{generation}}_{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=240,
    params:
        section=section("follow_bred"),
        code=code("follow_bred"),
    message:
        "Follow shard {wildcards.shard} of generation {wildcards.generation} for long"
    shell:
        "{PANDA} discover follow --config {RESOLVED:q} --library {BUILD:q} --output {output:q} {input:q} 2> {log:q}"


rule run_search:
    input:
        measures=rules.measure_founders.output[0],
    output:
        out("run_search", "candidates"),
    log:
        f"{RUN}/logs/run_search/{{method}}_{{seed}}.log",
    benchmark:
        f"{RUN}/benchmarks/run_search/{{method}}_{{seed}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=120,
    params:
        # Not its seeds, nor what only the comparison reads: they change no search.
        section=section("run_search"),
        code=code("run_search"),
    message:
        "Search by {wildcards.method}, seed {wildcards.seed}, for the comparison"
    shell:
        "{PANDA} evolve run --config {RESOLVED:q} --library {BUILD:q} --measures {input.measures:q}"
        " --method {wildcards.method:q} --seed {wildcards.seed:q} --output {output:q} 2> {log:q}"


rule compare_searches:
    input:
        catalogue=rules.select_systems.output.catalogue,
        searches=expand(
            rules.run_search.output[0],
            method=["one_generation", "evolution"],
            seed=CONFIG.discover.comparison.seeds,
        ),
    output:
        table=out("compare_searches", "table"),
        curve=out("compare_searches", "curve"),
    log:
        f"{RUN}/logs/compare_searches.log",
    benchmark:
        f"{RUN}/benchmarks/compare_searches.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        section=section("compare_searches"),
        code=code("compare_searches"),
    message:
        "Compare searches of one generation and of several"
    shell:
        "{PANDA} evolve compare --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --output {output.table:q} --curve {output.curve:q} {input.searches:q} 2> {log:q}"
