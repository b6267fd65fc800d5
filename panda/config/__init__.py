"""The types and ranges of config.yaml: frozen, and deaf to keys it does not know."""

from panda.config.costs import Costs
from panda.config.discover import (
    Discover,
    Exponent,
    FilterName,
    Founders,
    Gallery,
    Integrate,
    Integration,
    Mutation,
    Search,
    Select,
    Selection,
    Spectrum,
    Statistics,
    ZeroOne,
)
from panda.config.evaluate import PDE, Baselines, DartsNBEATS, Evaluate, Fourier, LinearAR, Parrot
from panda.config.train import Backbone, Definition, ModelShape, Recipe, Train, TrainData
from panda.config.types import Section
from panda.config.whole import Config, NamedModel, Scaling, section

__all__ = [
    "PDE",
    "Backbone",
    "Baselines",
    "Config",
    "Costs",
    "DartsNBEATS",
    "Definition",
    "Discover",
    "Evaluate",
    "Exponent",
    "FilterName",
    "Founders",
    "Fourier",
    "Gallery",
    "Integrate",
    "Integration",
    "LinearAR",
    "ModelShape",
    "Mutation",
    "NamedModel",
    "Parrot",
    "Recipe",
    "Scaling",
    "Search",
    "Section",
    "Select",
    "Selection",
    "Spectrum",
    "Statistics",
    "Train",
    "TrainData",
    "ZeroOne",
    "section",
]
