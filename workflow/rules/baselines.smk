"""Baselines that learn: trained on our windows, each as long as its own file says."""


rule fit_baseline:
    input:
        train=trajectories("train"),
        validation=trajectories("validation"),
    output:
        out("fit_baseline", "config"),
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
        section=of_forecaster(section, "fit_baseline"),
        files=lambda wildcards, input: [
            *(f"--train={path}" for path in input.train),
            *(f"--validation={path}" for path in input.validation),
        ],
        folder=subpath(output[0], parent=True),
        code=of_forecaster(code, "fit_baseline"),
    message:
        "Fit the baseline {wildcards.forecaster}"
    shell:
        "{PANDA} baselines fit --config {RESOLVED:q} --name {wildcards.forecaster:q} --output {params.folder:q}"
        " {params.files:q} 2> {log:q}"
