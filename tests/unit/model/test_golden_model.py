"""Our model beside the reference implementation's outputs, and beside our own frozen ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from panda.core.errors import PandaError
from panda.model.panda import Panda, rollout
from panda.model.reference import to_reference
from panda.model.weights import load_model
from panda.training.objectives import completion_loss


def reference_folder(golden: Path, name: str, folder: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    """A checkpoint as the reference saves it (without index sets), and the inputs and outputs beside it."""
    tensors = load_file(golden / f"{name}.safetensors")
    stored = {key: tensor for key, tensor in tensors.items() if not key.startswith(("io.", "aux."))}
    save_file(stored, folder / "model.safetensors")
    (folder / "config.json").write_text((golden / f"{name}.json").read_text())
    return folder, {key: tensor for key, tensor in tensors.items() if key not in stored}


def assert_close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


@pytest.fixture
def forecaster(golden: Path, tmp_path: Path) -> tuple[Panda, dict[str, torch.Tensor]]:
    folder, io = reference_folder(golden, "forecast_tiny", tmp_path)
    seed = json.loads((folder / "config.json").read_text())["init_seed"]
    return load_model(folder, init_seed=seed), io


@torch.no_grad()
def test_forecasts_equal_the_references(forecaster: tuple[Panda, dict[str, torch.Tensor]]) -> None:
    model, io = forecaster
    assert_close(model(io["io.context"]), io["io.prediction"])
    assert_close(model(io["io.context_ragged"]), io["io.prediction_ragged"])


@pytest.mark.parametrize("kind", ["sliding", "growing"])
def test_rollouts_equal_the_references(forecaster: tuple[Panda, dict[str, torch.Tensor]], kind: str) -> None:
    model, io = forecaster
    wanted = io[f"io.rollout_{kind}"]
    ours = rollout(model, io["io.context"], wanted.shape[1], sliding=kind == "sliding")
    assert_close(ours, wanted)


def test_index_sets_come_back_from_the_seed(forecaster: tuple[Panda, dict[str, torch.Tensor]]) -> None:
    model, io = forecaster
    assert torch.equal(model.encoder.embedding.monomials_2, io["aux.patch_indices.0"])
    assert torch.equal(model.encoder.embedding.monomials_3, io["aux.patch_indices.1"])


def test_index_sets_come_back_by_search(golden: Path, tmp_path: Path) -> None:
    folder, io = reference_folder(golden, "forecast_tiny", tmp_path)
    assert torch.equal(load_model(folder).encoder.embedding.monomials_3, io["aux.patch_indices.1"])


def test_a_wrong_seed_is_refused(golden: Path, tmp_path: Path) -> None:
    folder, _ = reference_folder(golden, "forecast_tiny", tmp_path)
    with pytest.raises(PandaError, match="index sets"):
        load_model(folder, init_seed=12345)


@torch.no_grad()
def test_completions_and_loss_equal_the_references(golden: Path, tmp_path: Path) -> None:
    folder, io = reference_folder(golden, "mlm_tiny", tmp_path)
    out = load_model(folder).complete(io["io.context"], io["io.mask"].bool())
    assert_close(out.completed, io["io.completions"])
    assert_close(out.patches, io["io.patched_past_values"])
    assert_close(out.loc, io["io.loc"])
    assert_close(out.scale, io["io.scale"])
    assert_close(completion_loss(out)[None], io["io.loss"])


@pytest.mark.parametrize("name", ["forecast_tiny", "mlm_tiny"])
def test_names_convert_both_ways(golden: Path, tmp_path: Path, name: str) -> None:
    folder, _ = reference_folder(golden, name, tmp_path)
    model = load_model(folder)
    stored, back = load_file(folder / "model.safetensors"), to_reference(model.state_dict(), model.shape)
    assert stored.keys() == back.keys()
    assert all(torch.equal(stored[key], back[key]) for key in stored)
