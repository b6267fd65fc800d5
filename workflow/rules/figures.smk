"""The figures: each reads tables and arrays, and depends on its own module alone."""

import yaml

from panda.core.digest import sha256

with open(SOURCE / "paper" / "figures.yaml", encoding="utf-8") as stream:
    FIGURES = yaml.safe_load(stream)["figures"]

unknown_figures = [figure for figure in CONFIG.figures if figure not in FIGURES]
if unknown_figures:
    sys.exit(
        f"error: figures: no figure {unknown_figures[0]!r}; known: {', '.join(FIGURES)}"
    )


def figure_inputs(wildcards):
    """The tables and arrays of a figure.

    {scored} stands for the tables of scores of a data set, {measured} for the data sets of measured series at hand.
    """
    files = []
    for kind, suffix, role in (
        ("tables", "parquet", "scores"),
        ("arrays", "npz", "examples"),
    ):
        for name in FIGURES[wildcards.figure].get(kind, []):
            shown = re.fullmatch(r"scores/(.+)/\{scored\}", name)
            if shown is None:
                files.append(f"{RUN}/{name}.{suffix}")
                continue
            several = shown[1] == "{measured}"
            for dataset in arena.of_measured(CONFIG) if several else [shown[1]]:
                files += score_tables(dataset, role=role)
    return list(dict.fromkeys(files))


rule draw_figure:
    input:
        figure_inputs,
    output:
        pdf=out("draw_figure", "pdf"),
        png=report(
            out("draw_figure", "png"),
            caption="../report/figure.rst",
            category=lambda wildcards: FIGURES[wildcards.figure]["category"],
        ),
    log:
        f"{RUN}/logs/draw_figure/{{figure}}.log",
    benchmark:
        f"{RUN}/benchmarks/draw_figure/{{figure}}.tsv"
    wildcard_constraints:
        figure=one_of(FIGURES),
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        section=section("draw_figure"),
        listed=lambda wildcards: FIGURES[wildcards.figure],
        caption=lambda wildcards: FIGURES[wildcards.figure]["caption"],
        # By content, not as inputs: a checkout that touches them is no reason to draw again.
        published=lambda wildcards: [
            sha256(SOURCE / "paper" / f"{name}.csv")
            for name in FIGURES[wildcards.figure].get("published", [])
        ],
        code=lambda wildcards: code("draw_figure", FIGURES[wildcards.figure]["module"]),
        root=RUN,
        data=subpath(output.pdf, parent=True),
    message:
        "Draw figure {wildcards.figure}"
    shell:
        "{PANDA} figures draw --figure {wildcards.figure:q} --root {params.root:q} --output {params.data:q} {input:q}"
        " 2> {log:q}"
