"""A log for TensorBoard is written beside the other, and changes nothing."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from panda.core.errors import PandaError, Paused
from panda.training import events
from tests.unit.training import tiny
from tests.unit.training.test_loop import StopAt, assert_same

needs_tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="needs tensorboard")


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return [(event.step, event.value) for event in found.Scalars(name)]


@needs_tensorboard
def test_the_rows_of_the_log_are_there_also_after_a_pause(store_path, tmp_path):
    torch.manual_seed(0)
    plain = tiny.run(store_path, tmp_path / "plain")
    folder = tmp_path / "events"
    with pytest.raises(Paused):
        tiny.run(store_path, tmp_path / "state", tensorboard=folder, pause=StopAt(13))
    logged = tiny.run(store_path, tmp_path / "state", tensorboard=folder)
    assert_same(logged, plain)
    for name in ("loss", "learning_rate", "gradient_norm"):
        rows = scalars(folder, f"train/{name}")
        assert [step for step, _ in rows] == [6, 12, 18, 20]
        assert [value for _, value in rows] == pytest.approx(plain[1][name].tolist(), rel=1e-6)


def test_without_its_package_nothing_is_trained(store_path, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "find_spec", lambda name: None)
    with pytest.raises(PandaError, match="the package 'tensorboard' is not installed; install it") as error:
        tiny.run(store_path, tmp_path / "state", tensorboard=tmp_path / "events")
    assert "\n" not in str(error.value) and not (tmp_path / "state").exists()
