"""Forecasters, populations, filters and systems as a reader sees them: figures, tables and claims say the same."""

from __future__ import annotations

from panda.core.known_baselines import described

# Models; a baseline's label stands in its own file.
FORECASTERS = {
    "panda": "Panda",
    "panda_mlm_sft": "Panda, MLM then SFT",
    "panda_mlm": "Panda, MLM",
    "panda_small": "Panda small, shipped",
    "panda_analogue": "Panda with analogues, shipped",
    "panda_published": "Panda 21M, published",
    "panda_published_72m": "Panda 72M, published",
}
POPULATIONS = {"skew": "skew products", "founder": "founders"}
DATA_SETS = {
    "test": "unseen systems",
    "validation": "systems of the validation founders",
    "long": "unseen systems, integrated for longer",
    "kuramoto_sivashinsky": "the Kuramoto-Sivashinsky equation",
    "laser": "intensity of a laser, measured",
    "fly_brain": "activity of a fly's brain, measured",
    "river_flow": "weekly flow of a river, measured",
    "sunspots": "yearly number of sunspots, measured",
}
FILTERS = {
    "zero_one": "0-1 test",
    "irregular": "0-1 test, any units",
    "positive_exponent": "λ₁ > 0",
    "chaotic": "chaotic (λ₁, long)",
    "well_sampled": "sampled finely",
}


def label(forecaster: str) -> str:
    """The name of a forecaster: a baseline's stands in its file, the user's own within `known_baselines.knowing`."""
    baseline = described(forecaster)
    return baseline.label if baseline else FORECASTERS.get(forecaster, forecaster.replace("_", " "))


def population_label(population: str) -> str:
    """The name of a population."""
    return POPULATIONS.get(population, population)


def data_set_label(name: str) -> str:
    """The name of a data set, with what it is where we know it."""
    return f"{name}, {DATA_SETS[name]}" if name in DATA_SETS else name


def filter_label(name: str) -> str:
    """The name of a filter of the discovery."""
    return FILTERS.get(name, name.replace("_", " "))


def system_label(name: str, *, separator: str = " → ") -> str:
    """`Lorenz_Rossler` as driver and response, `Lorenz` as it is."""
    return separator.join(str(name).split("_"))
