from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from panda.training.pause import PauseWatch, job_end


@pytest.fixture(autouse=True)
def no_job(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_is_noted_and_handlers_come_back(number):
    before = signal.getsignal(number)
    with PauseWatch(margin_s=1) as pause:
        assert pause.reason() is None
        signal.raise_signal(number)
        assert pause.reason() == number.name
    assert signal.getsignal(number) == before


def test_a_second_interrupt_ends_at_once():
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run where a shell has it ignored
    try:
        _interrupt_twice()
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt_twice():
    with PauseWatch(margin_s=1) as pause:
        signal.raise_signal(signal.SIGINT)
        assert pause.reason() == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("job", "left_s", "margin_s", "paused"),
    [("7", 100, 60, False), ("7", 50, 60, True), (None, 50, 60, False), ("7", None, 60, False)],
)
def test_the_time_limit_counts_inside_a_job_only(monkeypatch, job, left_s, margin_s, paused):
    if job is not None:
        monkeypatch.setenv("SLURM_JOB_ID", job)
    if left_s is not None:
        monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + left_s))
    with PauseWatch(margin_s=margin_s) as pause:
        assert (pause.reason() is not None) == paused


def test_the_limit_comes_nearer(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_JOB_END_TIME", "1000")
    now = 900.0
    monkeypatch.setattr(time, "time", lambda: now)
    pause = PauseWatch(margin_s=60)
    assert pause.reason() is None
    now = 940.0
    assert "time limit" in pause.reason()


def test_in_another_thread_it_works_without_signals():
    reasons = []

    def watch():
        with PauseWatch(margin_s=1) as pause:
            reasons.append(pause.reason())

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert reasons == [None]


@pytest.mark.parametrize(
    ("answer", "left_s"),
    [("59:30", 3570), ("1-02:03:04", 93784), ("45", 45), ("UNLIMITED", None), ("", None)],
)
def test_an_older_slurm_is_asked_for_the_time_left(monkeypatch, tmp_path, answer, left_s):
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\necho '{answer}'\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    end = job_end()
    assert (end is None) if left_s is None else abs(end - time.time() - left_s) < 30


def test_no_job_no_limit(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert job_end() is None
