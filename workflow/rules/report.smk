"""Claims against results, costs, and one page that shows it all."""

import re

from panda.core.digest import sha256
from panda.core.provenance import hash_of

with open(SOURCE / "paper" / "claims.yaml", encoding="utf-8") as stream:
    CLAIMS = hash_of(yaml.safe_load(stream))


def judged_tables():
    """The tables that claims read, as far as this preset makes them."""
    tables = (
        []
        if CONFIG.integrate.catalogue
        else ["discover/acceptance", "discover/selections"]
    )
    if CONFIG.train.models:
        tables.append("train/models")
    if CONFIG.evaluate.completion_model:
        tables.append("evaluate/completions")
    if CONFIG.scaling.enabled:
        tables.append("scaling/fit")
    files = [f"{RUN}/{table}.parquet" for table in tables]
    files += summaries(arena.UNSEEN, ("summary", "by_system", "significance"))
    if arena.EQUATION in CONFIG.figures:
        files += summaries(arena.EQUATION)
    return files


def shown_tables():
    """Those and the summaries of further data sets."""
    shown = [summaries(name) for name in arena.reported(CONFIG)]
    return list(dict.fromkeys([*judged_tables(), *chain.from_iterable(shown)]))


def report_tables():
    """The tables that the report shows, as far as this preset makes them."""
    tables = ["claims", "costs"]
    searched = not (CONFIG.integrate.import_from or CONFIG.integrate.catalogue)
    if CONFIG.discover.duplicates.enabled and searched:
        tables.append("discover/duplicates")
    return [*shown_tables(), *(f"{RUN}/{table}.parquet" for table in tables)]


rule judge_claims:
    input:
        judged_tables(),
    output:
        out("judge_claims", "claims"),
    log:
        f"{RUN}/logs/judge_claims.log",
    benchmark:
        f"{RUN}/benchmarks/judge_claims.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        # The claims' content, not their file: a touched file is no reason to judge again.
        section=section("judge_claims"),
        content=CLAIMS,
        code=code("judge_claims"),
        root=RUN,
        claims=SOURCE / "paper" / "claims.yaml",
    message:
        "Set the paper's claims beside the results"
    shell:
        "{PANDA} report claims --config {RESOLVED:q} --root {params.root:q} --claims {params.claims:q}"
        " --output {output:q} {input:q} 2> {log:q}"


def commands(wildcards):
    """Each rule with the command it calls, as `report costs` takes them."""
    known = [(known.name, known.shellcmd or "") for known in workflow.rules]
    calls = [(name, re.search(r"\{PANDA\} (\S+ \S+)", text)) for name, text in known]
    return [f"--rule={name}={call[1]}" for name, call in calls if call]


rule list_costs:
    input:
        shown_tables(),
        [figure_files(figure) for figure in CONFIG.figures],
    output:
        out("list_costs", "costs"),
    log:
        f"{RUN}/logs/list_costs.log",
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        code=code("list_costs"),
        benchmarks=f"{RUN}/benchmarks",
        root=RUN,
        rules=commands,
    message:
        "Add up what every rule has cost"
    shell:
        "{PANDA} report costs --config {RESOLVED:q} --benchmarks {params.benchmarks:q}"
        " --root {params.root:q} {params.rules:q} --output {output:q} 2> {log:q}"


rule write_report:
    input:
        tables=report_tables(),
        figures=[f"{RUN}/figures/{figure}.png" for figure in CONFIG.figures],
        pages=[f"{RUN}/figures/{figure}.pdf" for figure in CONFIG.figures],
    output:
        out("write_report", "report"),
    log:
        f"{RUN}/logs/write_report.log",
    benchmark:
        f"{RUN}/benchmarks/write_report.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        section=section("write_report"),
        template=sha256(SOURCE / "panda" / "report" / "template.html"),
        code=code("write_report"),
        root=RUN,
    message:
        "Write the report"
    shell:
        "{PANDA} report write --config {RESOLVED:q} --root {params.root:q} --output {output:q}"
        " {input.tables:q} 2> {log:q}"
