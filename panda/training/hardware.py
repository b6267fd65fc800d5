"""Where a model is trained and in which precision, and whether its loss can be compiled there."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from panda.core.errors import PandaError

_log = logging.getLogger(__name__)

Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Machine:
    """What a model is trained on; it changes no more than last bits."""

    device: Literal["auto", "cpu", "cuda"]
    threads: int
    precision: Literal["auto", "float32", "bfloat16"]
    compile: bool | Literal["reduce-overhead"]
    peak_tflops: float | None = None
    loaders: int = 0


def choose_device(asked: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device asked for; `auto` is CUDA where there is one.

    Raises:
        PandaError: CUDA is asked for and is not there.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise PandaError("train.device is cuda, but torch finds no CUDA device; set it to auto or cpu")
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(asked)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively: CUDA from 8.0, CPUs with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        abilities = torch.cpu.get_capabilities()
        return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
    return False


def autocast(precision: Literal["auto", "float32", "bfloat16"], device: torch.device) -> torch.autocast:
    """The context to compute a loss in: bfloat16 products where asked for or, with `auto`, where native."""
    enabled = precision == "bfloat16" or (precision == "auto" and multiplies_bfloat16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Let torch compute with `n_threads` threads, inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def layers_compiled(
    layers: Iterable[nn.Module],
    loss: Loss,
    *example: Tensor | None,
    how: Literal[True, "reduce-overhead"] = True,
) -> Iterator[None]:
    """Inside, layers are compiled, if `loss`, which calls them, then works forward and backward; if not, they stay as
    they are, with one line of warning.

    Layers of one shape share what is compiled for the first. The whole loss, compiled as one, is no faster, and
    compiling it takes twice as long. With `reduce-overhead`, a GPU replays layers as CUDA graphs. Parameters' gradients
    are left as the trial leaves them.
    """
    layers = list(layers)
    if _there_is_a_compiler():
        for layer in layers:
            layer.compile(dynamic=False, mode=None if how is True else how)
        try:
            loss(*example).backward()
        except Exception as error:
            # Whatever it is, the plain loss either works or raises the real reason.
            _log.warning(
                "torch.compile failed (%s): training goes on without it, same results but slower",
                type(error).__name__,
            )
            torch.compiler.reset()
            _as_written(layers)
    try:
        yield
    finally:
        _as_written(layers)


def _there_is_a_compiler() -> bool:
    compiler = os.environ.get("CXX", "g++")
    found = shutil.which(compiler) is not None
    if not found:
        _log.warning(
            "no C++ compiler (%s): training goes on without torch.compile, same results but slower", compiler
        )
    return found


def _as_written(layers: Iterable[nn.Module]) -> None:
    for layer in layers:
        layer._compiled_call_impl = None  # as torch has it in a module that was never compiled
