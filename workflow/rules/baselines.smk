"""Baselines that learn: trained on our windows to a plateau on the validation founders."""

from baselines.registry import info


rule fit_baseline:
    input:
        train=trajectories("train"),
        validation=trajectories("validation"),
    output:
        f"{RUN}/baselines/{{forecaster}}/config.json",
    log:
        f"{RUN}/logs/fit_baseline/{{forecaster}}.log",
    benchmark:
        f"{RUN}/benchmarks/fit_baseline/{{forecaster}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=720,
        gpu=1,
    params:
        section=lambda wildcards: part(
            "seed",
            "baselines.seed_windows",
            f"baselines.{wildcards.forecaster}",
            "train.data",
        ),
        files=lambda wildcards, input: [
            *(f"--train={path}" for path in input.train),
            *(f"--validation={path}" for path in input.validation),
        ],
        folder=subpath(output[0], parent=True),
        code=lambda wildcards: code("fit_baseline", info(wildcards.forecaster).module),
    message:
        "Fit the baseline {wildcards.forecaster}"
    shell:
        "{PANDA} baselines fit --config {RESOLVED:q} --name {wildcards.forecaster:q} --output {params.folder:q}"
        " {params.files:q} 2> {log:q}"
