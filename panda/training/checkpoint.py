"""States of a training on disk: saved whole, checked when read, written by one process at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from panda.core.digest import sha256_of_bytes, sha256_of_json
from panda.core.errors import PandaError
from panda.core.files import atomic_path, read_json, write_json

_N_KEPT = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """A training after `step` steps: all that the steps after it depend on, beside the seed.

    Batches and masks are functions of (seed, step), so the step is also the state of every random stream.
    """

    step: int
    tensors: dict[str, torch.Tensor]
    notes: dict[str, Any]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The model's own tensors among all: averaged, where the training keeps averages."""
        parts: dict[str, dict[str, torch.Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
        for key, tensor in self.tensors.items():
            kind, _, name = key.partition(".")
            parts[kind][name] = tensor
        return parts["model"] | parts["average"]


class StateLock:
    """The right to write in a state folder, for one process; the kernel gives it back if that one dies.

    Raises:
        PandaError: another process holds it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / "lock"

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "an unknown process"
            self._file.close()
            raise PandaError(
                f"{self.path.parent}: {holder} is training this model already; wait for it, or stop it first"
            ) from error
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        self._file.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.truncate(0)
        self._file.close()


class StateFolder:
    """The states of one training: `<root>/<fingerprint>/step-<n>.safetensors`, each with a `.json`.

    The JSON is written after the tensors and holds their SHA-256 and its own, so a state is there whole or
    not at all, and a damaged one is known. The two newest states are kept. Write only while holding
    `StateLock(path)`.
    """

    def __init__(self, root: str | Path, fingerprint: str) -> None:
        self.path, self.fingerprint = Path(root) / fingerprint, fingerprint

    def save(self, state: State) -> None:
        """Write a state, then remove all but the newest two.

        Raises:
            PandaError: the disk is full; the states that were there still are.
        """
        tensors, record = self._files(state.step)
        data = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()})
        with atomic_path(tensors) as temporary:
            temporary.write_bytes(data)
        content = {
            "fingerprint": self.fingerprint,
            "step": state.step,
            "tensors_sha256": sha256_of_bytes(data),
            "notes": state.notes,
        }
        write_json(record, {"content": content, "sha256": sha256_of_json(content)})
        self._prune()

    def load(self) -> State | None:
        """The newest undamaged state, or None. Every damaged one is passed over with one line of warning."""
        for step in self._steps():
            try:
                return self._read(step)
            except PandaError as error:
                _log.warning(
                    "%s; passed over, training goes on from the state before it or from the start", error
                )
        return None

    def _read(self, step: int) -> State:
        tensors, record = self._files(step)
        outer = read_json(record)
        content = outer.get("content") if isinstance(outer, dict) else None
        if not isinstance(content, dict) or outer.get("sha256") != sha256_of_json(content):
            raise PandaError(f"{record}: damaged training state (its checksum does not match)")
        if content["fingerprint"] != self.fingerprint or content["step"] != step:
            raise PandaError(f"{record}: the state of another training")
        try:
            data = tensors.read_bytes()
            if sha256_of_bytes(data) != content["tensors_sha256"]:
                raise PandaError(f"{tensors}: damaged training state (its checksum does not match)")
            # Cloned: torch's own allocations are aligned, views into the file's bytes need not be, and the
            # sums in a matrix product may be ordered by alignment.
            loaded = {name: tensor.clone() for name, tensor in load(data).items()}
        except (OSError, SafetensorError) as error:
            raise PandaError(f"{tensors}: unreadable training state ({error})") from error
        return State(step, loaded, content["notes"])

    def _files(self, step: int) -> tuple[Path, Path]:
        stem = f"step-{step:09d}"
        return self.path / f"{stem}.safetensors", self.path / f"{stem}.json"

    def _steps(self) -> list[int]:
        """Steps of the states that count, newest first."""
        names = (path.stem.removeprefix("step-") for path in self.path.glob("step-*.json"))
        return sorted((int(name) for name in names if name.isdigit()), reverse=True)

    def _prune(self) -> None:
        """Remove older states, tensors that never came to count, and what killed writers left."""
        steps = self._steps()
        for step in steps[_N_KEPT:]:
            self._files(step)[1].unlink(missing_ok=True)
        kept = {path for step in steps[:_N_KEPT] for path in self._files(step)}
        for path in (*self.path.glob("step-*.safetensors"), *self.path.glob(".step-*.part*")):
            if path not in kept:
                path.unlink(missing_ok=True)
