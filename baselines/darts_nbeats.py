"""N-BEATS of the darts library, trained as one global, channel-independent model on the training split."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load, save

from baselines.options import Options
from baselines.quiet import quiet
from baselines.training_series import draw_series
from panda.core import seeds
from panda.core.digest import sha256_of_bytes
from panda.core.errors import PandaError
from panda.core.files import atomic_path, read_json, read_whole, write_json
from panda.core.progress import Progress
from panda.data.store import TrajectoryStore
from panda.evaluation.standardise import context_scale, hold_constant

with quiet():
    # Several seconds, most of darts' cost: paid where this baseline runs, and nowhere else.
    import pytorch_lightning as lightning
    from darts import TimeSeries
    from darts.models import NBEATSModel

BASELINES = {
    "darts_nbeats": {
        "label": "N-BEATS",
        "colour": "#CC79A7",
        "idea": "N-BEATS, one global model",
        "learns_from": "windows of the training split, to a plateau on the validation split",
        "weights": "trained here: `model.safetensors`, `config.json`",
        "licence": "darts: Apache-2.0",
        "source": "Oreshkin et al., arXiv 1905.10437",
        "reads": ["seed", "evaluate.standardise_eps", "train.threads"],
        "trained": True,
        "extra": "baselines",
    },
}
SETTINGS = {
    "input_length": "Count",
    "output_length": "Count",
    "n_stacks": "Count",
    "n_blocks": "Count",
    "layer_width": "Count",
    "max_epochs": "Count",
    "batch_size": "Count",
    "learning_rate": "Positive",
    "max_grad_norm": "Positive",
    "patience": "Count",
    "batches_per_epoch": "Count",
}

NAME = "darts_nbeats"
# Series forecast at a time: memory, not results.
_FORECAST_BATCH = 1024


class DartsForecaster:
    """Every channel on its own, from its last `input_length` points, `output_length` steps at a time.

    Input is in units of the mean and standard deviation of those points, which stay the units of the whole
    rollout. A channel that is constant in them is forecast as that constant.
    """

    name = NAME

    def __init__(self, model: NBEATSModel, settings: Any, *, standardise_eps: float, threads: int) -> None:
        self._model, self._settings, self._eps = model, settings, standardise_eps
        self._threads = threads

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`.

        Raises:
            PandaError: the context is shorter than `input_length`.
        """
        length = self._settings.input_length
        if context.shape[1] < length:
            raise PandaError(
                f"{NAME}: a context of {context.shape[1]} steps is shorter than its input_length {length}"
            )
        seen = context[:, -length:]
        scale = context_scale(seen, eps=self._eps)
        given = scale.apply(seen)
        channels = given.transpose(0, 2, 1).reshape(-1, length).astype(np.float32)
        torch.set_num_threads(self._threads)
        with quiet():
            predicted = self._model.predict(
                n=horizon,
                series=_darts(channels),
                batch_size=_FORECAST_BATCH,
                verbose=False,
                show_warnings=False,
            )
        values = np.stack([series.values(copy=False)[:, 0] for series in predicted]).astype(np.float64)
        values = values.reshape(context.shape[0], context.shape[2], horizon).transpose(0, 2, 1)
        return hold_constant(scale.undo(values), seen, eps=self._eps)


def create(name: str, settings: Any, options: Options) -> DartsForecaster:
    """Rebuild the model that `fit` wrote; its weights are plain tensors, and nothing is unpickled.

    Raises:
        PandaError: the state is missing, damaged, or of other settings.
    """
    assert options.state is not None
    stored = read_json(options.state / "config.json")
    for field in ("input_length", "output_length", "n_stacks", "n_blocks", "layer_width"):
        if stored.get("settings", {}).get(field) != getattr(settings, field):
            raise PandaError(
                f"{options.state}: trained with another {field} than baselines.darts_nbeats says "
                f"({getattr(settings, field)}); train it again"
            )
    path = options.state / "model.safetensors"
    content = read_whole(path)
    if sha256_of_bytes(content) != stored.get("sha256"):
        raise PandaError(f"{path}: does not match the SHA-256 in its config.json; train it again")
    torch.set_num_threads(options.threads)
    model = _untrained(settings, options)
    try:
        model.model.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        line = str(error).splitlines()[0]
        raise PandaError(f"{path}: not the weights of this model ({line}); train it again") from error
    return DartsForecaster(model, settings, standardise_eps=options.standardise_eps, threads=options.threads)


