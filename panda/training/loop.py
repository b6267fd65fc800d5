"""The training loop: resumes to the bit, pauses on request, and saves its state as it goes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from panda.config import ModelShape, Recipe
from panda.config.estimate import flops
from panda.core.errors import PandaError, Paused
from panda.core.progress import Progress
from panda.core.seeds import integer_seed
from panda.data.loader import batches_of
from panda.data.windows import TrainingWindows
from panda.model.panda import Panda, load_encoder, load_whole, rolled_out
from panda.model.patching import random_mask
from panda.training.averaging import Average
from panda.training.checkpoint import State, StateFolder, StateLock
from panda.training.events import Events, check_tensorboard, written
from panda.training.hardware import Loss, Machine, autocast, choose_device, layers_compiled, torch_threads
from panda.training.history import History
from panda.training.objectives import completion_loss, forecast_loss
from panda.training.optimisers import Optimiser, learning_rate_factor
from panda.training.pause import PauseWatch
from panda.training.ranks import Ranks
from panda.training.snapshots import Snapshots, snapshot_steps

ALONE = Ranks()
_STEPS_BETWEEN_ASKING = 16


@dataclass(frozen=True)
class Saving:
    """Where a training keeps its state, under which name, after how many steps it saves and logs, how many times on
    its way it keeps the weights (`snapshot_steps`), and the folder of a log for TensorBoard, which changes no weight."""

    folder: str | Path
    fingerprint: str
    checkpoint_every: int
    log_every: int
    n_snapshots: int = 0
    tensorboard: str | Path | None = None


class Trained(NamedTuple):
    """A trained model, the log of its training, and weights kept on the way, named `<step>/<tensor>`."""

    model: Panda
    log: pd.DataFrame
    snapshots: dict[str, Tensor]


def window_length(shape: ModelShape, recipe: Recipe) -> int:
    """Points of a training window: context and predictions for a forecaster, the context alone for an MLM."""
    return shape.context_length + (
        recipe.n_passes * shape.prediction_length if shape.head == "forecast" else 0
    )


def new_history(
    shape: ModelShape, recipe: Recipe, *, batch_size: int, n_channels: int, peak_tflops: float | None
) -> History:
    """The empty log of a training; `peak_tflops` is what all its devices together can do."""
    # Backward costs twice what forward does.
    window_flops = 3 * recipe.n_passes * flops(shape, n_channels=n_channels)
    return History(batch_size=batch_size, window_flops=window_flops, peak_tflops=peak_tflops)


def train(
    shape: ModelShape,
    recipe: Recipe,
    windows: TrainingWindows,
    *,
    encoder: Panda | None,
    start: Panda | None = None,
    n_steps: int,
    seed: int,
    machine: Machine,
    saving: Saving,
    ranks: Ranks = ALONE,
    pause: PauseWatch | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a model for `n_steps` batches; return it, on the CPU, with its log and the weights kept on the way.

    Weights start from `seed`, or embedding and layers from `encoder`, or all of them from `start`. The state is saved as
    `saving` says, at the end, and before a pause; a run that finds a state there goes on from it. On the same type of
    processor with the same number of threads the weights and the losses in the log are then bit-identical to those of an
    undisturbed run: batches and masks are functions of (seed, step). `saving.fingerprint` must therefore cover whatever
    else they depend on: shape, recipe, data, encoder, start, seed, threads, precision, code.

    The log has a row every `saving.log_every` steps and at the end: step, mean loss and gradient norm (before
    clipping) since the row before, learning rate of that step, samples per second.

    Raises:
        PandaError: the package for TensorBoard is asked for and missing, the windows do not fit the model, the encoder or
            the start has another shape, the device is not there, another process trains with this state, a loss is not
            finite (no state is saved after that step), the disk is full.
        Paused: `pause` asked for it; the state is saved.
    """
    _check_windows(windows, shape, recipe)
    if saving.tensorboard is not None:
        check_tensorboard()
    device = choose_device(machine.device)
    folder = StateFolder(saving.folder, saving.fingerprint)
    # The other ranks read the states that rank 0 writes.
    lock = StateLock(folder.path) if ranks.leads else nullcontext()
    with torch_threads(machine.threads), lock:
        model = _initial_model(shape, encoder, start, seed=seed).to(device)
        optimiser = Optimiser(model, recipe, n_steps=n_steps)
        snapshots = Snapshots(folder.path)
        history = new_history(
            shape,
            recipe,
            batch_size=windows.batch_size,
            n_channels=windows.settings.n_channels,
            peak_tflops=None if machine.peak_tflops is None else ranks.n * machine.peak_tflops,
        )
        average = Average(model, recipe.average_decay)
        run = _Run(model, recipe, optimiser, average, history, folder, snapshots, ranks)
        run.resume()
        ranks.check_same(run.done)
        if progress is not None:
            progress.start_at(run.done)
        if run.done < n_steps:
            steps = range(run.done, n_steps)
            batches = _batches(
                windows, shape, device, ranks, seed=seed, steps=steps, n_loaders=machine.loaders
            )
            loss_of = _loss_function(model, recipe, autocast(machine.precision, device))
            quick = nullcontext()
            if machine.compile:
                example = _on_device(torch.from_numpy(windows.batch(run.done)), shape, device, ranks, 0)
                quick = layers_compiled(model.encoder.layers, loss_of, *example, how=machine.compile)
            folder_of_events = saving.tensorboard if ranks.leads else None
            events = written(folder_of_events, done=run.done)
            with quick, closing(batches), events as run.events:
                run.finish(loss_of, batches, n_steps=n_steps, saving=saving, pause=pause, progress=progress)
    return Trained(run.average.model().to("cpu"), run.history.table(), run.snapshots.tensors())


