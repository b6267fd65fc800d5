"""At the edges: full disks, folders not to be written to, absurd sizes, rows that name nothing. One line each."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from panda.__main__ import main
from panda.config.load import load_config, overlay, read_yaml, validate
from panda.core import kernel_cache
from panda.core.errors import PandaError
from panda.core.files import check_writable, read_arrays, write_parquet
from panda.core.yaml_file import read_nodes, read_values
from panda.discovery.catalogue.stored import read_catalogue
from tests.conftest import ROOT

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(10 * ['*' + before])}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB.encode(), r"bad\.yaml: its aliases stand for \d\.\d+e\+09 values"),
        (b"a: &a [*a]\n", r"bad\.yaml: not valid YAML \(nested too deeply, or a value that contains itself\)"),
        (b"a: " + 5000 * b"[" + 5000 * b"]", r"bad\.yaml: not valid YAML \(nested too deeply"),
        (b"a: 1\nb: \xe9\n", r"bad\.yaml:2: not UTF-8 text \(byte 0xe9\); save it as UTF-8"),
        (b"a: 1\nb: x\x01\n", r"bad\.yaml:2: not valid YAML \(the character '\\x01'\)"),
        (b"a: 1\nb: [1\n", r"bad\.yaml:3: not valid YAML"),
        (b"a:\n - 1\n - " + 9999 * b"9", r"bad\.yaml:3: not valid YAML \(Exceeds the limit"),
        (b"a: 1\nb: 2021-99-99\n", r"bad\.yaml:2: not valid YAML \(month must be in 1\.\.12\)"),
        (b"a: !!python/object:os.system 1\n", r"bad\.yaml:1: not valid YAML"),
        (b"#" + 5_000_000 * b" ", r"bad\.yaml: larger than 4 MB"),
    ],
)  # fmt: skip
def test_yaml_that_no_one_means(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(PandaError, match=message) as error:
        read_values(path, "file")
    assert "\n" not in str(error.value)


def test_yaml_that_someone_means(tmp_path: Path):
    path = tmp_path / "good.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: &a {b: 1}\nc: *a\n")  # with a byte order mark
    assert read_values(path, "file") == {"a": {"b": 1}, "c": {"b": 1}}
    path.write_bytes(b"# nothing\n")
    assert read_nodes(path, "file") is None and read_values(path, "file") is None


def leaves(value, key=()):
    if isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(below, (*key, name))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield key


def test_every_number_of_things_has_an_end():
    values = overlay(read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "presets" / "smoke.yaml"))
    endless = []
    for key in leaves(values):
        changed: dict = {}
        inner = changed
        for part in key[:-1]:
            inner = inner.setdefault(part, {})
        inner[key[-1]] = 10**15
        try:
            validate(overlay(values, changed), [ROOT / "config.yaml"])
        except PandaError:
            continue
        endless.append(".".join(key))
    # A seed is a name; the others are real numbers that happen to be written without a point.
    assert {key for key in endless if key not in ("seed",)} <= {
        "discover.search.start.n_periods", "discover.select.well_sampled_min_points", "discover.evolve.min_samples",
        "evaluate.fast_samples", "costs.candidate_bytes", "costs.spectrum_bytes", "costs.score_bytes",
        "costs.parameter_bytes",
    }  # fmt: skip


def test_a_model_that_cannot_be_built_is_refused_at_once(tmp_path: Path):
    path = tmp_path / "config.yaml"
    values = load_config(ROOT / "config.yaml").model_dump(mode="json")
    values["train"]["shape"]["n_layers"] = 900
    values["train"]["shape"]["d_model"] = 8192
    path.write_text(yaml.safe_dump(values | {"resolved": True}))
    with pytest.raises(
        PandaError, match=r"n_layers 900 of d_model 8192 and ffn_dim .* parameters; no more than"
    ):
        load_config(path)


def test_an_array_that_claims_more_than_it_has(tmp_path: Path):
    path = tmp_path / "claims.npz"
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member.getvalue() + bytes(64))
    with pytest.raises(
        PandaError, match=r"claims\.npz: not a whole \.npz archive \(it claims 8e\+15 bytes .* has 64\)"
    ):
        read_arrays(path)


FULL = """
import resource, signal, sys
from pathlib import Path
import pandas as pd, torch
from matplotlib.figure import Figure
from panda.config import ModelShape
from panda.core.errors import PandaError
from panda.figures.save import save
from panda.model.panda import Panda
from panda.model.weights import save_model
from panda.training.checkpoint import State, StateFolder
from tests.unit.model.conftest import TINY

