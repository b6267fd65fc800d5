from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from panda.config import ModelShape
from panda.core.errors import PandaError
from panda.model.panda import Panda
from panda.model.reference import to_reference
from panda.model.weights import CONFIG, WEIGHTS, load_model, save_model

Build = Callable[..., Panda]

_FORECAST_ELSEWHERE = """
import hashlib, sys, torch
from panda.model.weights import load_model
torch.set_num_threads(1)
context = torch.randn(3, 100, 4, generator=torch.Generator().manual_seed(7)).cumsum(1)
with torch.no_grad():
    prediction = load_model(sys.argv[1])(context)
print(hashlib.sha256(prediction.numpy().tobytes()).hexdigest())
"""


def test_a_fresh_process_forecasts_the_same_bits(build: Build, tmp_path: Path) -> None:
    model = build()
    save_model(model, tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", _FORECAST_ELSEWHERE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    context = torch.randn(3, 100, 4, generator=torch.Generator().manual_seed(7)).cumsum(1)
    with torch.no_grad():
        ours = hashlib.sha256(model(context).numpy().tobytes()).hexdigest()
    assert run.stdout.strip() == ours


@pytest.mark.parametrize("changes", [{}, {"head": "mlm", "embedding": "linear"}, {"pooling": "flatten"}])
def test_what_was_saved_comes_back(build: Build, tmp_path: Path, changes: dict[str, Any]) -> None:
    model = build(**changes)
    digest = save_model(model, tmp_path)
    loaded = load_model(tmp_path, sha256=digest)
    assert loaded.shape == model.shape
    assert not loaded.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert hashlib.sha256((tmp_path / WEIGHTS).read_bytes()).hexdigest() == digest


def damage(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the stored tensors, and let the config vouch for the new file."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)
    config = json.loads((folder / CONFIG).read_text())
    config["sha256"] = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    (folder / CONFIG).write_text(json.dumps(config))


FIRST = "encoder.layers.0.ffn_in.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(FIRST), f"tensor {FIRST} is missing"),
        (lambda t: t.update(stray=torch.zeros(1)), "tensor stray is unknown"),
        (lambda t: t.update({FIRST: torch.zeros(3, 3)}), rf"tensor {FIRST} is \(3, 3\)"),
        (lambda t: t[FIRST].fill_(float("nan")), f"tensor {FIRST} holds values that are not finite"),
        (lambda t: t["encoder.embedding.monomials_2"].fill_(8), "monomials_2 points outside"),
        (
            lambda t: t.update({FIRST: torch.zeros(24, 32, dtype=torch.int64)}),
            f"tensor {FIRST} holds torch.int64",
        ),
    ],
)
def test_a_damaged_tensor_is_named(
    build: Build, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object], message: str
) -> None:
    save_model(build(), tmp_path)
    damage(tmp_path, change)
    with pytest.raises(PandaError, match=message) as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)
    assert WEIGHTS in str(caught.value)


@pytest.mark.parametrize("cut", [0, 5, 100, 5000])
def test_a_truncated_file_is_refused(build: Build, tmp_path: Path, cut: int) -> None:
    save_model(build(), tmp_path)
    path = tmp_path / WEIGHTS
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(PandaError, match="truncated or damaged") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_one_flipped_bit_is_noticed(build: Build, tmp_path: Path) -> None:
    save_model(build(), tmp_path)
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    content[-9] ^= 1
    (tmp_path / WEIGHTS).write_bytes(bytes(content))
    with pytest.raises(PandaError, match="SHA-256"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": None}, r"config\.json: damaged \(no SHA-256"),
        ({"sha256": ""}, "SHA-256"),
        ({"shape_sha256": None}, r"config\.json: damaged \(its shape"),
        ({"shape": {"rope_fraction": 0.5}}, r"config\.json: damaged \(its shape"),
    ],
)
def test_a_config_without_its_digests_is_refused(
    build: Build, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    save_model(build(), tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    shape = {**config["shape"], **change.get("shape", {})}
    (tmp_path / CONFIG).write_text(json.dumps({**config, **change, "shape": shape}))
    with pytest.raises(PandaError, match=message):
        load_model(tmp_path)


def test_weights_have_the_permissions_of_other_files(build: Build, tmp_path: Path) -> None:
    save_model(build(), tmp_path)
    (tmp_path / "other").touch()
    assert (tmp_path / WEIGHTS).stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON file"),
        ("[]", "no table of keys"),
        ("{}", "neither this project's model"),
        ('{"format": "panda"}', "lacks the key 'shape'"),
        ('{"format": "panda", "shape": {"d_model": 0}}', CONFIG),
        ('{"use_dynamics_embedding": true, "patch_stride": 16}', "lacks the key 'patch_length'"),
    ],
)
def test_a_bad_config_is_named(build: Build, tmp_path: Path, text: str, message: str) -> None:
    save_model(build(), tmp_path)
    (tmp_path / CONFIG).write_text(text)
    with pytest.raises(PandaError, match=message) as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_pickles_are_refused_unread(build: Build, tmp_path: Path) -> None:
    save_model(build(), tmp_path)
    (tmp_path / WEIGHTS).unlink()
    pickled = tmp_path / "pytorch_model.bin"
    pickled.write_bytes(b"\x80\x04not read")
    for source in (tmp_path, pickled):
        with pytest.raises(PandaError, match=r"pytorch_model.bin: pickled weights"):
            load_model(source)


