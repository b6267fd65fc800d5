"""Weights in and out: safetensors with a config.json, from a folder or from the Hub, never pickle."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as as_safetensors
from torch import Tensor

from panda.config import ModelShape
from panda.core.digest import sha256 as sha256_of_file
from panda.core.digest import sha256_of_bytes, sha256_of_json
from panda.core.errors import PandaError
from panda.core.files import atomic_path, read_json, write_json
from panda.model.panda import Panda
from panda.model.reference import from_reference, is_reference, reference_shape

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
_FORMAT = "panda"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def save_model(model: Panda, folder: str | Path) -> str:
    """Write `model.safetensors`, then `config.json` (shape, SHA-256 of both); return the weights' SHA-256.

    The index sets and frequencies of the dynamics embedding are among the weights. The config is written
    last and names the hash, so that a save cut short between the two is noticed when it is loaded.
    """
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    content = as_safetensors(tensors, metadata={"format": "pt"})
    with atomic_path(folder / WEIGHTS) as temporary:
        temporary.write_bytes(content)
    digest = sha256_of_bytes(content)
    shape = model.shape.model_dump(mode="json")
    config = {"format": _FORMAT, "sha256": digest, "shape": shape, "shape_sha256": sha256_of_json(shape)}
    write_json(folder / CONFIG, config)
    return digest


def load_model(
    source: str | Path,
    *,
    revision: str | None = None,
    sha256: str | None = None,
    init_seed: int | None = None,
) -> Panda:
    """A model, in evaluation mode on the CPU, from a folder or a Hub id.

    Both our own format and checkpoints of the reference code are read. The latter lack the polynomial index
    sets, which are drawn anew from `init_seed` (or, where it is None, from the seeds that
    `panda.model.reference` lists) and proven by the frozen frequencies, bit for bit.

    Args:
        source: a folder with `config.json` and `model.safetensors`, or a Hub id such as `owner/name`.
        revision: commit, tag or branch; needed for a Hub id.
        sha256: of `model.safetensors`, in hex; needed for a Hub id, checked for a folder where given.
        init_seed: the seed set before a checkpoint of the reference was built, where it is known.

    Raises:
        PandaError: nothing there, only pickled weights, a damaged or foreign file, a wrong hash, a tensor
            missing, left over, of the wrong shape or not finite, index sets that cannot be recovered, or
            the Hub out of reach.
    """
    folder = _folder(source, revision=revision, sha256=sha256)
    config = read_json(folder / CONFIG)
    if not isinstance(config, dict):
        raise PandaError(f"{folder / CONFIG}: not a model's config; it holds no table of keys")
    state = read_weights(folder / WEIGHTS, sha256=sha256)
    if is_reference(config):
        shape = _validated(folder / CONFIG, lambda: reference_shape(config, state))
        state = from_reference(state, shape, init_seed=init_seed, where=str(folder / WEIGHTS))
    elif config.get("format") == _FORMAT:
        shape = _validated(
            folder / CONFIG, lambda: ModelShape.model_validate_json(json.dumps(config["shape"]))
        )
        _check_own(folder, config)
    else:
        raise PandaError(f"{folder / CONFIG}: neither this project's model nor one of the reference code's")
    return model_from_state(shape, state, where=str(folder / WEIGHTS))


def model_from_state(shape: ModelShape, state: Mapping[str, Tensor], *, where: str) -> Panda:
    """A model in evaluation mode with copies of the given tensors, once they fit its shape.

    Raises:
        PandaError: as in `load_model`; `where` names the file in the message.
    """
    model = Panda(shape, None)
    wanted = model.state_dict()
    check_tensors(state, wanted, where=where)
    if shape.embedding == "dynamics":
        for degree in shape.poly_degrees:
            name = f"encoder.embedding.monomials_{degree}"
            if ((state[name] < 0) | (state[name] >= shape.patch_length)).any():
                raise PandaError(
                    f"{where}: tensor {name} points outside the patch of {shape.patch_length} steps"
                )
    # Copied, not mapped: bits may depend on how memory is aligned, and a mapped file may change. Not by `to_empty`, which
    # imports sympy for tensors of the meta device, and takes a third of a second for it.
    copies = {name: state[name].to(like.dtype, copy=True) for name, like in wanted.items()}
    model.load_state_dict(copies, assign=True)
    return model.eval()


def check_tensors(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], *, where: str) -> None:
    """Hold the tensors of a file against those a model has.

    Raises:
        PandaError: a tensor is missing, left over, of another shape or type, or not finite.
    """
    missing, extra = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing:
        raise PandaError(
            f"{where}: tensor {missing[0]} is missing{_more(missing)}; the file is of another model"
        )
    if extra:
        raise PandaError(
            f"{where}: tensor {extra[0]} is unknown to this shape{_more(extra)}; see config.json"
        )
    for name, like in wanted.items():
        tensor = state[name]
        if tensor.shape != like.shape:
            raise PandaError(
                f"{where}: tensor {name} is {tuple(tensor.shape)}, config.json asks for {tuple(like.shape)}"
            )
        if tensor.is_floating_point() != like.is_floating_point():
            raise PandaError(f"{where}: tensor {name} holds {tensor.dtype}, and {like.dtype} is needed")
        if not torch.isfinite(tensor).all():
            raise PandaError(
                f"{where}: tensor {name} holds values that are not finite; the training diverged"
            )


def read_weights(path: str | Path, *, sha256: str | None) -> dict[str, Tensor]:
    """The tensors of a safetensors file, in fresh memory.

    Raises:
        PandaError: the file is missing, damaged, or has another SHA-256 than given.
    """
    path = Path(path)
    if not path.is_file():
        pickled = sorted(p.name for p in path.parent.glob("*") if p.suffix in _PICKLES)
        if pickled:
            _refuse_pickle(path.parent / pickled[0])
        raise PandaError(f"{path}: no such file; a model's folder holds {CONFIG} and {WEIGHTS}")
    _check_digest(path, sha256, "hash that was asked for")
    try:
        return parse_safetensors(path.read_bytes())
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        line = str(error).splitlines()[0]
        raise PandaError(
            f"{path}: truncated or damaged, no safetensors file ({line}); fetch it again"
        ) from error


def fetch_model(repo_id: str, *, revision: str, sha256: str) -> Path:
    """Download config and weights from the Hub into its cache, or find them there; return their folder.

    Raises:
        PandaError: the Hub is out of reach and the cache lacks the files, there is no such repository,
            revision or file, or the weights have another SHA-256.
    """
    from huggingface_hub import errors as hub
    from huggingface_hub import hf_hub_download

    place = f"{repo_id} at revision {revision} on the Hub"
    try:
        hf_hub_download(repo_id, CONFIG, revision=revision)
        path = Path(hf_hub_download(repo_id, WEIGHTS, revision=revision))
    except hub.GatedRepoError as error:
        raise PandaError(
            f"{place}: access needs a login that was granted it; `hf auth login` first"
        ) from error
    except (hub.RepositoryNotFoundError, hub.RevisionNotFoundError) as error:
        raise PandaError(
            f"{place}: no such repository or revision, or it is private; check both names"
        ) from error
    except hub.LocalEntryNotFoundError as error:
        raise PandaError(
            f"{place}: out of reach, and not in the local cache; go online once, or give a local folder"
        ) from error
    except hub.EntryNotFoundError as error:
        raise PandaError(f"{place}: lacks {CONFIG} or {WEIGHTS}; pickled weights are never loaded") from error
    except hub.HFValidationError as error:
        raise PandaError(f"{repo_id!r} is no Hub id; it looks like owner/name") from error
    # Whatever the transport raises, of whichever HTTP library it is built on this year.
    except Exception as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PandaError(f"{place}: out of reach ({line}); go online, or give a local folder") from error
    _check_digest(path, sha256, "hash that was asked for")
    return path.parent


def _folder(source: str | Path, *, revision: str | None, sha256: str | None) -> Path:
    path = Path(source)
    if path.suffix in _PICKLES and not path.is_dir():
        _refuse_pickle(path)
    if path.is_dir():
        return path
    if path.is_file():
        raise PandaError(f"{path}: a file; give the folder that holds {CONFIG} and {WEIGHTS}")
    if not _HUB_ID.fullmatch(str(source)):
        raise PandaError(f"{source}: no such folder, and no Hub id (owner/name) either")
    if revision is None or sha256 is None:
        raise PandaError(
            f"{source}: no such folder; a Hub id needs a revision and the SHA-256 of {WEIGHTS} "
            "(the Hub shows both), so that it is the same model tomorrow"
        )
    return fetch_model(str(source), revision=revision, sha256=sha256)


def _refuse_pickle(path: Path) -> None:
    raise PandaError(
        f"{path}: pickled weights can run code and are never loaded; convert them to safetensors"
    )


def _check_digest(path: Path, sha256: str | None, origin: str) -> None:
    if sha256 is None:
        return
    found = sha256_of_file(path)
    if found != sha256.lower():
        raise PandaError(
            f"{path}: its SHA-256 is {found[:12]}..., the {origin} {sha256[:12]}...; "
            "damaged or another file, fetch it again"
        )


def _check_own(folder: Path, config: Mapping[str, Any]) -> None:
    """Hold shape and weights against the digests in the config, which a model of ours always has."""
    where = folder / CONFIG
    if config.get("shape_sha256") != sha256_of_json(config["shape"]):
        raise PandaError(f"{where}: damaged (its shape does not match its digest); fetch or train it again")
    if not isinstance(config.get("sha256"), str):
        raise PandaError(f"{where}: damaged (no SHA-256 of {WEIGHTS} in it); fetch or train it again")
    _check_digest(folder / WEIGHTS, config["sha256"], f"{CONFIG} beside it")


def _validated(path: Path, make: Any) -> ModelShape:
    try:
        return make()
    except KeyError as error:
        raise PandaError(f"{path}: lacks the key {error.args[0]!r}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "shape"
        raise PandaError(f"{path}: {key}: {first['msg']}") from error


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
