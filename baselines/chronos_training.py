"""Training of Chronos: tokens of single channels, cross-entropy, a state that is saved and taken up again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from chronos import ChronosPipeline  # pyright: ignore[reportMissingImports]
from jaxtyping import Float
from torch import Tensor
from transformers import get_cosine_schedule_with_warmup  # pyright: ignore[reportMissingImports]

from baselines.chronos_weights import take_up, tensors_of
from panda.core.errors import Paused
from panda.core.progress import Progress
from panda.core.seeds import generator, integer_seed
from panda.data.windows import TrainingWindows
from panda.training.checkpoint import State, StateFolder, StateLock
from panda.training.hardware import choose_device, torch_threads
from panda.training.history import History
from panda.training.pause import PauseWatch

# As for models: time for a step and a saved state before a batch job's limit.
_PAUSE_MARGIN_S = 120.0
_IGNORED = -100  # a label that the loss of transformers leaves out


@dataclass(frozen=True)
class Place:
    """Where a training keeps its state, and how often; the fingerprint is of all that the weights depend on."""

    folder: Path
    fingerprint: str


def train(
    made: ChronosPipeline,
    windows: TrainingWindows,
    settings: Any,
    machine: Any,
    *,
    seed: int,
    place: Place,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Train the T5 of `made`, in place, for `settings.n_steps` batches of single channels; return the log.

    A step is a function of (seed, step) and the weights: windows, missing points and dropout are drawn anew for each. So
    a run that is paused or killed goes on from its newest state and ends with the same bits. `machine` is the section
    `train` of the configuration: device, threads, and how often to save and log. All is computed in float32, as in the
    reference; on a CPU bfloat16 made small sizes slower.

    Raises:
        PandaError: another process trains with this state, or a loss is not finite.
        Paused: SIGTERM, SIGINT or SIGUSR1 came, or the job's time limit is near; the state is saved.
    """
    device = choose_device(machine.device)
    states = StateFolder(place.folder, place.fingerprint)
    with (
        torch_threads(machine.threads),
        StateLock(states.path),
        PauseWatch(margin_s=_PAUSE_MARGIN_S) as pause,
    ):
        made.model.model.to(device).train()
        run = _Run(made, windows, settings, machine, device, states, seed)
        run.resume()
        if progress is not None:
            progress.start_at(run.done)
        run.finish(pause, progress)
        made.model.model.to("cpu").eval()
    return run.history.table()


def tokens_of(
    made: ChronosPipeline, series: Float[np.ndarray, "batch time"], settings: Any
) -> dict[str, Tensor]:
    """Tokens of contexts and of what follows them, by chronos' own tokenizer, as T5 takes them.

    Points that are NaN are missing: masked in a context, without a loss in what follows.
    """
    values = torch.from_numpy(series)
    context, future = values[:, : settings.context_length], values[:, settings.context_length :]
    ids, mask, scale = made.tokenizer.context_input_transform(context)
    labels, known = made.tokenizer.label_input_transform(future, scale)
    labels[~known] = _IGNORED
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@dataclass
class _Run:
    """What a training changes as it goes, and its way to the disk and back."""

    made: ChronosPipeline
    windows: TrainingWindows
    settings: Any
    machine: Any
    device: torch.device
    states: StateFolder
    seed: int
    done: int = 0

    def __post_init__(self) -> None:
        settings, self.model = self.settings, self.made.model.model
        # One group: with a decay of zero, as in the reference, it does not matter which weights decay.
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        n_warmup = math.ceil(settings.warmup_fraction * settings.n_steps)
        schedule = get_cosine_schedule_with_warmup(self.optimiser, n_warmup, settings.n_steps)
        self.factor = schedule.lr_lambdas[0]  # of a step alone, so that nothing of it is saved
        self.history = History(batch_size=settings.batch_size)

    def finish(self, pause: PauseWatch, progress: Progress | None) -> None:
        """Take the steps that are left."""
        n_steps, machine = self.settings.n_steps, self.machine
        self.history.start_clock()
        while self.done < n_steps:
            rate = self.step()
            notes = {}
            if self.done % machine.log_every == 0 or self.done == n_steps:
                notes["loss"] = self.history.close_row(self.done, learning_rate=rate)
            if progress is not None:
                progress.advance(1, **notes)
            reason = pause.reason() if self.done < n_steps else None
            if self.done % machine.checkpoint_every == 0 or self.done == n_steps or reason:
                self.save()
            if reason:
                raise Paused(
                    f"training paused after step {self.done} of {n_steps} ({reason}), its state is saved; "
                    "run the same command again to go on"
                )

    def step(self) -> float:
        """Move the weights once; the learning rate of this step."""
        settings, step = self.settings, self.done
        batch = {name: value.to(self.device) for name, value in self.batch(step).items()}
        rate = settings.learning_rate * self.factor(step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(integer_seed(self.seed, "chronos_sft", "dropout", step))
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.model(**batch).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.max_grad_norm)
        self.optimiser.step()
        self.done += 1
        self.history.add(self.done, loss, norm)
        return rate

    def batch(self, step: int) -> dict[str, Tensor]:
        """The tokens of a step: channels of the training's windows, with points left out at random."""
        series = self.windows.batch(step)[:, :, 0].copy()
        drawn = generator(self.seed, "chronos_sft", "missing", step).random(series.shape)
        series[drawn < self.settings.missing_probability] = np.nan
        return tokens_of(self.made, series, self.settings)

    def save(self) -> None:
        """Save the state, unless a loss since the last one was not finite."""
        notes = {"history": self.history.state()}  # first: it refuses such losses
        tensors = {f"model.{name}": tensor for name, tensor in tensors_of(self.model).items()}
        for parameter, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{parameter}.{name}": tensor for name, tensor in values.items()}
        self.states.save(State(self.done, tensors, notes))

    def resume(self) -> None:
        """Take up the newest state, if any."""
        state = self.states.load()
        if state is None:
            return
        weights: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in state.tensors.items():
            kind, _, name = key.partition(".")
            if kind == "model":
                weights[name] = tensor
            else:
                parameter, value = name.split(".")
                moments.setdefault(int(parameter), {})[value] = tensor
        take_up(self.model, weights)
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        self.history.load_state(state.notes["history"])
        self.done = state.step