@dataclass
class _Run:
    """What a training changes as it goes, and its way to the disk and back."""

    model: Panda
    recipe: Recipe
    optimiser: Optimiser
    average: Average
    history: History
    folder: StateFolder
    snapshots: Snapshots
    ranks: Ranks
    done: int = 0
    events: Events | None = None

    def finish(
        self,
        loss_of: Loss,
        batches: Iterator[tuple[Tensor, Tensor | None]],
        *,
        n_steps: int,
        saving: Saving,
        pause: PauseWatch | None,
        progress: Progress | None,
    ) -> None:
        """Take the steps that are left."""
        kept = snapshot_steps(n_steps, saving.n_snapshots)
        self.history.start_clock()
        for batch, mask in batches:
            # Several ranks must agree in the message that averages their gradients; one may look afterwards.
            reason = pause.reason() if pause is not None and self.ranks.n > 1 and self.ranks.leads else None
            stop = self.step(loss_of, batch, mask, stop=reason is not None)
            self.report(n_steps, log_every=saving.log_every, progress=progress)
            if pause is not None and self.ranks.n == 1:
                reason = pause.reason() if self.done < n_steps else None
                stop = reason is not None
            due = self.done % saving.checkpoint_every == 0 or self.done == n_steps
            if self.done in kept:
                # The state after it names it: a run that is killed in between makes it again.
                due = True
                if self.ranks.leads:
                    self.snapshots.keep(self.done, self.average.model())
            stop = stop and self.done < n_steps
            if due or stop:
                self.save()
            if stop:
                raise Paused(
                    f"training paused after step {self.done} of {n_steps} ({reason}), its state is saved; "
                    "run the same command again to go on"
                )

    def step(self, loss_of: Loss, batch: Tensor, mask: Tensor | None, *, stop: bool) -> bool:
        """Move the weights once; whether rank 0 wants to stop after this step (`stop` of it), which all learn."""
        self.optimiser.zero_grad()
        loss = loss_of(batch, mask)
        loss.backward()
        asked = torch.tensor(float(stop))
        loss, asked = self.ranks.average(self.optimiser.gradients(), loss.detach(), asked)
        norm = self.optimiser.step(self.done)
        self.done += 1
        self.average.update(self.done)
        self.history.add(self.done, loss, norm)
        # To read a number waits for the GPU.
        return bool(asked) if asked.device.type == "cpu" or self.done % _STEPS_BETWEEN_ASKING == 0 else False

    def report(self, n_steps: int, *, log_every: int, progress: Progress | None) -> None:
        """Tell the progress of a step and, where one is due, write a row of the log."""
        notes: dict[str, Any] = {}
        if self.done % log_every == 0 or self.done == n_steps:
            rate = self.recipe.learning_rate * learning_rate_factor(
                self.done - 1, n_steps=n_steps, warmup_fraction=self.recipe.warmup_fraction
            )
            notes["loss"] = self.history.close_row(self.done, learning_rate=rate)
            if self.events is not None:
                self.events.add(self.history.latest())
        if progress is not None:
            progress.advance(1, **notes)

    def save(self) -> None:
        """Save the state, unless a loss since the last one was not finite."""
        if not self.ranks.leads:
            return
        # The history comes first: it refuses losses that are not finite, and then no state is saved.
        notes = {"history": self.history.state(), "snapshots": self.snapshots.state()}
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.tensors().items()}
        for part, state in self.optimiser.state_dict().items():
            for parameter, values in state["state"].items():
                for name, tensor in values.items():
                    tensors[f"optimiser.{part}.{parameter}.{name}"] = tensor
        self.folder.save(State(self.done, tensors, notes))

    def resume(self) -> None:
        """Take up the newest state, if any; learning rates and the like come from the recipe instead."""
        state = self.folder.load()
        if state is None:
            return
        optimiser = self.optimiser.state_dict()
        weights: dict[str, Tensor] = {}
        averages: dict[str, Tensor] = {}
        for key, tensor in state.tensors.items():
            kind, _, name = key.partition(".")
            if kind != "optimiser":
                (weights if kind == "model" else averages)[name] = tensor
                continue
            part, parameter, value = name.split(".")
            optimiser[part]["state"].setdefault(int(parameter), {})[value] = tensor
        self.model.load_state_dict(weights)
        self.optimiser.load_state_dict(optimiser)
        self.average.load(averages)
        self.history.load_state(state.notes["history"])
        self.snapshots.load_state(state.notes["snapshots"])
        self.done = state.step


