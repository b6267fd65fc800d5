"""The arena: data set x forecaster -> forecasts -> scores. Only `forecast_series` knows what a forecaster is."""


def forecaster_state(wildcards):
    """What a forecaster needs: a model's weights, a fitted baseline's state, or nothing."""
    name = wildcards.forecaster
    if name in MODELS:
        return [f"{RUN}/train/{name}/model.safetensors"]
    if name in CONFIG.taken:
        # By content, not as an input: a checkout touches what is shipped.
        return []
    return [f"{RUN}/baselines/{name}/config.json"] if baseline(name).trained else []


def files_of(dataset):
    """The files of a data set: our own series, measured ones, or the user's."""
    source = CONFIG.evaluate.datasets[dataset].series
    if source == arena.FIELDS:
        return [out("simulate_fields", "fields")]
    if source in arena.MEASURED:
        return expand(out("store_measured", "series"), series=source)
    if source in arena.SOURCES:
        return trajectories(source)
    return [str(path) for path in arena.series_files(source)]


def series_of(wildcards):
    """The files of the data set that a wildcard names."""
    return files_of(wildcards.dataset)


def of_dataset(what, step):
    """The section of a step, with the keys of the data set and of the forecaster that wildcards name."""

    def added(wildcards):
        reads = arena.reads_of(wildcards.dataset)
        if hasattr(wildcards, "forecaster"):
            reads += forecaster(CONFIG, wildcards.forecaster, baseline)[0]
        return what(step, *reads)

    return added


def kept(path):
    """Forecasts as they are to be stored: for good, or until they are scored."""
    return path if CONFIG.evaluate.keep_forecasts else temp(path)


def forecasts_scored(wildcards):
    """The forecasts that a table of scores is of."""
    names = arena.scored_in(CONFIG, wildcards.dataset, wildcards.scored)
    return expand(
        out("forecast_series", "forecasts"),
        dataset=wildcards.dataset,
        forecaster=names,
    )


def score_tables(dataset, forecasters=None, role="scores"):
    """The tables of scores of a data set's forecasters, or the examples beside them."""
    names = arena.contestants(CONFIG, dataset) if forecasters is None else forecasters
    return expand(
        out("score_forecasts", role),
        dataset=dataset,
        scored=arena.tables_of(CONFIG, dataset, names),
    )


rule store_measured:
    output:
        out("store_measured", "series"),
    log:
        f"{RUN}/logs/store_measured/{{series}}.log",
    benchmark:
        f"{RUN}/benchmarks/store_measured/{{series}}.tsv"
    wildcard_constraints:
        series=one_of(arena.MEASURED),
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        # The file is known by the SHA-256 in its entry: a package that is installed again is no reason to read it again.
        section=lambda wildcards: measured()[wildcards.series].model_dump(mode="json"),
        code=code("store_measured"),
    message:
        "Store the measured series {wildcards.series}"
    shell:
        "{PANDA} measured store --config {RESOLVED:q} --output {output:q} {wildcards.series:q} 2> {log:q}"


rule forecast_series:
    input:
        series=series_of,
        state=forecaster_state,
    output:
        kept(out("forecast_series", "forecasts")),
    log:
        f"{RUN}/logs/forecast_series/{{dataset}}/{{forecaster}}.log",
    benchmark:
        f"{RUN}/benchmarks/forecast_series/{{dataset}}_{{forecaster}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=240,
        gpu=lambda wildcards: int(wildcards.forecaster in MODELS),
    params:
        section=of_dataset(section, "forecast_series"),
        code=of_forecaster(code, "forecast_series"),
    message:
        "Forecast {wildcards.dataset} by {wildcards.forecaster}"
    shell:
        "{PANDA} evaluate forecast --config {RESOLVED:q} --dataset {wildcards.dataset:q}"
        " --forecaster {wildcards.forecaster:q} --state={input.state:q} --output {output:q} {input.series:q} 2> {log:q}"


rule score_forecasts:
    input:
        forecasts=forecasts_scored,
        series=series_of,
    output:
        scores=out("score_forecasts", "scores"),
        examples=out("score_forecasts", "examples"),
    log:
        f"{RUN}/logs/score_forecasts/{{dataset}}/{{scored}}.log",
    benchmark:
        f"{RUN}/benchmarks/score_forecasts/{{dataset}}_{{scored}}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=240,
    params:
        section=of_dataset(section, "score_forecasts"),
        code=code("score_forecasts"),
        series=lambda wildcards, input: [f"--series={path}" for path in input.series],
    message:
        "Score the forecasts of {wildcards.dataset}: {wildcards.scored}"
    shell:
        "{PANDA} evaluate score --config {RESOLVED:q} --dataset {wildcards.dataset:q} {params.series:q}"
        " --scores {output.scores:q} --examples {output.examples:q} {input.forecasts:q} 2> {log:q}"
