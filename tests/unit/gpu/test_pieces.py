from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from gpu.pieces import MANIFEST, check_stay_below, pack, unpack
from panda.core.errors import PandaError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    for name, content in {
        "a/one.bin": bytes(range(256)) * 40,
        "b/two.json": b"{}",
        "left.txt": b"no",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def packed(root: Path, out: Path, piece_bytes: int = 4096) -> list[Path]:
    return pack(root, [root / "b/two.json", root / "a/one.bin"], out, piece_bytes=piece_bytes)


def test_files_come_back_and_no_piece_is_too_large(root, tmp_path):
    pieces = packed(root, tmp_path / "out")
    assert len(pieces) > 2 and max(path.stat().st_size for path in pieces) == 4096
    (tmp_path / "there").mkdir()
    assert len(unpack(tmp_path / "out", tmp_path / "there")) == 2
    for name in ("a/one.bin", "b/two.json"):
        assert (tmp_path / "there" / name).read_bytes() == (root / name).read_bytes()
    assert not (tmp_path / "there" / "left.txt").exists()


def test_a_later_pack_takes_the_place_of_the_one_before(root, tmp_path):
    before = packed(root, tmp_path / "out")
    (root / "a/one.bin").write_bytes(b"new" * 5000)
    after = packed(root, tmp_path / "out", piece_bytes=8192)
    assert sorted((tmp_path / "out").glob("state-*")) == after and len(after) < len(before)
    (tmp_path / "there").mkdir()
    unpack(tmp_path / "out", tmp_path / "there")
    assert (tmp_path / "there" / "a/one.bin").read_bytes() == b"new" * 5000


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "has 4095 bytes, not 4096"),
        (lambda path: path.write_bytes(b"!" + path.read_bytes()[1:]), "is damaged"),
    ],
)
def test_a_harmed_piece_is_one_line_and_nothing_is_unpacked(root, tmp_path, harm, said):
    piece = packed(root, tmp_path / "out")[1]
    harm(piece)
    (tmp_path / "there").mkdir()
    with pytest.raises(PandaError, match=said) as refused:
        unpack(tmp_path / "out", tmp_path / "there")
    assert str(piece) in str(refused.value) and "\n" not in str(refused.value)
    assert not list((tmp_path / "there").iterdir())


def test_a_harmed_manifest_is_one_line(root, tmp_path):
    packed(root, tmp_path / "out")
    path = tmp_path / "out" / MANIFEST
    path.write_text(path.read_text().replace('"bytes": 4096', '"bytes": 4097', 1))
    with pytest.raises(PandaError, match="damaged"):
        unpack(tmp_path / "out", tmp_path)
    path.write_text(json.dumps([1]))
    with pytest.raises(PandaError):
        unpack(tmp_path / "out", tmp_path)
    path.unlink()
    with pytest.raises(PandaError):
        unpack(tmp_path / "out", tmp_path)


def test_nothing_is_written_outside_the_folder(root, tmp_path):
    """A checksum tells damage, not malice: links are refused, and names that lead elsewhere."""
    (root / "link").symlink_to(tmp_path)
    pack(root, [root / "link"], tmp_path / "out", piece_bytes=4096)
    with pytest.raises(PandaError, match="'link', which no state has"):
        unpack(tmp_path / "out", tmp_path)
    with pytest.raises(PandaError, match="outside', which no state has"):
        check_stay_below(tmp_path / "there", [tarfile.TarInfo("../outside")], where=tmp_path)
