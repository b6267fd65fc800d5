"""Training: one rule for every named model, those of the sweeps too."""

# Everything of `train` that the weights depend on, but for recipe, shape and model, which a rule names itself.
TRAIN_PARTS = [
    f"train.{key}"
    for key in (
        "device",
        "threads",
        "precision",
        "compile",
        "batch_size",
        "founder_probability",
        "data",
        "log_every",
    )
]


def training_files(wildcards):
    split = MODELS[wildcards.model].split
    return trajectories("train") if split is None else subset_files()


def encoder_folder(wildcards):
    source = MODELS[wildcards.model].encoder_from
    return [f"{RUN}/train/{source}/model.safetensors"] if source else []


def subset_catalogue(wildcards):
    subset = MODELS[wildcards.model].split is not None
    return [f"{RUN}/discover/catalogue.parquet"] if subset else []


rule train_model:
    input:
        trajectories=training_files,
        encoder=encoder_folder,
        catalogue=subset_catalogue,
    output:
        weights=f"{RUN}/train/{{model}}/model.safetensors",
        shape=f"{RUN}/train/{{model}}/config.json",
        log=f"{RUN}/train/{{model}}/log.parquet",
    log:
        f"{RUN}/logs/train_model/{{model}}.log",
    benchmark:
        f"{RUN}/benchmarks/train_model/{{model}}.tsv"
    threads: CONFIG.train.threads
    resources:
        mem_mb=growing(8000),
        runtime=1440,
        gpu=1,
    params:
        section=lambda wildcards: {
            **part("seed", *TRAIN_PARTS),
            "recipe": CONFIG.train.recipes[CONFIG.train.recipe].model_dump(
                mode="json"
            ),
            "shape": CONFIG.train.model_shape(
                MODELS[wildcards.model].definition
            ).model_dump(mode="json"),
            "model": MODELS[wildcards.model].model_dump(mode="json"),
        },
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
        f"{RUN}/train/models.parquet",
    log:
        f"{RUN}/logs/list_models.log",
    benchmark:
        f"{RUN}/benchmarks/list_models.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        code=code("list_models"),
    message:
        "List the trained models"
    shell:
        "{PANDA} train list --config {RESOLVED:q} --output {output:q} {input:q} 2> {log:q}"
