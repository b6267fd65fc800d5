"""What a long job says of itself in a log."""

from __future__ import annotations

import pytest

from panda.core.progress import Progress


def test_it_ends_with_what_was_done(capsys):
    with Progress(3, "search", "candidates") as progress:
        progress.advance(3, loss=0.25)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("search: 3/3 candidates, ") and line.endswith("loss 0.25")


def test_what_an_earlier_run_finished_counts_as_done(capsys):
    with Progress(10, "train", "steps") as progress:
        progress.start_at(6)
        progress.advance(4)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "train: goes on after 6 of 10 steps" and last.startswith("train: 10/10 steps, ")


def test_it_says_that_all_is_there_already(capsys):
    with Progress(135, "compile founders", "founders") as progress:
        progress.start_at(135)
        progress.advance(0)
    assert capsys.readouterr().err == "compile founders: all 135 founders are there already\n"


def test_a_failure_is_not_all_there(capsys):
    with pytest.raises(KeyError), Progress(2, "train", "steps") as progress:
        progress.start_at(2)
        raise KeyError
    assert "already" not in capsys.readouterr().err
