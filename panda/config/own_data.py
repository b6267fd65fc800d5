"""Settings of a user's own data, from own_data.yaml beside this file: they come with the package, not with a checkout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from panda.config.load import overlay, read_yaml
from panda.config.train import Learning, TrainData
from panda.config.types import Count, Fraction, Name, NonNegative, Positive, Section, Seed, Steps
from panda.core.errors import PandaError, did_you_mean
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


class FineTune(Section):
    """How a model goes on learning on a user's series (`panda train fine-tune`)."""

    held_out: Annotated[float, Field(gt=0, lt=1)]
    horizon: Count
    max_windows: Count
    seed: Seed
    n_steps: Steps
    batch_size: Count
    device: Literal["auto", "cpu", "cuda"]
    threads: Count | None
    precision: Literal["auto", "float32", "bfloat16"]
    compile: bool
    checkpoint_every: Count
    log_every: Count
    tensorboard: bool
    recipe: Learning
    data: TrainData


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
    fine_tune: FineTune


@cache
def own_data() -> OwnData:
    """The settings as they stand in the file."""
    return OwnData.model_validate(read_values(_FILE, "settings of own data"))


def fine_tune_settings(files: Sequence[str | Path], given: Mapping[str, Any]) -> FineTune:
    """The section `fine_tune` with the lines of a user's files over it, and `given` (the command line) over all.

    Raises:
        PandaError: a file is none, or a key unknown or a value out of range; one line for the first of these.
    """
    values = known = own_data().fine_tune.model_dump(mode="json")
    for above in (*map(read_yaml, files), given):
        values = overlay(values, above)
    try:
        return FineTune.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"unknown key{did_you_mean(problem['loc'][-1], _keys(known))}"
        raise PandaError(f"fine-tune: {key}: {message[:1].lower()}{message[1:]}") from None


def _keys(values: Mapping[str, Any]) -> set[str]:
    """All keys of nested mappings."""
    return {*values, *(key for part in values.values() if isinstance(part, Mapping) for key in _keys(part))}
