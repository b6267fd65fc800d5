"""Models are saved, loaded and pushed by the ecosystem's names, and no less safely for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import panda
from panda.core.digest import sha256
from panda.core.errors import PandaError
from panda.own_data.model import Model
from tests.unit.own_data.test_backtest import Oracle

SERIES = np.sin(np.arange(80) / 5)


class Hub:
    """The Hub, as far as it is talked to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.files: dict[str, bytes] = {}

    def create_repo(self, repo_id: str, **options: Any) -> SimpleNamespace:
        self.calls.append(("create_repo", {"repo_id": repo_id, **options}))
        return SimpleNamespace(repo_id=repo_id if "/" in repo_id else f"me/{repo_id}")

    def create_branch(self, repo_id: str, **options: Any) -> None:
        self.calls.append(("create_branch", {"repo_id": repo_id, **options}))

    def upload_folder(self, *, folder_path: str, **options: Any) -> str:
        self.files = {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}
        self.calls.append(("upload_folder", options))
        return f"commit of {options['repo_id']}"


def test_a_model_that_is_saved_is_the_same_when_it_is_loaded(model: Model, tmp_path: Path):
    assert model.save_pretrained(tmp_path / "saved") is None
    assert {path.name for path in (tmp_path / "saved").iterdir()} == {
        "model.safetensors",
        "config.json",
        "README.md",
    }
    again = panda.Model.from_pretrained(tmp_path / "saved", device="cpu")
    np.testing.assert_array_equal(again.predict(SERIES, 20), model.predict(SERIES, 20))
    card = (tmp_path / "saved" / "README.md").read_text()
    assert sha256(tmp_path / "saved" / "model.safetensors") in card and "# tiny\n" in card


def test_a_card_that_is_there_stays_and_that_of_the_source_goes_along(model: Model, tmp_path: Path):
    (tmp_path / "README.md").write_text("mine")
    model.save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    again = panda.load(tmp_path, device="cpu")
    again.save_pretrained(tmp_path / "copy")
    assert (tmp_path / "copy" / "README.md").read_text() == "mine"
    shipped = panda.load("panda_analogue", device="cpu")
    shipped.save_pretrained(tmp_path / "shipped")
    assert "How it was trained" in (tmp_path / "shipped" / "README.md").read_text()


def test_pushing_uploads_three_files_in_one_commit(model: Model):
    hub = Hub()
    assert model.push_to_hub("me/mine", private=True, branch="dev", api=hub) == "commit of me/mine"
    assert set(hub.files) == {"model.safetensors", "config.json", "README.md"}
    assert hub.calls == [
        ("create_repo", {"repo_id": "me/mine", "private": True, "exist_ok": True}),
        ("create_branch", {"repo_id": "me/mine", "branch": "dev", "exist_ok": True}),
        (
            "upload_folder",
            {
                "repo_id": "me/mine",
                "commit_message": "Push a model of panda",
                "revision": "dev",
                "create_pr": None,
            },
        ),
    ]


def test_saving_may_push_under_the_folders_name(model: Model, tmp_path: Path):
    hub = Hub()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my card")
    (tmp_path / "mine" / "secret.csv").write_text("1")
    assert model.save_pretrained(tmp_path / "mine", push_to_hub=True, api=hub) == "commit of me/mine"
    assert hub.files["README.md"] == b"my card" and set(hub.files) == {
        "model.safetensors",
        "config.json",
        "README.md",
    }


def test_a_hub_id_is_as_safe_by_this_name(tmp_path: Path):
    with pytest.raises(PandaError, match="a Hub id needs a revision and the SHA-256"):
        panda.Model.from_pretrained("owner/name")
    with pytest.raises(PandaError, match="a Hub id needs a revision and the SHA-256"):
        panda.Model.from_pretrained("owner/name", revision="main")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(PandaError, match="never loaded"):
        panda.Model.from_pretrained(tmp_path)


def test_a_refusal_of_the_hub_is_one_line(model: Model):
    class Closed(Hub):
        def create_repo(self, repo_id: str, **options: Any) -> SimpleNamespace:
            raise OSError("401 Client Error\nwith a long tail")

    with pytest.raises(PandaError) as error:
        model.push_to_hub("me/mine", api=Closed())
    assert str(error.value) == (
        "me/mine: not pushed to the Hub (401 Client Error); check the name, the network, and the login (hf auth login)"
    )


def test_what_has_no_network_is_not_saved(tmp_path: Path):
    with pytest.raises(PandaError, match="oracle: a forecaster without a network"):
        Model(Oracle(SERIES), context_length=64, patch_length=8).save_pretrained(tmp_path)
