"""What one run has made serves another: the same files, never half of them, and nothing where it is switched off."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from panda.core import reuse


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "one"
    folder.mkdir()
    for name in ("0.parquet", "0.csv", "0.parquet.provenance.json", "10.parquet"):
        (folder / name).write_text(name)
    return folder / "0.parquet"


SUFFIXES = (".csv", ".parquet.provenance.json")


def test_another_run_gets_the_output_and_what_stands_beside_it(tmp_path: Path, made: Path):
    store, other = tmp_path / "store", tmp_path / "two" / "0.parquet"
    assert not reuse.fetch("key", [other], store)
    reuse.keep("key", [made], SUFFIXES, store)
    assert reuse.fetch("key", [other], store)
    assert sorted(path.name for path in other.parent.iterdir()) == sorted(
        ["0.parquet", "0.csv", "0.parquet.provenance.json"]
    )
    assert other.read_text() == "0.parquet" and other.samefile(made)
    assert not reuse.fetch("other key", [other], store)
    # Keeping it again changes nothing.
    reuse.keep("key", [made], SUFFIXES, store)
    assert [path.name for path in store.iterdir()] == ["key"]


def test_one_run_may_replace_its_file_and_the_other_keeps_its_own(tmp_path: Path, made: Path):
    store, other = tmp_path / "store", tmp_path / "two" / "0.parquet"
    reuse.keep("key", [made], SUFFIXES, store)
    reuse.fetch("key", [other], store)
    part = made.with_name("part")
    part.write_text("new")
    part.replace(made)
    assert other.read_text() == "0.parquet"
    reuse.fetch("key", [made], store)
    assert made.read_text() == "0.parquet"


def test_a_disk_without_links_copies(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*names):
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    store, other = tmp_path / "store", tmp_path / "two" / "0.parquet"
    reuse.keep("key", [made], SUFFIXES, store)
    assert reuse.fetch("key", [other], store)
    assert other.read_text() == "0.parquet" and not other.samefile(made)


def test_a_store_that_cannot_be_written_keeps_nothing(tmp_path: Path, made: Path):
    (tmp_path / "store").write_text("a file")
    reuse.keep("key", [made], SUFFIXES, tmp_path / "store")
    assert made.read_text() == "0.parquet"


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch):
    assert reuse.is_on()
    monkeypatch.setenv(reuse.VARIABLE, "0")
    assert not reuse.is_on()


def test_what_is_damaged_is_not_taken(tmp_path: Path, made: Path):
    store, other = tmp_path / "store", tmp_path / "two" / "0.parquet"
    reuse.keep("key", [made], SUFFIXES, store)
    made.write_text("0.parquee")  # of the one file that both names are
    assert not reuse.fetch("key", [other], store)
    assert not other.exists() and not (store / "key").exists()
