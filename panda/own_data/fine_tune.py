"""What `panda train fine-tune` does: a model goes on learning on a user's series, and its end says whether it helped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from panda.config import Recipe
from panda.config.own_data import FineTune
from panda.core.checkout import SOURCE
from panda.core.code_version import code_version
from panda.core.digest import sha256
from panda.core.errors import PandaError
from panda.core.files import check_writable, write_table, write_text
from panda.core.progress import Progress
from panda.core.provenance import hash_of, processor, provenance, versions
from panda.data.windows import TrainingWindows
from panda.model.weights import CONFIG, WEIGHTS, save_model
from panda.own_data.held_out import Cut, HeldOut, cut, learning_store, score_held_out
from panda.own_data.load import Found, as_model, find_network
from panda.own_data.read import read_file
from panda.own_data.regular import Fill, regular
from panda.own_data.series import series_of
from panda.own_data.tuned_card import tuned_card
from panda.training.hardware import Machine, choose_device
from panda.training.loop import Saving, Trained, train, window_length
from panda.training.pause import PauseWatch

# Time for a step and a saved state before a batch job's limit.
_PAUSE_MARGIN_S = 120.0
_STATE = ".training"
# Of the settings: they change no weight.
_WITHOUT_EFFECT = ("horizon", "max_windows", "checkpoint_every", "tensorboard")
_CODE = ("panda.training.loop", "panda.own_data.held_out", "panda.own_data.read")


@dataclass(frozen=True)
class Wanted:
    """The arguments of the command, under their names there."""

    files: tuple[Path, ...]
    output: Path
    settings: FineTune
    model: str | None = None
    revision: str | None = None
    sha256: str | None = None
    time: str | None = None
    columns: tuple[str, ...] | None = None
    fill: Fill | None = None


def fine_tune(wanted: Wanted) -> HeldOut:
    """Fine-tune, test, and write the model's folder: weights, shape, card, log and scores of the held-out part.

    A run that was interrupted goes on from its last saved state, which stands in the folder until the model does.

    Raises:
        PandaError: the folder holds a model; a file is not as it must be, or too short; there is no such model; as
            `panda.training.loop.train`.
        Paused: a signal asked for it; the state is saved.
    """
    output, settings = wanted.output, wanted.settings
    _check_output(output)
    device = choose_device(settings.device).type
    frames = [(path, *read_file(path)) for path in wanted.files]
    series = [series_of(frame, rows, time=wanted.time, columns=wanted.columns) for _, frame, rows in frames]
    found = find_network(wanted.model, revision=wanted.revision, sha256=wanted.sha256)
    base = as_model(found, device=device)
    shape = found.network.shape
    recipe = Recipe(
        **settings.recipe.model_dump(), pooling=shape.pooling, residual_on_last=shape.residual_on_last
    )
    window = window_length(shape, recipe)
    cuts = []
    for one in series:
        base.check(one)
        whole = regular(one, sys.maxsize, fill=wanted.fill)
        cuts.append(cut(whole, settings.held_out, window=window, horizon=settings.horizon, name=base.name))
    files = [{"file": path.name, "sha256": sha256(path)} for path in wanted.files]
    section = {
        "inputs": files,
        "model": found.source,
        "read": {"time": wanted.time, "columns": wanted.columns, "fill": wanted.fill},
        "settings": settings.model_dump(mode="json"),
    }
    outputs = [output / name for name in (WEIGHTS, CONFIG, "README.md", "log.parquet", "held_out.parquet")]
    version = code_version(_CODE, SOURCE)
    with provenance(outputs, inputs=[], section=section, seed=settings.seed, code=version):
        trained = _train(found, recipe, cuts, settings, output / _STATE, _fingerprint(section, version))
        name = output.resolve().name
        tuned = as_model(Found(trained.model, name, {}), device=device)
        test = score_held_out(tuned, base, cuts, horizon=settings.horizon, most=settings.max_windows)
        write_table(trained.log, outputs[3])
        write_table(test.table, outputs[4])
        card = tuned_card(name, source=found.source, files=files, cuts=cuts, settings=settings, test=test)
        write_text(outputs[2], card)
        # Last: a folder with a config.json holds a whole model.
        save_model(trained.model, output)
    shutil.rmtree(output / _STATE, ignore_errors=True)
    return test


def _train(
    found: Found, recipe: Recipe, cuts: Sequence[Cut], settings: FineTune, state: Path, fingerprint: str
) -> Trained:
    shape = found.network.shape
    # Windows of a series with fewer channels would show one of them twice.
    n_channels = min(settings.data.n_channels, *(one.values.shape[1] for one in cuts))
    windows = TrainingWindows(
        learning_store(cuts),
        settings.data.model_copy(update={"n_channels": n_channels}),
        window_length=window_length(shape, recipe),
        batch_size=settings.batch_size,
        founder_probability=None,
        seed=settings.seed,
    )
    with (
        PauseWatch(margin_s=_PAUSE_MARGIN_S) as pause,
        Progress(settings.n_steps, f"fine-tune {found.name}", "steps") as progress,
    ):
        return train(
            shape,
            recipe,
            windows,
            encoder=None,
            start=found.network,
            n_steps=settings.n_steps,
            seed=settings.seed,
            machine=Machine(settings.device, _threads(settings), settings.precision, settings.compile),
            saving=Saving(
                state,
                fingerprint,
                settings.checkpoint_every,
                settings.log_every,
                tensorboard=state.parent / "tensorboard" if settings.tensorboard else None,
            ),
            pause=pause,
            progress=progress,
        )


def _threads(settings: FineTune) -> int:
    return torch.get_num_threads() if settings.threads is None else settings.threads


def _fingerprint(section: Mapping[str, Any], code: str) -> str:
    """What the weights depend on, hashed: the name of the training state's folder."""
    settings = {key: value for key, value in section["settings"].items() if key not in _WITHOUT_EFFECT}
    where = {"torch": versions().get("torch"), "processor": processor(), "threads": torch.get_num_threads()}
    return hash_of({**section, "settings": settings, "code": code, **where})


def _check_output(output: Path) -> None:
    """Refuse a folder that holds a model or others' files, or that cannot be written to.

    Raises:
        PandaError: it is one.
    """
    if (output / CONFIG).exists():
        raise PandaError(f"{output}: holds a model; choose another --output, or remove the folder first")
    if output.exists() and not output.is_dir():
        raise PandaError(f"{output}: a file; give --output the name of a folder")
    if output.exists() and any(output.iterdir()) and not (output / _STATE).exists():
        raise PandaError(f"{output}: holds other files; give --output a new or an empty folder")
    check_writable(output / CONFIG)
