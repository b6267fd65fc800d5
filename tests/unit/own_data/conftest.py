from __future__ import annotations

from pathlib import Path

import pytest
import torch

import panda
from panda.config import ModelShape
from panda.model.panda import Panda
from panda.model.weights import save_model
from panda.own_data.model import Model
from tests.unit.model.conftest import TINY

# What a model of chance needs to say more than the mean of its context: then its forecasts can be told apart.
SHAPE = {**TINY, "context_length": 64, "patch_length": 8, "prediction_length": 16, "residual_on_last": True}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model with random weights, of contexts of 64, patches of 8."""
    place = tmp_path_factory.mktemp("models") / "tiny"
    save_model(Panda(ModelShape(**SHAPE), torch.Generator().manual_seed(3)), place)
    return place


@pytest.fixture(scope="session")
def of_analogues(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model that also takes copies of its context, and forecasts by the same door."""
    place = tmp_path_factory.mktemp("models") / "of_analogues"
    shape = ModelShape(**SHAPE, analogues=(4, 16))
    save_model(Panda(shape, torch.Generator().manual_seed(3)), place)
    return panda.load(place, device="cpu")


@pytest.fixture(scope="session")
def model(folder: Path) -> Model:
    """It, as a user has it."""
    return panda.load(folder, device="cpu")