def _check_windows(windows: TrainingWindows, shape: ModelShape, recipe: Recipe) -> None:
    if windows.window_length != window_length(shape, recipe):
        raise PandaError(
            f"training windows have {windows.window_length} points, but this {shape.head} model needs "
            f"{window_length(shape, recipe)}; cut them to that length"
        )


def _initial_model(shape: ModelShape, encoder: Panda | None, start: Panda | None, *, seed: int) -> Panda:
    drawn = torch.Generator().manual_seed(integer_seed(seed, "train", "weights"))
    model = Panda(shape, drawn)
    if encoder is not None:
        load_encoder(model, encoder)
    if start is not None:
        load_whole(model, start)
    return model


def _loss_function(model: Panda, recipe: Recipe, precision: torch.autocast) -> Loss:
    """The loss of a batch, as one function."""
    length = model.shape.context_length

    def loss_of(batch: Float[Tensor, "batch time channel"], mask: Tensor | None) -> Tensor:
        if mask is None:
            with precision:
                forecast = rolled_out(model, batch[:, :length], recipe.n_passes)
            return forecast_loss(forecast, batch[:, length:], recipe)
        with precision:
            completion = model.complete(batch, mask)
        return completion_loss(completion)

    return loss_of


def _batches(
    windows: TrainingWindows,
    shape: ModelShape,
    device: torch.device,
    ranks: Ranks,
    *,
    seed: int,
    steps: range,
    n_loaders: int,
) -> Generator[tuple[Tensor, Tensor | None], None, None]:
    """Batch and mask of these steps, each brought to the device in a thread while the step before computes."""

    def prepare(step: int) -> tuple[Tensor, Tensor | None]:
        return _on_device(next(made), shape, device, ranks, integer_seed(seed, "train", "mask", step))

    with closing(batches_of(windows, steps, n_loaders=n_loaders)) as made, ThreadPoolExecutor(1) as thread:
        coming = thread.submit(prepare, steps[0])
        for step in steps:
            ready = coming.result()
            if step + 1 in steps:
                coming = thread.submit(prepare, step + 1)
            yield ready


def _on_device(
    batch: Float[Tensor, "batch time channel"],
    shape: ModelShape,
    device: torch.device,
    ranks: Ranks,
    mask_seed: int,
) -> tuple[Float[Tensor, "batch time channel"], Bool[Tensor, "batch channel patch"] | None]:
    """A rank's part of a batch and, for an MLM, the patches to hide in it."""
    mask = None
    if shape.head == "mlm":
        drawn = torch.Generator().manual_seed(mask_seed)
        mask = random_mask(
            batch.shape[0],
            batch.shape[2],
            shape.context_length // shape.patch_length,
            mask_ratio=shape.mask_ratio,
            generator=drawn,
        )
        mask = ranks.part(mask)
    batch = ranks.part(batch)
    if device.type == "cuda":
        # From pinned memory the copy does not wait for the GPU.
        batch = batch.pin_memory().to(device, non_blocking=True)
        mask = None if mask is None else mask.pin_memory().to(device, non_blocking=True)
    return batch, mask
