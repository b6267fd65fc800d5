"""Chronos-SFT, the paper's strongest rival: Chronos (T5), trained on our trajectories one channel at a time.

The model and its tokens are those of the package chronos-forecasting, of which the paper tuned a T5 of 20 million
parameters (`amazon/chronos-t5-mini`). Chronos-2 and Chronos-Bolt, newer models of that package, are others: the package's
`fit` is of Chronos-2 alone, so the loop is ours (`baselines/chronos_training.py`), as its authors' and the paper's are
scripts outside it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import chronos  # pyright: ignore[reportMissingImports]
import numpy as np
import torch
import transformers  # pyright: ignore[reportMissingImports]
from jaxtyping import Float

from baselines.chronos_training import Place, train
from baselines.chronos_weights import (
    from_published,
    from_scratch,
    load,
    record_of,
    silent,
    store,
)
from baselines.options import Options
from baselines.published import folder_of
from panda.core.code_version import code_version
from panda.core.digest import sha256_of_bytes, sha256_of_json
from panda.core.errors import PandaError
from panda.core.files import write_table
from panda.core.progress import Progress
from panda.core.provenance import processor
from panda.core.seeds import integer_seed
from panda.data.store import TrajectoryStore
from panda.data.windows import TrainingWindows
from panda.evaluation.standardise import context_scale, hold_constant
from panda.training.hardware import choose_device, torch_threads

BASELINES = {
    "chronos_sft": {
        "label": "Chronos-SFT",
        "colour": "#7B4173",
        "idea": "Chronos: a T5 on the quantised values of a channel",
        "learns_from": "windows of the training split, a fixed number of steps",
        "weights": "trained here, from published weights or from scratch: `model.safetensors`, `config.json`",
        "licence": "chronos-forecasting: Apache-2.0",
        "source": "Ansari et al., arXiv 2403.07815",
        "reads": [
            "seed",
            "evaluate.standardise_eps",
            "train.data",
            "train.device",
            "train.founder_probability",
            "train.log_every",
            "train.threads",
        ],
        "trained": True,
        "optional": True,
        "extra": "foundation",
    },
}
SETTINGS = {
    "start": "Weights",
    "context_length": "Count",
    "prediction_length": "Count",
    "n_tokens": "Several",
    "token_limit": "Positive",
    "n_layers": "Count",
    "d_model": "Count",
    "n_heads": "Count",
    "d_kv": "Count",
    "d_ff": "Count",
    "dropout": "Fraction",
    "initializer_factor": "Positive",
    "missing_probability": "Fraction",
    "n_steps": "Count",
    "batch_size": "Count",
    "learning_rate": "Positive",
    "weight_decay": "NonNegative",
    "warmup_fraction": "Fraction",
    "max_grad_norm": "Positive",
    "n_samples": "Count",
    "temperature": "Positive",
    "top_k": "Count",
    "top_p": "Positive",
}

NAME = "chronos_sft"
_SOURCE = Path(__file__).resolve().parents[1]
# What of the settings the weights do not depend on.
_SAMPLING = ("n_samples", "temperature", "top_k", "top_p")
# Series forecast at a time: memory, not results.
_FORECAST_BATCH = 256


class ChronosForecaster:
    """Every channel on its own, from its last `context_length` points, `prediction_length` steps at a time.

    Input is in units of the mean and standard deviation of those points; Chronos divides it by its mean size once more.
    The forecast is the median over `n_samples` sampled paths, and the context is continued by it, as chronos does. With
    `n_samples` 1 and `top_k` 1 the likeliest token follows always. Else tokens are drawn from a stream of the seed and
    the window, so that a window's forecast depends on no other. A constant channel is forecast as that constant.
    """

    name = NAME

    def __init__(self, made: chronos.ChronosPipeline, settings: Any, options: Options) -> None:
        assert options.training is not None
        self._made, self._settings, self._options = made, settings, options
        made.model.model.to(choose_device(options.training.device)).eval()

    def forecast(
        self, context: Float[np.ndarray, "batch time channel"], horizon: int
    ) -> Float[np.ndarray, "batch horizon channel"]:
        """See `Forecaster.forecast`."""
        eps = self._options.standardise_eps
        seen = context[:, -self._settings.context_length :]
        scale = context_scale(seen, eps=eps)
        given = scale.apply(seen)
        n, length, n_channels = given.shape
        series = torch.from_numpy(given.transpose(0, 2, 1).reshape(n * n_channels, length))
        with silent(), torch_threads(self._options.threads):
            if self._settings.top_k == 1:
                parts = [self._continued(part, horizon) for part in series.split(_FORECAST_BATCH)]
            else:
                parts = [self._drawn(part, horizon) for part in series.split(n_channels)]
        values = np.concatenate(parts).reshape(n, n_channels, horizon).transpose(0, 2, 1)
        return hold_constant(scale.undo(values.astype(np.float64)), seen, eps=eps)

    def _continued(self, series: torch.Tensor, horizon: int) -> Float[np.ndarray, "series horizon"]:
        settings = self._settings
        paths = self._made.predict(
            series,
            prediction_length=horizon,
            num_samples=settings.n_samples,
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
        )
        return paths.median(dim=1).values.numpy()

    def _drawn(self, series: torch.Tensor, horizon: int) -> Float[np.ndarray, "series horizon"]:
        window = sha256_of_bytes(series.numpy().tobytes())
        with torch.random.fork_rng():
            torch.manual_seed(integer_seed(self._options.seed, NAME, "samples", window))
            return self._continued(series, horizon)


def create(name: str, settings: Any, options: Options) -> ChronosForecaster:
    """The model that `fit` wrote, read by chronos itself from safetensors.

    Raises:
        PandaError: the state is missing, damaged, or of other settings.
    """
    assert options.state is not None
    record = record_of(options.state)
    wanted = _training_settings(settings)
    for key in wanted:
        if record.get("settings", {}).get(key) != wanted[key]:
            raise PandaError(
                f"{options.state}: trained with another {key} than baselines.{NAME} says ({wanted[key]}); train it again"
            )
    return ChronosForecaster(load(options.state, record["sha256"]), settings, options)


def fit(
    settings: Any,
    train_on: TrajectoryStore,
    validation: TrajectoryStore,
    options: Options,
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train for `n_steps` steps from `start`, or from scratch where that is null; like the paper, without early stopping.

    A window is drawn as for our models (augmented, standardised over its trajectory), but it is one channel, and each
    of its points is left out with `missing_probability`. Weights, a configuration that chronos reads, and `log.parquet`
    are written; states lie in `state/` beside them. Returns settings, seed, number of parameters and the last loss.

    Raises:
        PandaError: a trajectory is too short, `start` cannot be had, or as `train`.
        Paused: it was asked to; the state is saved.
    """
    assert options.state is not None and options.training is not None
    made = _start(settings, options)
    windows = TrainingWindows(
        train_on,
        options.training.data.model_copy(update={"n_channels": 1}),
        window_length=settings.context_length + settings.prediction_length,
        batch_size=settings.batch_size,
        founder_probability=options.training.founder_probability,
        seed=integer_seed(options.seed, NAME),
    )
    with silent():
        log = train(
            made,
            windows,
            settings,
            options.training,
            seed=options.seed,
            place=Place(options.state / "state", _fingerprint(settings, train_on, options)),
            progress=progress,
        )
    record = {
        "settings": _training_settings(settings),
        "seed": options.seed,
        "n_parameters": sum(one.numel() for one in made.model.model.parameters()),
        "loss": float(log["loss"].iloc[-1]),
    }
    write_table(log, options.state / "log.parquet")
    store(options.state, made, record)
    return record


def _start(settings: Any, options: Options) -> chronos.ChronosPipeline:
    if settings.start is None:
        return from_scratch(settings, seed=integer_seed(options.seed, NAME, "weights"))
    folder, sha256 = folder_of(f"baselines.{NAME}.start", settings.start)
    return from_published(folder, sha256, settings)


def _training_settings(settings: Any) -> dict[str, Any]:
    return {key: value for key, value in settings.model_dump(mode="json").items() if key not in _SAMPLING}


def _fingerprint(settings: Any, train_on: TrajectoryStore, options: Options) -> str:
    """What the weights depend on, hashed: the name of the folder of the states."""
    assert options.training is not None
    numbers = hashlib.sha256()
    for i in range(len(train_on)):
        numbers.update(train_on.series(i).tobytes())
    keys = {"data", "device", "founder_probability", "log_every", "threads"}
    return sha256_of_json(
        {
            "settings": _training_settings(settings),
            "seed": options.seed,
            "train": options.training.model_dump(mode="json", include=keys),
            "series": numbers.hexdigest(),
            "code": code_version([f"baselines.{NAME}"], _SOURCE),
            "versions": [chronos.__version__, transformers.__version__, torch.__version__],
            "processor": processor(),
        }
    )[:16]
