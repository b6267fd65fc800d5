"""The types and ranges of config.yaml: frozen, and deaf to keys it does not know."""

from panda.config.baselines import Baselines
from panda.config.costs import Costs
from panda.config.discover import (
    Comparison,
    Discover,
    Duplicates,
    Evolve,
    FilterName,
    Gallery,
    Select,
    Selection,
    Spectrum,
)
from panda.config.evaluate import PDE, Evaluate
from panda.config.follow import Audit, Follow
from panda.config.founders import Founders
from panda.config.integrate import Integrate, Long, Trust
from panda.config.search import Exponent, Integration, Mutation, Search, SignatureShape, Statistics, ZeroOne
from panda.config.train import Backbone, Definition, ModelShape, Recipe, Train, TrainData
from panda.config.types import Section
from panda.config.whole import Config, NamedModel, Scaling, section

__all__ = [
    "PDE",
    "Audit",
    "Backbone",
    "Baselines",
    "Comparison",
    "Config",
    "Costs",
    "Definition",
    "Discover",
    "Duplicates",
    "Evaluate",
    "Evolve",
    "Exponent",
    "FilterName",
    "Follow",
    "Founders",
    "Gallery",
    "Integrate",
    "Integration",
    "Long",
    "ModelShape",
    "Mutation",
    "NamedModel",
    "Recipe",
    "Scaling",
    "Search",
    "Section",
    "Select",
    "Selection",
    "SignatureShape",
    "Spectrum",
    "Statistics",
    "Train",
    "TrainData",
    "Trust",
    "ZeroOne",
    "section",
]
