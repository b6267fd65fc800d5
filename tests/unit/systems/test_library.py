"""A library opens whole and current, or says in one line why not."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from panda.core.errors import PandaError
from panda.core.files import read_json, write_json
from panda.core.progress import Progress
from panda.discovery.search.warm import ensure_library
from panda.systems.library import FounderLibrary, build_library

SMALL = ["Lorenz", "Rossler", "MacArthur"]


@pytest.fixture
def small(library_folder: Path, tmp_path: Path) -> Path:
    """A library of three founders, cut out of the whole one."""
    index = read_json(library_folder / "founders.json")
    index["founders"] = {name: index["founders"][name] for name in SMALL}
    write_json(tmp_path / "founders.json", index, digest=True)
    for name in SMALL:
        shutil.copy(library_folder / f"{name}.o", tmp_path)
    return tmp_path


def _refused(folder: Path) -> str:
    with pytest.raises(PandaError) as caught:
        FounderLibrary.open(folder).flow("Lorenz")
    message = str(caught.value)
    assert "\n" not in message and "build" in message and str(folder) in message
    return message


def test_the_same_build_gives_the_same_bytes(library_folder: Path, tmp_path: Path) -> None:
    build_library(tmp_path, names=SMALL)
    assert FounderLibrary.open(tmp_path).names == tuple(sorted(SMALL))
    for name in SMALL:
        assert (tmp_path / f"{name}.o").read_bytes() == (library_folder / f"{name}.o").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"founders.json", *(f"{name}.o" for name in SMALL)}


@pytest.mark.parametrize("key", ["dysts", "llvmlite", "cpu", "cpu_features", "code"])
def test_a_stale_or_foreign_library_is_refused(small: Path, key: str) -> None:
    index = read_json(small / "founders.json")
    index["made_with"][key] = "another"
    write_json(small / "founders.json", index, digest=True)
    assert key.replace("_", " ") in _refused(small)


def test_a_library_without_an_index_is_refused(small: Path) -> None:
    (small / "founders.json").unlink()
    assert "did not finish" in _refused(small)


def test_missing_code_is_refused(small: Path) -> None:
    (small / "Rossler.o").unlink()
    assert "Rossler" in _refused(small)


def test_a_damaged_index_is_refused(small: Path) -> None:
    text = (small / "founders.json").read_text()
    (small / "founders.json").write_text(text.replace("2.667", "2.767"))
    assert "damaged" in _refused(small)
    index = json.loads(text)
    (small / "founders.json").write_text(json.dumps({key: index[key] for key in ("made_with", "founders")}))
    assert "older version" in _refused(small)


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "index"])
def test_what_is_damaged_or_gone_is_compiled_again(
    small: Path, harm: str, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small / "Rossler.o"
    code, others = path.read_bytes(), {p: p.stat().st_mtime_ns for p in small.glob("[LM]*.o")}
    if harm == "index":
        (small / "founders.json").write_text("{}")
        monkeypatch.setattr("panda.systems.founders.founder_names", lambda: SMALL)
    elif harm == "remove":
        path.unlink()
    else:
        path.write_bytes(code[:100] if harm == "cut" else bytes([code[0] ^ 1]) + code[1:])
    with pytest.raises(PandaError, match="`panda discover compile`, with the same --config and --library"):
        FounderLibrary.open(small).flow("Rossler")
    library = ensure_library(small, SMALL)
    assert path.read_bytes() == code == (library_folder / "Rossler.o").read_bytes()
    assert library.damaged() == [] and library.flow("Rossler").dimension == 3
    if harm != "index":
        assert others == {p: p.stat().st_mtime_ns for p in others}


def test_the_log_says_what_was_there_and_what_was_compiled(small: Path, capsys) -> None:
    with Progress(len(SMALL), "compile founders", "founders") as progress:
        ensure_library(small, SMALL, progress)
    assert capsys.readouterr().err == f"compile founders: all {len(SMALL)} founders are there already\n"
    (small / "Rossler.o").unlink()
    with Progress(len(SMALL), "compile founders", "founders") as progress:
        ensure_library(small, SMALL, progress)
    first, last = capsys.readouterr().err.splitlines()
    assert first == f"compile founders: goes on after {len(SMALL) - 1} of {len(SMALL)} founders"
    assert last.startswith(f"compile founders: {len(SMALL)}/{len(SMALL)} founders")


def test_damaged_code_is_refused_and_never_run(small: Path) -> None:
    code = bytearray((small / "Lorenz.o").read_bytes())
    code[len(code) // 2] ^= 1
    (small / "Lorenz.o").write_bytes(code)
    assert "damaged" in _refused(small)


def test_another_process_loads_without_dysts_and_without_compiling(library_folder: Path) -> None:
    program = f"""
import sys, time
import numpy as np
from panda.systems import machine_code
def refuse(*_): raise AssertionError("compiled")
machine_code.compile_functions = machine_code.llvm.parse_bitcode = refuse
from panda.systems.evaluate import right_hand_side
from panda.systems.library import FounderLibrary
from panda.systems.skew import founder_ensemble
library = FounderLibrary.open({str(library_folder)!r})
library.flow("Rossler")
start = time.perf_counter()
flow = library.flow("Lorenz")
seconds = time.perf_counter() - start
ensemble = founder_ensemble(flow, flow.driver.parameters[None], np.array([[1.0, 2.0, 3.0]]))
dx = right_hand_side(flow, ensemble, ensemble.initial, np.zeros(1))
print(seconds, *dx[0])
assert not {{"dysts", "numba", "torch", "scipy"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds, *dx = (float(word) for word in done.stdout.split())
    np.testing.assert_allclose(dx, [10.0, 28 - 3 - 2, 2 - 2.667 * 3], rtol=1e-14)
    assert seconds < 0.5


def test_an_unknown_name_is_answered_with_near_ones(library: FounderLibrary, tmp_path: Path) -> None:
    with pytest.raises(PandaError, match="Rossler"):
        library["Rosler"]
    with pytest.raises(PandaError, match="Lorentz"):
        library.flow("Lorenz", "Lorentz")
    with pytest.raises(PandaError, match="no system named"):
        build_library(tmp_path, names=["NoSuchSystem"])


def test_a_flow_does_not_leave_its_process(library: FounderLibrary) -> None:
    with pytest.raises(TypeError, match="addresses of this process"):
        pickle.dumps(library.flow("Lorenz"))


def test_functions_outlive_the_library(library_folder: Path) -> None:
    from panda.systems.evaluate import flow_rms

    flow = FounderLibrary.open(library_folder).flow("Lorenz")  # the library itself is gone now
    assert flow_rms(flow, np.array([[1.0, 2.0, 3.0]]), np.zeros(1))[0] == pytest.approx(10.0)
