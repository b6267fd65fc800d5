"""Discovery: founders compiled and measured, candidates searched, systems selected."""


rule compile_founders:
    output:
        out("compile_founders", "dimensions"),
    log:
        f"{RUN}/logs/compile_founders.log",
    benchmark:
        f"{RUN}/benchmarks/compile_founders.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=30,
    params:
        section=section("compile_founders"),
        code=code("compile_founders"),
    message:
        "Compile the founders' right-hand sides (once on a machine)"
    shell:
        "{PANDA} discover compile --config {RESOLVED:q} --library {BUILD:q}"
        " --output {output:q} 2> {log:q}"


rule measure_founders:
    input:
        founders=rules.compile_founders.output[0],
    output:
        out("measure_founders", "measures"),
    log:
        f"{RUN}/logs/measure_founders.log",
    benchmark:
        f"{RUN}/benchmarks/measure_founders.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=20,
    params:
        section=section("measure_founders"),
        code=code("measure_founders"),
    message:
        "Measure the flow amplitude of every founder"
    shell:
        "{PANDA} discover measure --config {RESOLVED:q} --library {BUILD:q} --output {output:q} 2> {log:q}"


rule search_candidates:
    input:
        measures=rules.measure_founders.output[0],
    output:
        out("search_candidates", "candidates"),
    log:
        f"{RUN}/logs/search_candidates/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/search_candidates/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=240,
    params:
        section=section("search_candidates"),
        code=code("search_candidates"),
    message:
        "Search shard {wildcards.shard} of the candidates"
    shell:
        "{PANDA} discover search --config {RESOLVED:q} --library {BUILD:q} --measures {input.measures:q}"
        " --shard {wildcards.shard:q} --output {output:q} 2> {log:q}"


rule follow_candidates:
    input:
        rules.search_candidates.output[0],
    output:
        out("follow_candidates", "followed"),
    log:
        f"{RUN}/logs/follow_candidates/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/follow_candidates/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=240,
    params:
        section=section("follow_candidates"),
        code=code("follow_candidates"),
    message:
        "Follow shard {wildcards.shard} of the candidates for long"
    shell:
        "{PANDA} discover follow --config {RESOLVED:q} --library {BUILD:q} --output {output:q} {input:q} 2> {log:q}"


def shards_of(folder, bred, n_generations):
    """All shards of the first `n_generations`; from the second on they are bred (`evolve.smk`)."""
    shards = range(CONFIG.discover.search.n_shards)
    first = expand(f"{RUN}/discover/{folder}/{{shard}}.parquet", shard=shards)
    return first + expand(
        f"{RUN}/discover/{bred}/{{generation}}/{{shard}}.parquet",
        generation=range(2, n_generations + 1),
        shard=shards,
    )


def candidates(n_generations):
    return shards_of("candidates", "bred", n_generations)


rule select_systems:
    input:
        candidates=candidates(CONFIG.discover.search.generations),
        followed=shards_of("followed", "followed", CONFIG.discover.search.generations),
    output:
        catalogue=out("select_systems", "catalogue"),
        acceptance=out("select_systems", "acceptance"),
        selections=out("select_systems", "selections"),
    log:
        f"{RUN}/logs/select_systems.log",
    benchmark:
        f"{RUN}/benchmarks/select_systems.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=30,
    params:
        section=section("select_systems"),
        code=code("select_systems"),
        followed=lambda wildcards, input: [
            f"--followed={path}" for path in input.followed
        ],
    message:
        "Select the systems that pass every filter"
    shell:
        "{PANDA} discover select --config {RESOLVED:q} --output {output.catalogue:q}"
        " --acceptance {output.acceptance:q} --selections {output.selections:q} {params.followed:q} {input.candidates:q} 2> {log:q}"


rule measure_spectra:
    input:
        catalogue=rules.select_systems.output.catalogue,
    output:
        out("measure_spectra", "spectra"),
    log:
        f"{RUN}/logs/measure_spectra/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/measure_spectra/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=120,
    params:
        section=section("measure_spectra"),
        code=code("measure_spectra"),
    message:
        "Measure all Lyapunov exponents of shard {wildcards.shard} of the accepted systems"
    shell:
        "{PANDA} discover spectra --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --shard {wildcards.shard:q} --output {output:q} 2> {log:q}"


rule join_spectra:
    input:
        catalogue=rules.select_systems.output.catalogue,
        shards=expand(
            rules.measure_spectra.output[0],
            shard=range(CONFIG.discover.spectrum.n_shards),
        ),
    output:
        out("join_spectra", "spectra"),
    log:
        f"{RUN}/logs/join_spectra.log",
    benchmark:
        f"{RUN}/benchmarks/join_spectra.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=20,
    params:
        section=section("join_spectra"),
        code=code("join_spectra"),
    message:
        "Join the Lyapunov spectra of all shards"
    shell:
        "{PANDA} discover join-spectra --config {RESOLVED:q} --catalogue {input.catalogue:q} --output {output:q}"
        " {input.shards:q} 2> {log:q}"


rule sample_gallery:
    input:
        catalogue=rules.select_systems.output.catalogue,
    output:
        out("sample_gallery", "gallery"),
    log:
        f"{RUN}/logs/sample_gallery.log",
    benchmark:
        f"{RUN}/benchmarks/sample_gallery.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=20,
    params:
        section=section("sample_gallery"),
        code=code("sample_gallery"),
    message:
        "Integrate the attractors that the galleries show"
    shell:
        "{PANDA} discover gallery --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --output {output:q} 2> {log:q}"
