"""The stages of a call: trajectories, trainings, forecasts and scores, at the paths that the workflow uses too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gpu.jobs import Clock, Job, run_all
from gpu.machine import ROOT
from panda.config import Config
from panda.config.estimate import training_s
from panda.config.steps import STEPS, trained
from panda.core.code_version import code_version
from panda.core.digest import sha256
from panda.core.errors import PandaError
from panda.core.files import read_json, write_json
from panda.core.names import SPLITS
from panda.core.provenance import hash_of
from panda.core.resolved import path_by_content, write_by_content

LIBRARY = ".cache/founders"
_KEY = "key.json"


@dataclass(frozen=True)
class Study:
    """A configuration on this machine: what is there, what is to be done, and by which commands."""

    config: Config
    cores: int

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return Path("results", self.config.run_name)

    @property
    def dataset(self) -> str:
        """The data set of unseen systems that models are scored on."""
        return self.config.train.learning_on

    def check(self) -> None:
        """Write the configuration for the commands.

        Raises:
            PandaError: it asks for a search, or for scores on series that are not integrated here.
        """
        if self.config.integrate.catalogue is None:
            raise PandaError("integrate.catalogue is null: this command searches nothing; name a catalogue")
        source = self.config.evaluate.datasets[self.dataset].series
        if source not in SPLITS:
            raise PandaError(
                f"train.learning_on: {self.dataset!r} has the series {source!r}; name a data set that has one of "
                f"{', '.join(SPLITS)}"
            )
        for name in self.config.train.models:
            encoder = self.config.train.definitions[name].encoder_from
            if encoder is not None and encoder not in self.config.train.models:
                raise PandaError(
                    f"train.models: {name} starts from {encoder}, which is not one of them; add it"
                )
        write_by_content(self.config, self.run)

    # Trajectories

    @cached_property
    def data_key(self) -> str:
        """What the trajectories depend on, hashed: configuration, code and catalogue, but not the machine."""
        step = STEPS["integrate_systems"]
        catalogue = sha256(Path(str(self.config.integrate.catalogue)))
        return hash_of([step.section(self.config), code_version(step.code, ROOT), catalogue])

    def trajectories(self, split: str) -> list[Path]:
        """The files of a split."""
        return [self._integrated(split, shard) for shard in range(self.config.integrate.n_shards)]

    def integrate(self, clock: Clock) -> int:
        """Integrate the shards that are not there; how many are left because time is over."""
        key, kept = self.run / "integrate" / _KEY, None
        with suppress(PandaError):
            kept = read_json(key)
        wanted = [shard for shard in range(self.config.integrate.n_shards) if not self._is_there(shard)]
        if kept != self.data_key:
            wanted = list(range(self.config.integrate.n_shards))
            for path in (path for shard in wanted for path in self._outputs(shard).values()):
                path.unlink(missing_ok=True)
            write_json(key, self.data_key)
        if not wanted:
            return 0
        self._job("compile_founders", "discover", "compile", "--library", LIBRARY).run()
        return run_all(map(self._integration, wanted), cores=self.cores, clock=clock)

    def _integration(self, shard: int) -> Job:
        options = [f"--{role}={path}" for role, path in self._outputs(shard).items()]
        words = [
            "integrate",
            "systems",
            "--library",
            LIBRARY,
            f"--catalogue={self.config.integrate.catalogue}",
        ]
        return self._job(f"integrate_systems/{shard}", *words, "--shard", str(shard), *options)

    def _outputs(self, shard: int) -> dict[str, Path]:
        return {role: self._integrated(role, shard) for role in STEPS["integrate_systems"].outputs}

    def _integrated(self, role: str, shard: int) -> Path:
        return self.run / STEPS["integrate_systems"].outputs[role].format(shard=shard)

    def _is_there(self, shard: int) -> bool:
        return all(path.is_file() for path in self._outputs(shard).values())

    # Models

    def model_key(self, name: str) -> str:
        """What a model depends on, hashed, without the machine."""
        own = STEPS["train_model"].section(self.config) | trained(self.config, name)
        return hash_of([self.data_key, own, code_version(STEPS["train_model"].code, ROOT)])

    def weights(self, name: str) -> Path:
        """Where a model's weights are once its training has ended."""
        return self.run / STEPS["train_model"].outputs["weights"].format(model=name)

    def is_finished(self, name: str) -> bool:
        """Whether it has been trained to its end, by this configuration and code."""
        with suppress(PandaError):
            return self.weights(name).is_file() and read_json(
                self.weights(name).parent / _KEY
            ) == self.model_key(name)
        return False

    def states(self, name: str) -> Path:
        """The folder for the states of a training, by what it depends on."""
        return self.run / "state" / "gpu" / self.model_key(name)

    def newest_state(self, name: str) -> Path | None:
        """The JSON of the newest state of a training."""
        return max(self.states(name).glob(f"{name}/*/step-*.json"), key=lambda path: path.stem, default=None)

    def steps_done(self, name: str) -> int:
        """Steps that a model has been trained for, as far as they are saved."""
        if self.is_finished(name):
            return self.n_steps(name)
        newest = self.newest_state(name)
        return 0 if newest is None else int(newest.stem.removeprefix("step-"))

    def n_steps(self, name: str) -> int:
        """Steps of the whole training."""
        return self.config.named_models()[name].n_steps

    def order(self) -> list[str]:
        """The models, the quickest first, so that what they leave of their time goes to the others; encoders before
        those that start from them."""
        models, estimates = self.config.named_models(), {}
        for name in self.config.train.models:
            source = models[name].encoder_from
            estimates[name] = training_s(self.config, models[name]) + (
                training_s(self.config, models[source]) if source in models else 0.0
            )
        return sorted(estimates, key=estimates.__getitem__)

    def seconds_left(self, name: str) -> float:
        """What the rest of a training takes, by the estimate."""
        share = 1 - self.steps_done(name) / self.n_steps(name)
        return share * training_s(self.config, self.config.named_models()[name])

    def train(self, name: str, limit_s: float) -> bool:
        """Train a model for so long; whether that was to its end."""
        source = self.config.named_models()[name].encoder_from
        if source is not None and not self.is_finished(source):
            return False
        encoder = "" if source is None else str(self.weights(source))
        folder = self.weights(name).parent
        words = ["train", "model", "--name", name, "--state", str(self.states(name)), "--output", str(folder)]
        words += [
            f"--encoder={encoder}",
            "--data-key",
            self.model_key(name),
            *map(str, self.trajectories("train")),
        ]
        if not self._job(f"train_model/{name}", *words).run(limit_s=limit_s):
            return False
        write_json(folder / _KEY, self.model_key(name))
        return True

    # Scores

    def shown(self, name: str) -> Path | None:
        """Weights to score: the trained ones, those of the newest state, or None where there is none to forecast with."""
        if self.config.train.definitions[name].head != "forecast":
            return None
        if self.is_finished(name):
            return self.weights(name)
        if self.steps_done(name) == 0:
            return None
        folder = self.run / "unfinished" / name
        words = ["train", "unfinished", "--name", name, "--state", str(self.states(name))]
        self._job(
            f"unfinished/{name}", *words, "--output", str(folder), "--data-key", self.model_key(name)
        ).run()
        return folder / "model.safetensors"

    def score(self, weights: dict[str, Path]) -> list[Path]:
        """Score models, by their weights, and the data set's own forecasters; the tables of scores."""
        names = [*weights, *self.rivals]
        run_all((self._forecast(name, weights.get(name)) for name in names), cores=self.cores)
        run_all(map(self._scoring, names), cores=self.cores)
        return [self._scored("scores", name) for name in names]

    @property
    def rivals(self) -> list[str]:
        """The forecasters that learn nothing, for the same windows."""
        models = self.config.named_models()
        named = self.config.evaluate.datasets[self.dataset].forecasters or ()
        return [name for name in named if name not in models]

    def _forecast(self, name: str, weights: Path | None) -> Job:
        output = self.run / STEPS["forecast_series"].outputs["forecasts"].format(
            dataset=self.dataset, forecaster=name
        )
        words = [
            "evaluate",
            "forecast",
            "--dataset",
            self.dataset,
            "--forecaster",
            name,
            f"--state={weights or ''}",
        ]
        return self._job(f"forecast_series/{name}", *words, "--output", str(output), *self._series())

    def _scoring(self, name: str) -> Job:
        forecasts = self.run / STEPS["forecast_series"].outputs["forecasts"].format(
            dataset=self.dataset, forecaster=name
        )
        outputs = [f"--{role}={self._scored(role, name)}" for role in ("scores", "examples")]
        series = [f"--series={path}" for path in self._series()]
        words = ["evaluate", "score", "--dataset", self.dataset, *series, *outputs]
        return self._job(f"score_forecasts/{name}", *words, str(forecasts))

    def _scored(self, role: str, name: str) -> Path:
        return self.run / STEPS["score_forecasts"].outputs[role].format(dataset=self.dataset, scored=name)

    def _series(self) -> list[str]:
        source = self.config.evaluate.datasets[self.dataset].series
        return [str(path) for path in self.trajectories(source)]

    def _job(self, log: str, *words: str) -> Job:
        config = path_by_content(self.config, self.run)
        return Job(
            [*words[:2], "--config", str(config), *words[2:]], self.run / "logs" / "gpu" / f"{log}.log"
        )

    # Saving

    def files(self) -> Iterator[Path]:
        """What the next call needs on another machine: the folders of trained models, and the newest state of others."""
        for name in self.config.train.models:
            if self.is_finished(name):
                yield from (path for path in self.weights(name).parent.iterdir() if path.is_file())
                continue
            newest = self.newest_state(name)
            if newest is not None:
                yield from (newest, newest.with_suffix(".safetensors"))
                yield from newest.parent.glob("snapshot-*.safetensors")
