"""Published trajectories instead of our own, one job per part of their files, one file per split."""

from panda.core.files import listing

try:
    PUBLISHED = listing(CONFIG.integrate.import_from)
except PandaError as error:
    sys.exit(f"error: integrate.import_from: {error}")


rule import_trajectories:
    output:
        **{split: out("import_trajectories", split) for split in SPLITS},
    log:
        f"{RUN}/logs/import_trajectories/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/import_trajectories/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=240,
    params:
        section=section("import_trajectories"),
        # Names and sizes of the files: a touched or newly fetched copy is no reason to import again.
        published=PUBLISHED,
        code=code("import_trajectories"),
        folder=CONFIG.integrate.import_from,
    message:
        "Import part {wildcards.shard} of the published trajectories"
    shell:
        "{PANDA} integrate import --config {RESOLVED:q} --shard {wildcards.shard:q} --train {output.train:q}"
        " --validation {output.validation:q} --test {output.test:q} -- {params.folder:q} 2> {log:q}"
