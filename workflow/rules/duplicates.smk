"""Near-duplicates among the systems: the target `duplicates`, part of a run where the configuration asks for it."""

from panda.config.families import families
from panda.core.provenance import hash_of


rule find_duplicates:
    input:
        catalogue=rules.select_systems.output.catalogue,
    output:
        counts=out("find_duplicates", "counts"),
        nearest=out("find_duplicates", "nearest"),
    log:
        f"{RUN}/logs/find_duplicates.log",
    benchmark:
        f"{RUN}/benchmarks/find_duplicates.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        section=section("find_duplicates"),
        families=hash_of(families()),
        code=code("find_duplicates"),
    message:
        "Count near-duplicates among the systems"
    shell:
        "{PANDA} discover duplicates --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --output {output.counts:q} --nearest {output.nearest:q} 2> {log:q}"