def fit(
    settings: Any,
    train: TrajectoryStore,
    validation: TrajectoryStore,
    options: Options,
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on `seed_windows` windows until the validation loss has not fallen for `patience` epochs.

    The weights of the best epoch are kept. The loss is the absolute error; all else is as darts has it. `progress` counts
    epochs. Returns the record that is also stored: settings, seed, losses by epoch, best epoch, and whether
    it stopped on a plateau (else at `max_epochs`).

    Raises:
        PandaError: a store has no trajectory long enough.
    """
    assert options.state is not None
    series = [
        draw_series(
            store,
            n_windows=options.n_windows,
            input_length=settings.input_length,
            output_length=settings.output_length,
            standardise_eps=options.standardise_eps,
            seed=options.seed,
            stage=f"{NAME}-{split}",
        )
        for split, store in (("train", train), ("validation", validation))
    ]
    torch.set_num_threads(options.threads)
    best = _Best(settings.patience, progress)
    with quiet():
        model = _model(settings, options)
        trainer = _trainer(
            settings,
            max_epochs=settings.max_epochs,
            callbacks=[best],
            train_batches=settings.batches_per_epoch,
        )
        model.fit(_darts(series[0]), val_series=_darts(series[1]), trainer=trainer, verbose=False)
    record = {
        "settings": settings.model_dump(mode="json"),
        "seed_windows": options.n_windows,
        "seed": options.seed,
        "n_series": [len(part) for part in series],
        "validation_loss": best.losses,
        "best_epoch": best.epoch + 1,
        "plateau": len(best.losses) - 1 - best.epoch >= settings.patience,
    }
    _save(options.state, best.weights, record)
    return record


class _Best(lightning.Callback):
    """Remembers the weights of the best validation loss, and stops after `patience` epochs without a better one."""

    def __init__(self, patience: int, progress: Progress | None) -> None:
        self.patience, self.progress = patience, progress
        self.losses: list[float] = []
        self.epoch, self.weights = 0, {}

    def on_validation_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        self.losses.append(float(trainer.callback_metrics["val_loss"]))
        if len(self.losses) == 1 or self.losses[-1] < self.losses[self.epoch]:
            self.epoch = len(self.losses) - 1
            self.weights = copy.deepcopy(module.state_dict())
        trainer.should_stop = len(self.losses) - 1 - self.epoch >= self.patience
        if self.progress is not None:
            self.progress.advance(validation_loss=self.losses[-1])


def _model(settings: Any, options: Options) -> NBEATSModel:
    return NBEATSModel(
        input_chunk_length=settings.input_length,
        output_chunk_length=settings.output_length,
        num_stacks=settings.n_stacks,
        num_blocks=settings.n_blocks,
        layer_widths=settings.layer_width,
        batch_size=settings.batch_size,
        # Bursting systems leave the scale of their context by orders of magnitude: squared errors diverge on them.
        loss_fn=torch.nn.L1Loss(),
        optimizer_kwargs={"lr": settings.learning_rate},
        random_state=seeds.integer_seed(options.seed, NAME) % 2**31,
        save_checkpoints=False,
        pl_trainer_kwargs=_TRAINER,
    )


def _untrained(settings: Any, options: Options) -> NBEATSModel:
    """A model with its tensors in place: darts makes them in `fit`, which trains for no epoch here."""
    blank = np.zeros((1, settings.input_length + settings.output_length), dtype=np.float32)
    with quiet():
        model = _model(settings, options)
        model.fit(
            _darts(blank),
            trainer=_trainer(settings, max_epochs=0, callbacks=[], train_batches=1),
            verbose=False,
        )
    return model


_TRAINER = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def _trainer(
    settings: Any, *, max_epochs: int, callbacks: list[lightning.Callback], train_batches: int
) -> lightning.Trainer:
    return lightning.Trainer(
        **_TRAINER,
        precision="32-true",
        max_epochs=max_epochs,
        callbacks=callbacks,
        limit_train_batches=train_batches,
        gradient_clip_val=settings.max_grad_norm,
        num_sanity_val_steps=0,
    )


def _darts(series: Float[np.ndarray, "n time"]) -> list[TimeSeries]:
    return [TimeSeries.from_values(values) for values in series]


def _save(state: Path, weights: dict[str, torch.Tensor], record: dict[str, Any]) -> None:
    state.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.contiguous() for name, tensor in weights.items()})
    with atomic_path(state / "model.safetensors") as temporary:
        temporary.write_bytes(content)
    digest = sha256_of_bytes(content)
    write_json(state / "config.json", record | {"sha256": digest}, digest=True)
