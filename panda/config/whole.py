"""The whole configuration, and what its parts must agree on."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from panda.config.baselines import Baselines, own_content
from panda.config.costs import Costs
from panda.config.discover import Discover
from panda.config.evaluate import EQUATION, FIELDS, PDE, UNSEEN, Evaluate
from panda.config.integrate import Integrate
from panda.config.measured import measured
from panda.config.pretrained import Pretrained
from panda.config.train import Train
from panda.config.types import Count, Name, Positive, Section, Seed, Shards, Steps
from panda.core.baseline_files import FOLDER
from panda.core.known_baselines import describe_all
from panda.core.names import LONG, SPLITS

# What the repository itself keeps in results/.
RESERVED_RUNS = ("published", "README.md")


class Scaling(Section):
    """Nested subsets of systems at a constant number of timepoints."""

    enabled: bool
    definitions: tuple[Name, ...]
    n_points: Annotated[int, Field(ge=1, le=100)]
    steps_fraction: Annotated[float, Field(gt=0)]
    n_bootstrap: Count
    alpha_max: Positive
    max_ratio: Annotated[float, Field(gt=1)]
    n_shards: Shards


class NamedModel(Section):
    """A model to train: what the sweeps expand to. `split`: None, or which nested subset it learns from."""

    name: str
    definition: str
    encoder_from: str | None
    n_steps: Steps
    split: int | None


class Config(Section):
    """The whole configuration."""

    preset: Name
    run: Name | None
    seed: Seed
    discover: Discover
    integrate: Integrate
    train: Train
    baselines: Baselines
    pretrained: dict[Name, Pretrained]
    evaluate: Evaluate
    pde: PDE
    scaling: Scaling
    costs: Costs
    figures: tuple[Name, ...]

    @property
    def run_name(self) -> str:
        """The folder under results/."""
        return self.run or self.preset

    @model_validator(mode="after")
    def _run_is_free(self) -> Config:
        for name in RESERVED_RUNS:
            if self.run_name.casefold() == name.casefold():  # the same file, on some systems
                raise ValueError(
                    f"run {self.run_name!r}: results/{name} is part of the repository; give the run another name"
                )
        return self

    @model_validator(mode="after")
    def _stages_fit(self) -> Config:
        kept, longest = self.discover.search.integration.kept_points, max(self.evaluate.horizons)
        if self.evaluate.context_length + longest > kept:
            raise ValueError(
                f"evaluate: context_length {self.evaluate.context_length} + horizon {longest} "
                f"exceed the {kept} kept points of a trajectory"
            )
        self._check_data_sets()
        if self.train.learning_on not in self.evaluate.datasets:
            raise ValueError(f"train.learning_on: {self.train.learning_on!r} is none of evaluate.datasets")
        for name in self.train.definitions:
            shape = self.train.model_shape(name)
            if shape.context_length + shape.prediction_length > kept:
                raise ValueError(
                    f"train.definitions.{name}: context + prediction exceed the {kept} kept points of a trajectory"
                )
        if self.integrate.trust.rtol >= self.discover.search.integration.rtol:
            raise ValueError("integrate.trust.rtol must be below discover.search.integration.rtol")
        if self.integrate.long.n_points < kept:
            raise ValueError(
                f"integrate.long.n_points {self.integrate.long.n_points} is less than the {kept} points kept "
                "of every trajectory"
            )
        self._check_subsets()
        self._check_names()
        self._check_baselines()
        return self

    def _check_data_sets(self) -> None:
        """Every data set of our own series fits into them, and those that figures and claims are of are there."""
        lengths = {FIELDS: self.pde.n_points, LONG: self.integrate.long.n_points}
        lengths |= {name: series.n_points for name, series in measured().items()}
        for name in (UNSEEN, EQUATION):
            if name not in self.evaluate.datasets:
                raise ValueError(f"evaluate.datasets: {name!r} is missing; figures and claims are of it")
        for name, own in self.evaluate.datasets.items():
            if "." in name:
                raise ValueError(
                    f"evaluate.datasets: {name!r} has a dot; keys of the configuration are joined by dots"
                )
            context = own.context_length or self.evaluate.context_length
            horizons = own.horizons or self.evaluate.horizons
            if list(horizons) != sorted(set(horizons)):
                raise ValueError(f"evaluate.datasets.{name}.horizons must rise and not repeat")
            start = (own.start if own.start is not None else self.evaluate.start) or 0
            kept = self.discover.search.integration.kept_points
            n_points = lengths.get(own.series, kept if own.series in SPLITS else None)
            if n_points is not None and start + context + max(horizons) > n_points:
                raise ValueError(
                    f"evaluate.datasets.{name}: start {start} + context {context} + horizon {max(horizons)} exceed the "
                    f"{n_points} points of its series"
                )

    def _check_subsets(self) -> None:
        """Each subset of the sweep has half the systems of the one before: more candidates than that are needed."""
        founders, search = self.discover.founders, self.discover.search
        training = set(founders.all_names) - set(founders.test_names) - set(founders.validation)
        n_pairs = min(search.n_pairs, len(training) * (len(training) - 1))
        most = n_pairs * search.n_perturbations + len(training) * (1 + search.n_founder_perturbations)
        if systems_for(self.scaling.n_points) > most:
            raise ValueError(
                f"scaling.n_points {self.scaling.n_points}: so many halvings need "
                f"{systems_for(self.scaling.n_points):,} training systems, and of discover.search's candidates "
                f"{most:,} at most train; ask for {most.bit_length()} points or fewer"
            )

    def _check_names(self) -> None:
        for name in self.scaling.definitions:
            if name not in self.train.definitions:
                raise ValueError(f"scaling.definitions: {name!r} has no definition under train.definitions")
            source = self.train.definitions[name].encoder_from
            if source is not None and source not in self.scaling.definitions:
                raise ValueError(f"scaling.definitions: {name!r} needs {source!r} in the list, before it")
        last = self.train.definitions[self.scaling.definitions[-1]]
        if last.head != "forecast":
            raise ValueError("scaling.definitions: the last must be a forecast model; its errors are fitted")
        for name in self.train.models:
            if name in self._sweep():
                raise ValueError(
                    f"train.models: {name!r} is a model of the scaling sweep too; give the definition another name"
                )
        model = self.evaluate.completion_model
        if model is not None and (
            model not in self.train.models or self.train.definitions[model].head != "mlm"
        ):
            raise ValueError(f"evaluate.completion_model {model!r} must be a trained model with head mlm")
        for stage, names in self.forecasters().items():
            for name in names:
                definition = self.train.definitions.get(name)
                if name in self.pretrained and name not in self.train.models:
                    continue
                if definition is not None and (
                    definition.head != "forecast" or name not in self.train.models
                ):
                    raise ValueError(
                        f"{stage}.forecasters: {name!r} must be among train.models and have head forecast"
                    )

    def _check_baselines(self) -> None:
        """No two baselines have one name, and none that of a trained model."""
        try:
            known = describe_all(self.baselines.own)
        except ValueError as error:
            raise ValueError(f"baselines.own: {error}") from None
        for name in sorted(set(known) & set(self.named_models())):
            if known[name].file.parent != FOLDER:
                raise ValueError(
                    f"baselines.own: {known[name].file} has a baseline {name!r}, the name of a trained model; give it "
                    "another"
                )

    @property
    def taken(self) -> dict[str, Pretrained]:
        """The models that are trained already; one that is trained here under its name takes its place."""
        own = self.named_models()
        return {name: one for name, one in self.pretrained.items() if name not in own}

    def forecasters(self) -> dict[str, tuple[str, ...]]:
        """The forecasters that each key of the configuration lists."""
        own = self.evaluate.datasets.items()
        return {"evaluate": self.evaluate.forecasters} | {
            f"evaluate.datasets.{name}": dataset.forecasters
            for name, dataset in own
            if dataset.forecasters is not None
        }

    def named_models(self) -> dict[str, NamedModel]:
        """Every model that can be trained: the listed ones, and one chain for each point of the sweep."""
        models = {
            name: NamedModel(
                name=name,
                definition=name,
                encoder_from=self.train.definitions[name].encoder_from,
                n_steps=self.train.definitions[name].n_steps,
                split=None,
            )
            for name in self.train.models
        }
        for split in range(self.scaling.n_points):
            for definition in self.scaling.definitions:
                source = self.train.definitions[definition].encoder_from
                name = _at_point(definition, split)
                steps = self.train.definitions[definition].n_steps * self.scaling.steps_fraction
                models[name] = NamedModel(
                    name=name,
                    definition=definition,
                    encoder_from=None if source is None else _at_point(source, split),
                    n_steps=max(1, round(steps)),
                    split=split,
                )
        return models

    def _sweep(self) -> set[str]:
        """The names of the sweep's models."""
        points = range(self.scaling.n_points)
        return {_at_point(name, split) for name in self.scaling.definitions for split in points}

    def scaling_forecasters(self) -> list[str]:
        """The models whose errors the scaling law is fitted to, largest subset first."""
        return [_at_point(self.scaling.definitions[-1], split) for split in range(self.scaling.n_points)]


def systems_for(n_points: int) -> int:
    """Training systems that `n_points` nested subsets need, each half of the one before: the last has one."""
    return 2 ** (n_points - 1)


def _at_point(definition: str, split: int) -> str:
    """The name of a definition's model at one point of the sweep."""
    return f"{definition}_split{split}"


def section(config: Config, *paths: str) -> dict[str, Any]:
    """The parts of the configuration at dotted `paths`, as plain data: what a rule's results depend on."""
    dumped = config.model_dump(mode="json")
    founders, select = config.discover.founders, dumped["discover"]["select"]
    dumped["discover"]["founders"] = founders.resolved()
    # By name, because the list of relatives is neither code nor configuration.
    select["strict"] = list(founders.strict_names(config.discover.select.strict))
    dumped["baselines"]["own"] = own_content(config.baselines.own)
    dumped["pretrained"] = {name: one.content() for name, one in config.pretrained.items()}
    parts: dict[str, Any] = {}
    for path in paths:
        part: Any = dumped
        for key in path.split("."):
            part = part[key]
        parts[path] = part
    return parts