folder = Path(sys.argv[1])
model = Panda(ModelShape(**TINY), torch.Generator().manual_seed(0))
states = StateFolder(folder, "abc")
figure = Figure()
figure.subplots().plot(range(100))
states.save(State(7, {"a": torch.ones(9)}, {}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
writers = {
    "weights": lambda: save_model(model, folder / "model"),
    "state": lambda: states.save(State(8, {"a": torch.ones(9999)}, {})),
    "figure": lambda: save(figure, pd.DataFrame({"x": [1]}), folder, "f"),
}
for name, write in writers.items():
    try:
        write()
    except PandaError as error:
        print(name, "|", error)
print(states.load().step)
"""


def test_a_full_disk_costs_nothing_that_was_there(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    *lines, step = done.stdout.splitlines()
    assert [line.split(" | ")[0] for line in lines] == ["weights", "state", "figure"]
    assert all("no space left" in line for line in lines)
    assert step == "7"  # training goes on from the state before
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["f.csv", "step-000000007.json", "step-000000007.safetensors"]


def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    check_writable(tmp_path / "new" / "folder" / "x.parquet")
    assert not (tmp_path / "new").exists()
    with pytest.raises(PandaError, match="a folder; give the output the name of a file"):
        check_writable(tmp_path)
    with pytest.raises(PandaError, match=r"file: a file, where .*x\.parquet needs a folder"):
        check_writable(tmp_path / "file" / "x.parquet")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as for root on a read-only mount
    with pytest.raises(PandaError, match="read-only, or not yours to write to"):
        check_writable(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "x", "/secret"), "error: /secret: permission denied; correct the path or its permissions"),
        (OSError(30, "x", "/ro"), "error: /ro: read-only file system; correct the path or its permissions"),
        (OSError(28, "x"), "error: the output: no space left on the disk; free some and run it again"),
        (MemoryError(), "error: out of memory; use a machine with more, or ask for less at once"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, line: str
):
    def app() -> None:
        raise error

    monkeypatch.setattr("panda.cli.app", app)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err == f"{line}\n"


def test_kernels_find_a_folder_where_nothing_else_is_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv(kernel_cache.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kernel_cache.ensure_kernel_cache(tmp_path)
    assert kernel_cache.VARIABLE not in os.environ and not capsys.readouterr().err
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(kernel_cache.VARIABLE, "")  # so that it is put back afterwards
    kernel_cache.ensure_kernel_cache(tmp_path)
    folder = Path(os.environ[kernel_cache.VARIABLE])
    assert folder.parent == tmp_path and folder.stat().st_mode & 0o077 == 0
    assert capsys.readouterr().err.count("\n") == 1
    kernel_cache.ensure_kernel_cache(tmp_path)  # one that is set is left alone
    assert not capsys.readouterr().err
    folder.chmod(0o777)
    monkeypatch.setenv(kernel_cache.VARIABLE, "")
    kernel_cache.ensure_kernel_cache(tmp_path)
    assert os.environ[kernel_cache.VARIABLE] != str(folder)  # others could have put code there


ROW = {
    "system": "Lorenz_Rossler-pp1", "name": "Lorenz_Rossler", "driver": "Lorenz", "response": "Rossler",
    "accepted": True, "split": "train", "period": 1.5, "driver_parameters": [10.0, 28.0], "initial": [0.1, 0.2],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("driver", None, "no driver in row 1"),
        ("driver", "", "no driver in row 1"),
        ("response", None, "no response in row 1"),
        ("name", None, "no name in row 1"),
        ("system", None, r"no system in row 1 \(None\)"),
        ("system", "Lorenz_Rossler-pp1", "a system that occurs twice in row 1"),
        ("split", "tset", "a split that is none of train, validation, test in row 1"),
        ("accepted", None, "neither true nor false in `accepted` in row 1"),
        ("period", float("nan"), "no period in row 1"),
        ("period", -1.0, "no period in row 1"),
        ("driver_parameters", None, "no finite numbers in `driver_parameters` in row 1"),
        ("initial", [0.1, float("nan")], "no finite numbers in `initial` in row 1"),
    ],
)
def test_a_row_of_a_catalogue_that_names_nothing(tmp_path: Path, key: str, value: object, message: str):
    path = tmp_path / "catalogue.parquet"
    write_parquet(pd.DataFrame([ROW, ROW | {"system": "other", "response": ""}]), path)
    assert len(read_catalogue(path)) == 2
    write_parquet(pd.DataFrame([ROW, ROW | {"system": "other"} | {key: value}]), path)
    with pytest.raises(PandaError, match=message) as error:
        read_catalogue(path)
    assert "\n" not in str(error.value)
