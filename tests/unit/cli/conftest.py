from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model with random weights."""
    import torch

    from panda.config import ModelShape
    from panda.model.panda import Panda
    from panda.model.weights import save_model
    from tests.unit.own_data.conftest import SHAPE

    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("models") / "tiny"
    save_model(Panda(ModelShape(**SHAPE), torch.Generator().manual_seed(3)), place)
    return place
