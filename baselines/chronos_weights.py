"""Chronos of chronos-forecasting: from scratch, from published weights, and in and out of our own folders."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import chronos.chronos as package  # pyright: ignore[reportMissingImports]
import torch
import transformers  # pyright: ignore[reportMissingImports]
from chronos import ChronosConfig, ChronosPipeline  # pyright: ignore[reportMissingImports]
from chronos.chronos import ChronosModel  # pyright: ignore[reportMissingImports]
from safetensors.torch import save
from torch import Tensor

from baselines.quiet import quiet
from panda.core.digest import sha256_of_bytes
from panda.core.errors import PandaError
from panda.core.files import atomic_path, read_json, read_whole, write_json

WEIGHTS, CONFIG, RECORD = "model.safetensors", "config.json", "fit"
# Of Chronos' vocabulary: the first two tokens are none of the bins.
_N_SPECIAL, _PAD, _END = 2, 0, 1


@contextmanager
def silent() -> Iterator[None]:
    """No progress bars and no advice from transformers and chronos, one that a horizon is long among it."""
    logger = logging.getLogger(package.__file__)
    level, bars = logger.level, transformers.utils.logging.is_progress_bar_enabled()
    verbosity = transformers.utils.logging.get_verbosity()
    logger.setLevel(logging.ERROR)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        with quiet():
            yield
    finally:
        logger.setLevel(level)
        transformers.utils.logging.set_verbosity(verbosity)
        if bars:
            transformers.utils.logging.enable_progress_bar()


def from_scratch(settings: Any, *, seed: int) -> ChronosPipeline:
    """A T5 of the sizes in `settings`, its weights drawn from `seed`, with a tokenizer of uniform bins.

    Input and output embeddings are one matrix. Layers are those of the published models (ReLU, relative positions).
    """
    chronos_config = ChronosConfig(
        tokenizer_class="MeanScaleUniformBins",
        tokenizer_kwargs={"low_limit": -settings.token_limit, "high_limit": settings.token_limit},
        context_length=settings.context_length,
        prediction_length=settings.prediction_length,
        n_tokens=settings.n_tokens,
        n_special_tokens=_N_SPECIAL,
        pad_token_id=_PAD,
        eos_token_id=_END,
        use_eos_token=True,
        model_type="seq2seq",
        num_samples=settings.n_samples,
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
    )
    shape = transformers.T5Config(
        vocab_size=settings.n_tokens,
        d_model=settings.d_model,
        d_kv=settings.d_kv,
        d_ff=settings.d_ff,
        num_layers=settings.n_layers,
        num_decoder_layers=settings.n_layers,
        num_heads=settings.n_heads,
        dropout_rate=settings.dropout,
        initializer_factor=settings.initializer_factor,
        feed_forward_proj="relu",
        tie_word_embeddings=True,
        pad_token_id=_PAD,
        eos_token_id=_END,
        decoder_start_token_id=_PAD,
    )
    with silent(), torch.random.fork_rng():
        # T5 draws from the global stream.
        torch.manual_seed(seed)
        return pipeline(chronos_config, transformers.T5ForConditionalGeneration(shape))


def from_published(folder: Path, sha256: str, settings: Any) -> ChronosPipeline:
    """What others published, with the context, the horizon and the sampling of `settings` in the place of its own.

    Raises:
        PandaError: as `load`.
    """
    found = load(folder, sha256)
    config = replace(
        found.model.config,
        context_length=settings.context_length,
        prediction_length=settings.prediction_length,
        num_samples=settings.n_samples,
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
    )
    return pipeline(config, found.model.model)


def pipeline(config: ChronosConfig, model: transformers.PreTrainedModel) -> ChronosPipeline:
    """Tokenizer and model, ready to forecast."""
    return ChronosPipeline(
        tokenizer=config.create_tokenizer(), model=ChronosModel(config=config, model=model)
    )


def load(folder: Path, sha256: str) -> ChronosPipeline:
    """A Chronos in float32 from `config.json` and `model.safetensors` of a folder.

    Raises:
        PandaError: the weights are not there or have another SHA-256, or chronos cannot make a model of the folder.
    """
    path = folder / WEIGHTS
    if sha256_of_bytes(read_whole(path)) != sha256:
        raise PandaError(f"{path}: not the weights that are asked for (its SHA-256 is not {sha256[:12]}...)")
    try:
        with silent():
            return ChronosPipeline.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, dtype=torch.float32
            )
    except Exception as error:
        # Whatever chronos, transformers and safetensors raise of a foreign file.
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise PandaError(f"{folder}: no Chronos of the type T5 ({what})") from error


def store(folder: Path, made: ChronosPipeline, record: dict[str, Any]) -> None:
    """Write weights and configuration as chronos reads them, with `record` and the weights' SHA-256 under `fit`."""
    folder.mkdir(parents=True, exist_ok=True)
    content = save(tensors_of(made.model.model), metadata={"format": "pt"})
    with atomic_path(folder / WEIGHTS) as temporary:
        temporary.write_bytes(content)
    shape = json.loads(made.model.model.config.to_json_string(use_diff=False))
    shape |= {"architectures": [type(made.model.model).__name__], "chronos_config": asdict(made.model.config)}
    write_json(folder / CONFIG, shape | {RECORD: record | {"sha256": sha256_of_bytes(content)}})


def record_of(folder: Path) -> dict[str, Any]:
    """What `store` was told of a training.

    Raises:
        PandaError: it is not there or damaged.
    """
    found = read_json(folder / CONFIG)
    record = found.get(RECORD) if isinstance(found, dict) else None
    if not isinstance(record, dict) or not isinstance(record.get("sha256"), str):
        raise PandaError(f"{folder / CONFIG}: says nothing of a training; train it again")
    return record


def tensors_of(model: torch.nn.Module) -> dict[str, Tensor]:
    """Weights by name, each once: T5's embeddings are one matrix under several names."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.named_parameters()}


def take_up(model: torch.nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy weights into a model that has the same.

    Raises:
        PandaError: it has others.
    """
    own = dict(model.named_parameters())
    if {name: value.shape for name, value in own.items()} != {
        name: value.shape for name, value in tensors.items()
    }:
        raise PandaError("the saved state of chronos_sft is of another model; remove it, and train it anew")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(tensors[name])
