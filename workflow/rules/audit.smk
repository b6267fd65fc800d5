"""Certificates checked on samples of every verdict: the target `audit`, part of no run by default."""


rule audit_certificates:
    input:
        catalogue=rules.select_systems.output.catalogue,
    output:
        out("audit_certificates", "audit"),
    log:
        f"{RUN}/logs/audit_certificates/{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/audit_certificates/{{shard}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=240,
    params:
        section=section("audit_certificates"),
        code=code("audit_certificates"),
    message:
        "Follow shard {wildcards.shard} of the audited systems for much longer"
    shell:
        "{PANDA} discover audit --config {RESOLVED:q} --library {BUILD:q} --catalogue {input.catalogue:q}"
        " --shard {wildcards.shard:q} --output {output:q} 2> {log:q}"


rule summarise_audit:
    input:
        catalogue=rules.select_systems.output.catalogue,
        shards=expand(
            rules.audit_certificates.output[0],
            shard=range(CONFIG.discover.audit.n_shards),
        ),
    output:
        audit=out("summarise_audit", "audit"),
        summary=out("summarise_audit", "summary"),
    log:
        f"{RUN}/logs/summarise_audit.log",
    benchmark:
        f"{RUN}/benchmarks/summarise_audit.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=20,
    params:
        section=section("summarise_audit"),
        code=code("summarise_audit"),
    message:
        "Say how often verdicts are wrong"
    shell:
        "{PANDA} discover join-audit --config {RESOLVED:q} --catalogue {input.catalogue:q} --output {output.audit:q}"
        " --summary {output.summary:q} {input.shards:q} 2> {log:q}"
