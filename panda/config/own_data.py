"""Settings of a user's own data, from own_data.yaml beside this file: they come with the package, not with a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from panda.config.types import Count, Fraction, Name, NonNegative, Positive, Section
from panda.core.yaml_file import read_values

_FILE = Path(__file__).with_name("own_data.yaml")


class Parrot(Section):
    """Settings of `baselines/parrot.py`."""

    window: Count


class LinearAR(Section):
    """Settings of `baselines/linear_ar.py`."""

    order: Count
    ridge: NonNegative


class Backtest(Section):
    """How the end of a series is forecast to judge a model."""

    max_windows: Count
    few_windows: Count
    rivals: tuple[Name, ...]
    context_share: Fraction
    parrot: Parrot
    linear_ar: LinearAR


class Picture(Section):
    """What a picture shows of a series."""

    n_channels: Count
    context_per_horizon: Count
    min_context: Count


class OwnData(Section):
    """All of them."""

    model: Name
    batch_size: Count
    max_channels: Count
    standardise_eps: Positive
    smape_eps: Positive
    time_names: tuple[Name, ...]
    time_tolerance: Fraction
    backtest: Backtest
    picture: Picture


@cache
def own_data() -> OwnData:
    """The settings as they stand in the file."""
    return OwnData.model_validate(read_values(_FILE, "settings of own data"))
