"""Random streams that depend on a seed and a name only, never on shards, cores or the order of jobs."""

from __future__ import annotations

import hashlib

import numpy as np


def stable_words(name: str | int) -> tuple[int, int]:
    """Two 32-bit words of the SHA-256 of `name` (type and value), unlike `hash()` equal in every process."""
    digest = hashlib.sha256(f"{type(name).__name__}:{name}".encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def sequence(root_seed: int, stage: str, *ids: int | str) -> np.random.SeedSequence:
    """`SeedSequence(root_seed, spawn_key=...)` with a spawn key hashed from stage and ids."""
    key = tuple(word for name in (stage, *ids) for word in stable_words(name))
    return np.random.SeedSequence(root_seed, spawn_key=key)


def generator(root_seed: int, stage: str, *ids: int | str) -> np.random.Generator:
    """A PCG64 generator for one stage and one thing in it (a system, a window, a model)."""
    return np.random.Generator(np.random.PCG64(sequence(root_seed, stage, *ids)))


def integer_seed(root_seed: int, stage: str, *ids: int | str) -> int:
    """A 63-bit seed for libraries that take an integer (torch)."""
    return int(sequence(root_seed, stage, *ids).generate_state(1, np.uint64)[0] >> np.uint64(1))
