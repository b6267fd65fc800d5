"""Discovery: founders compiled and measured, candidates searched, systems selected."""

# Founders of the user's own are measured when they are compiled; without any, nothing of that counts.
OWN_FOUNDERS = {"parts": [], "roots": []}
if CONFIG.discover.founders.own:
    OWN_FOUNDERS = {
        "parts": ["discover.founders", "discover.search.integration"],
        "roots": ["panda.discovery.own"],
    }


rule compile_founders:
    output:
        f"{RUN}/discover/founders.json",
    log:
        f"{RUN}/logs/compile_founders.log",
    benchmark:
        f"{RUN}/benchmarks/compile_founders.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=30,
    params:
        section=part("discover.founders.names", *OWN_FOUNDERS["parts"]),
        code=code("compile_founders", *OWN_FOUNDERS["roots"]),
    message:
        "Compile the founders' right-hand sides (once on a machine)"
    shell:
        "{PANDA} discover compile --config {RESOLVED:q} --library {BUILD:q}"
        " --output {output:q} 2> {log:q}"


rule measure_founders:
    input:
        founders=rules.compile_founders.output[0],
    output:
        f"{RUN}/discover/measures.parquet",
    log:
        f"{RUN}/logs/measure_founders.log",
    benchmark:
        f"{RUN}/benchmarks/measure_founders.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=20,
    params:
        section=part("discover.founders", "discover.search.integration.max_steps"),
        code=code("measure_founders"),
    message:
        "Measure the flow amplitude of every founder"
    shell:
        "{PANDA} discover measure --config {RESOLVED:q} --library {BUILD:q} --output {output:q} 2> {log:q}"


rule search_candidates:
    input:
        measures=rules.measure_founders.output[0],
    output:
        f"{RUN}/discover/candidates/{{shard}}.parquet",
    log:
        f"{RUN}/logs/search_candidates/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/search_candidates/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=240,
    params:
        section=part("seed", "discover.founders", "discover.search"),
        code=code("search_candidates"),
    message:
        "Search shard {wildcards.shard} of the candidates"
    shell:
        "{PANDA} discover search --config {RESOLVED:q} --library {BUILD:q} --measures {input.measures:q}"
        " --shard {wildcards.shard:q} --output {output:q} 2> {log:q}"


FOLLOW_SECTIONS = [
    "seed",
    "discover.follow",
    "discover.select",
    "discover.search.integration",
]


rule follow_candidates:
    input:
        rules.search_candidates.output[0],
    output:
        f"{RUN}/discover/followed/{{shard}}.parquet",
    log:
        f"{RUN}/logs/follow_candidates/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/follow_candidates/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=240,
    params:
        section=part(*FOLLOW_SECTIONS),
        code=code("follow_candidates"),
    message:
        "Follow shard {wildcards.shard} of the candidates for long"
    shell:
        "{PANDA} discover follow --config {RESOLVED:q} --library {BUILD:q} --output {output:q} {input:q} 2> {log:q}"


def shards_of(folder, bred, n_generations):
    """All shards of the first so many generations; from the second on they are bred (`evolve.smk`)."""
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
        catalogue=f"{RUN}/discover/catalogue.parquet",
        acceptance=f"{RUN}/discover/acceptance.parquet",
        selections=f"{RUN}/discover/selections.parquet",
    log:
        f"{RUN}/logs/select_systems.log",
    benchmark:
        f"{RUN}/benchmarks/select_systems.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=30,
    params:
        section=part("discover.select", "discover.founders"),
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
        f"{RUN}/discover/spectra/{{shard}}.parquet",
    log:
        f"{RUN}/logs/measure_spectra/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/measure_spectra/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=120,
    params:
        section=part("seed", "discover.spectrum", "discover.search.integration"),
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
        f"{RUN}/discover/spectra.parquet",
    log:
        f"{RUN}/logs/join_spectra.log",
    benchmark:
        f"{RUN}/benchmarks/join_spectra.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=20,
    params:
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
        f"{RUN}/discover/gallery.npz",
    log:
        f"{RUN}/logs/sample_gallery.log",
    benchmark:
        f"{RUN}/benchmarks/sample_gallery.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=20,
    params:
        section=part("seed", "discover.gallery", "discover.search.integration"),
        code=code("sample_gallery"),
    message:
        "Integrate the attractors that the galleries show"
    shell:
        "{PANDA} discover gallery --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --output {output:q} 2> {log:q}"
