"""Weights kept on the way of a training, for its learning curve."""

from __future__ import annotations

import logging
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from panda.core.digest import sha256_of_bytes
from panda.core.errors import PandaError
from panda.core.files import atomic_path
from panda.model.panda import Panda
from panda.model.weights import model_from_state, read_weights

_log = logging.getLogger(__name__)


def snapshot_steps(n_steps: int, n_snapshots: int) -> set[int]:
    """The steps after which weights are kept: `n_steps`, half of it, a quarter, and so on (rounded, at least 1)."""
    return {max(1, round(n_steps / 2**power)) for power in range(n_snapshots)}


class Snapshots:
    """The weights kept by one training, `<folder>/snapshot-<step>.safetensors` each, with their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.digests: dict[int, str] = {}

    def keep(self, step: int, model: Panda) -> None:
        """Write the weights after `step` steps.

        Raises:
            PandaError: the disk is full.
        """
        content = save(
            {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        )
        with atomic_path(self._path(step)) as temporary:
            temporary.write_bytes(content)
        self.digests[step] = sha256_of_bytes(content)

    def state(self) -> dict[str, str]:
        """What a resumed run needs, as JSON."""
        return {str(step): digest for step, digest in self.digests.items()}

    def load_state(self, state: dict[str, str]) -> None:
        """Take up a saved state."""
        self.digests = {int(step): digest for step, digest in state.items()}

    def tensors(self) -> dict[str, Tensor]:
        """All weights, named `<step>/<tensor>`; a damaged file is left out with one line of warning."""
        found: dict[str, Tensor] = {}
        for step, digest in sorted(self.digests.items()):
            path = self._path(step)
            try:
                content = path.read_bytes()
                if sha256_of_bytes(content) != digest:
                    raise PandaError(f"{path}: damaged (its checksum does not match)")
                found |= {f"{step}/{name}": tensor for name, tensor in load(content).items()}
            except (OSError, SafetensorError, PandaError) as error:
                _log.warning("%s; the learning curve goes without it", error)
        return found

    def _path(self, step: int) -> Path:
        return self._folder / f"snapshot-{step:09d}.safetensors"


def write_snapshots(tensors: dict[str, Tensor], path: str | Path) -> None:
    """Write what `Snapshots.tensors` gave to one file."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def read_snapshots(path: str | Path, model: Panda) -> dict[int, Panda]:
    """Models like `model`, by the steps that they were trained for.

    Raises:
        PandaError: the file is missing or damaged, or of a model of another shape.
    """
    by_step: dict[int, dict[str, Tensor]] = {}
    for key, tensor in read_weights(path, sha256=None).items():
        step, _, name = key.partition("/")
        by_step.setdefault(int(step), {})[name] = tensor
    return {
        step: model_from_state(model.shape, state, where=f"{path}, step {step}")
        for step, state in sorted(by_step.items())
    }
