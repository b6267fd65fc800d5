"""Training: one rule for every named model, those of the sweeps too."""


def training_files(wildcards):
    split = MODELS[wildcards.model].split
    return trajectories("train") if split is None else subset_files(split)


def encoder_folder(wildcards):
    source = MODELS[wildcards.model].encoder_from
    return [f"{RUN}/train/{source}/model.safetensors"] if source else []


def subset_catalogue(wildcards):
    subset = MODELS[wildcards.model].split is not None
    return [CATALOGUE] if subset else []


rule train_model:
    input:
        trajectories=training_files,
        encoder=encoder_folder,
        catalogue=subset_catalogue,
    output:
        weights=out("train_model", "weights"),
        shape=out("train_model", "shape"),
        log=out("train_model", "log"),
        snapshots=out("train_model", "snapshots"),
    log:
        f"{RUN}/logs/train_model/{{model}}.log",
    benchmark:
        f"{RUN}/benchmarks/train_model/{{model}}.tsv"
    threads: (CONFIG.train.threads + CONFIG.train.loaders) * CONFIG.train.ranks
    resources:
        mem_mb=growing(8000),
        runtime=1440,
        gpu=CONFIG.train.ranks,
    params:
        section=lambda wildcards: section("train_model")
        | trained(CONFIG, wildcards.model),
        code=code("train_model"),
        state=f"{RUN}/state/train",
        folder=subpath(output.weights, parent=True),
    message:
        "Train {wildcards.model}"
    shell:
        "{PANDA} train model --config {RESOLVED:q} --name {wildcards.model:q} --state {params.state:q}"
        " --encoder={input.encoder:q} --catalogue={input.catalogue:q} --output {params.folder:q} {input.trajectories:q} 2> {log:q}"


rule list_models:
    input:
        expand(rules.train_model.output.log, model=CONFIG.train.models),
    output:
        out("list_models", "models"),
    log:
        f"{RUN}/logs/list_models.log",
    benchmark:
        f"{RUN}/benchmarks/list_models.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        section=section("list_models"),
        code=code("list_models"),
    message:
        "List the trained models"
    shell:
        "{PANDA} train list --config {RESOLVED:q} --output {output:q} {input:q} 2> {log:q}"