def test_sources_that_are_none(build: Build, tmp_path: Path) -> None:
    save_model(build(), tmp_path)
    with pytest.raises(PandaError, match="give the folder"):
        load_model(tmp_path / WEIGHTS)
    with pytest.raises(PandaError, match="no such folder, and no Hub id"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(PandaError, match="needs a revision and the SHA-256"):
        load_model("someone/some-model", revision="main")


def test_the_hub_out_of_reach_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PandaError, match=r"someone/some-model at revision main.*out of reach") as caught:
        load_model("someone/some-model", revision="main", sha256="0" * 64)
    assert "\n" not in str(caught.value)


def test_the_hub_cache_serves_and_the_hash_is_checked(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "a" * 40
    snapshot = tmp_path / "models--someone--some-model" / "snapshots" / commit
    digest = save_model(build(), snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    assert load_model("someone/some-model", revision=commit, sha256=digest).shape == build().shape
    with pytest.raises(PandaError, match="hash that was asked for"):
        load_model("someone/some-model", revision=commit, sha256="0" * 64)


def test_a_model_goes_out_and_comes_back_under_the_references_names(
    build: Build, tmp_path: Path, series: Callable[..., torch.Tensor]
) -> None:
    model = build(seed=31)
    save_file(to_reference(model.state_dict(), model.shape), tmp_path / WEIGHTS)
    config = reference_config(model.shape)
    (tmp_path / CONFIG).write_text(json.dumps(config))
    context = series(2, 64, 3)
    # The seed is not given: the search finds it.
    assert torch.equal(load_model(tmp_path)(context), model(context))
    (tmp_path / CONFIG).write_text(json.dumps({**config, "patch_stride": 4}))
    with pytest.raises(PandaError, match="patch_stride"):
        load_model(tmp_path)
    with pytest.raises(PandaError, match="flattened head"):
        to_reference(build(pooling="flatten").state_dict(), build(pooling="flatten").shape)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("init_seed", [31, None])
def test_a_checkpoint_of_the_reference_in_another_precision_is_loaded(
    build: Build,
    tmp_path: Path,
    series: Callable[..., torch.Tensor],
    kind: torch.dtype,
    init_seed: int | None,
) -> None:
    model = build(seed=31)
    state = to_reference(model.state_dict(), model.shape)
    save_file({name: tensor.to(kind) for name, tensor in state.items()}, tmp_path / WEIGHTS)
    (tmp_path / CONFIG).write_text(json.dumps(reference_config(model.shape)))
    loaded, context = load_model(tmp_path, init_seed=init_seed), series(2, 64, 3)
    for name, tensor in model.state_dict().items():
        stored = tensor.to(kind).to(tensor.dtype) if tensor.is_floating_point() else tensor
        assert torch.equal(loaded.state_dict()[name], stored), name
    assert loaded(context).dtype == torch.float32
    with pytest.raises(PandaError, match=rf"seed 32 draws other freq_weights \(stored as {kind}\)"):
        load_model(tmp_path, init_seed=32)


def reference_config(shape: ModelShape) -> dict[str, Any]:
    """The config.json of the reference code for a shape of ours."""
    return {
        "context_length": shape.context_length,
        "prediction_length": shape.prediction_length,
        "patch_length": shape.patch_length,
        "patch_stride": shape.patch_length,
        "num_hidden_layers": shape.n_layers,
        "d_model": shape.d_model,
        "num_attention_heads": shape.n_heads,
        "ffn_dim": shape.ffn_dim,
        "channel_attention": True,
        "channel_rope": False,
        "max_wavelength": 500,
        "rope_percent": 0.75,
        "norm_eps": 1e-5,
        "use_dynamics_embedding": True,
        "poly_degrees": 2,
        "num_poly_feats": shape.n_poly_features,
        "num_rff": shape.n_fourier_features,
        "rff_scale": 1.0,
        "pooling_type": "mean",
    }
