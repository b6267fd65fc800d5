"""What can be asked for by name."""


def figure_files(figure):
    return [f"{RUN}/figures/{figure}.{suffix}" for suffix in ("pdf", "png")]


rule figures:
    """The figures alone."""
    input:
        [figure_files(figure) for figure in CONFIG.figures],


rule systems:
    """The catalogue of discovered systems."""
    input:
        f"{RUN}/discover/catalogue.parquet",


rule discovery:
    """All that the discovery stage can say: catalogue, spectra, near-duplicates, and its figures."""
    input:
        rules.systems.input,
        f"{RUN}/discover/spectra.parquet",
        f"{RUN}/discover/duplicates.parquet",
        [
            figure_files(figure)
            for figure in ("attractors", "perturbations", "acceptance", "spectra")
        ],


rule evolution:
    """Searches of several generations beside searches of one, at equal CPU time."""
    input:
        f"{RUN}/discover/evolution.parquet",
        figure_files("evolution"),


rule duplicates:
    """Near-duplicates among the systems, whether or not the preset counts them by default."""
    input:
        f"{RUN}/discover/duplicates.parquet",


rule audit:
    """How often certificates are wrong, from samples of every verdict that are followed for much longer."""
    input:
        f"{RUN}/discover/audit_summary.parquet",


rule spectra:
    """All Lyapunov exponents of the accepted systems, whether or not the preset measures them by default."""
    input:
        f"{RUN}/discover/spectra.parquet",
        figure_files("spectra"),


rule models:
    """The trained models."""
    input:
        expand(f"{RUN}/train/{{model}}/model.safetensors", model=CONFIG.train.models),


rule learning:
    """The learning curves of the trained models, whether or not the preset draws them by default."""
    input:
        f"{RUN}/train/learning.parquet",
        figure_files("learning"),


rule scaling:
    """The scaling sweep and its fit, whether or not the preset draws it by default."""
    input:
        f"{RUN}/scaling/fit.parquet",
        figure_files("scaling"),


rule pde:
    """The zero-shot test on Kuramoto-Sivashinsky."""
    input:
        lambda wildcards: summaries(arena.EQUATION),
        figure_files("kuramoto_sivashinsky"),


rule realdata:
    """The measured series that are on this machine, whether or not the preset shows them by default."""
    input:
        lambda wildcards: list(
            chain.from_iterable(map(summaries, arena.of_measured(CONFIG)))
        ),
        figure_files(arena.MEASURED_FIGURE),


rule arena:
    """The scores of every forecaster on every data set, and their summaries."""
    input:
        lambda wildcards: [
            table
            for name in CONFIG.evaluate.datasets
            if name not in arena.absent(CONFIG)
            for table in (*score_tables(name), *summaries(name))
        ],
