"""Random streams depend on names alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from panda.core.seeds import generator, integer_seed


def test_same_name_same_stream_in_another_process():
    code = "from panda.core.seeds import integer_seed; print(integer_seed(7, 'search', 'Lorenz-pp3', 2))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == integer_seed(7, "search", "Lorenz-pp3", 2)


def test_streams_differ_by_seed_stage_id_and_type():
    streams = [
        generator(7, "a", "x"),
        generator(8, "a", "x"),
        generator(7, "b", "x"),
        generator(7, "a", "y"),
        generator(7, "a", "x", 0),
        generator(7, "a", "x", "0"),
    ]
    first = {float(stream.random()) for stream in streams}
    assert len(first) == len(streams)


def test_stream_is_frozen():
    # A change here changes every catalogue: it must be meant.
    assert np.isclose(generator(99, "discover", "pairs").random(), FROZEN, rtol=0, atol=0)


FROZEN = 0.47276003604718597
