"""A folder of compiled founders: built once from dysts, opened in milliseconds by any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from panda.core.code_version import syntax_hash
from panda.core.digest import sha256_of_bytes, sha256_of_json
from panda.core.errors import PandaError, did_you_mean
from panda.core.files import atomic_path, read_json, write_json
from panda.core.progress import Progress
from panda.systems.expression import Program
from panda.systems.flow import Flow, Founder
from panda.systems.machine_code import LoadedCode, compile_functions, lane_function, machine

if TYPE_CHECKING:
    from panda.systems.founders import TracedFounder

_INDEX = "founders.json"
_REPAIR = "`panda discover compile`, with the same --config and --library, builds them again"
_ARRAYS = ("parameters", "initial_condition", "mean", "std", "scale")
# The modules whose meaning decides what a built folder holds.
_SOURCES = (
    "dependence", "differentiate", "expression", "flow", "founders", "lanes", "library", "machine_code",
    "switching", "trace", "vector_math",
)  # fmt: skip


def build_library(
    folder: str | Path, *, names: Sequence[str] | None = None, progress: Progress | None = None
) -> None:
    """Trace founders from dysts, compile their lane functions, write both and the metadata to a folder.

    ``names`` chooses founders; None takes all continuous ones. The index is written last and holds digests of itself
    and of all code, so that a build that was cut short or damaged does not open. The same machine and versions give
    the same bytes.

    Raises:
        PandaError: an unknown name, or a right-hand side that this dysts does not let us trace.
    """
    from panda.systems.founders import founder_names, trace_founder

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name in sorted(founder_names() if names is None else names):
        entries[name] = _compile_into(folder, trace_founder(name))
        if progress is not None:
            progress.advance(founder=name)
    _write_index(folder, entries)


def repair_library(folder: str | Path, progress: Progress | None = None) -> list[str]:
    """Compile again what is damaged or missing in a built folder; the names of these founders.

    Raises:
        PandaError: there is no index, it is damaged, or another CPU, version or code made it: build the whole again.
    """
    from panda.systems.founders import trace_founder

    folder = Path(folder)
    entries = _read_index(folder)
    damaged = FounderLibrary(folder, entries).damaged()
    for name in damaged:
        entries[name] = _compile_into(folder, trace_founder(name))
        if progress is not None:
            progress.advance(founder=name)
    if damaged:
        _write_index(folder, entries)
    return damaged


def build_one(
    folder: str | Path, traced: TracedFounder, complete: Callable[[FounderLibrary], Founder]
) -> None:
    """A library of one founder whose metadata are not known before it is compiled.

    ``complete`` gets the library with the metadata as traced, and returns the founder as it is to be stored.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entry = _compile_into(folder, traced)
    founder = complete(FounderLibrary(folder, {traced.founder.name: entry}))
    entry |= _to_json(founder)
    _write_index(folder, {founder.name: entry})


def _compile_into(folder: Path, traced: TracedFounder) -> dict[str, Any]:
    """Write a founder's object file; its entry of the index."""
    founder = traced.founder
    d = len(traced.rhs.outputs)
    text = lane_function("rhs", traced.rhs, {"dy": d})
    text += lane_function("jvp", traced.jvp, {"dy": d, "dv": d})
    if (jumps := traced.switching) is not None:
        text += lane_function("held", jumps.held, {"dy": d, "dv": d})
        text += lane_function("surfaces", jumps.surfaces, {"s": jumps.n, "ds": jumps.n, "st": jumps.n})
    code = compile_functions(text)
    with atomic_path(folder / f"{founder.name}.o") as temporary:
        temporary.write_bytes(code)
    return {**_to_json(founder), "code_sha256": sha256_of_bytes(code)}


def _write_index(folder: Path, entries: dict[str, dict[str, Any]]) -> None:
    write_json(folder / _INDEX, {"made_with": _made_with(), "founders": entries}, digest=True)


def _read_index(folder: Path) -> dict[str, dict[str, Any]]:
    """The founders of a built folder, once what made it is what runs here."""
    if not (folder / _INDEX).is_file():
        raise PandaError(f"{folder}: no compiled founders here, or their build did not finish; {_REPAIR}")
    try:
        index = read_json(folder / _INDEX, digest=True)
        made, entries = index["made_with"], index["founders"]
    except (PandaError, LookupError, TypeError) as error:
        raise PandaError(f"{folder / _INDEX}: damaged, or of an older version; {_REPAIR}") from error
    for key, value in _made_with().items():
        if made.get(key) != value:
            detail = "" if key in ("code", "cpu_features") else f" ({made.get(key)}, here {value})"
            what = key.replace("_", " ")
            raise PandaError(f"{folder}: founders compiled with another {what}{detail}; {_REPAIR}")
    return entries


class FounderLibrary:
    """The founders of a built folder; loads each founder when asked; neither imports dysts nor compiles.

    ``library["Lorenz"]`` is a ``Founder``; ``library.flow("Lorenz", "Rossler")`` what integrators take.
    """

    def __init__(self, folder: Path, entries: dict[str, dict[str, Any]]) -> None:
        self._folder, self._entries = folder, entries
        self._founders: dict[str, Founder] = {}
        self._code: dict[str, LoadedCode] = {}

    @classmethod
    def open(cls, folder: str | Path) -> FounderLibrary:
        """Open a folder that ``build_library`` made.

        Raises:
            PandaError: there is none, it is not whole, or another CPU, version or code made it.
        """
        folder = Path(folder)
        entries = _read_index(folder)
        missing = [name for name in entries if not (folder / f"{name}.o").is_file()]
        if missing:
            raise PandaError(f"{folder}: compiled code of {', '.join(missing)} is missing; {_REPAIR}")
        return cls(folder, entries)

    def damaged(self) -> list[str]:
        """The founders whose code is missing or damaged, sorted."""
        found = []
        for name in self.names:
            try:
                self._read_code(name)
            except PandaError:
                found.append(name)
        return found

    def with_founders(self, others: Iterable[FounderLibrary]) -> FounderLibrary:
        """This library and others as one; each founder keeps the folder of its own code."""
        joined = FounderLibrary(self._folder, dict(self._entries))
        for other in others:
            joined._entries |= {name: {**e, "folder": other._folder} for name, e in other._entries.items()}
        return joined

    @property
    def names(self) -> tuple[str, ...]:
        """The founders' names, sorted."""
        return tuple(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, name: str) -> Founder:
        """A founder's metadata.

        Raises:
            PandaError: the library has none of this name.
        """
        if name not in self._founders:
            if name not in self._entries:
                hint = did_you_mean(name, self._entries, f"; {self._folder / _INDEX} lists them")
                raise PandaError(f"no founder is named {name!r}{hint}")
            self._founders[name] = _from_json(self._entries[name])
        return self._founders[name]

    def flow(self, driver: str, response: str | None = None) -> Flow:
        """A founder on its own, or the skew product of a driver and a response, ready to integrate.

        Raises:
            PandaError: an unknown name, a founder with delay in a pair, or compiled code that is damaged.
        """
        names = [driver] if response is None else [driver, response]
        founders = [self[name] for name in names]
        delayed = [founder.name for founder in founders if founder.delay_index is not None]
        if delayed and response is not None:
            raise PandaError(
                f"{delayed[0]} has a delay and cannot be in a skew product; pair founders without delay"
            )
        code = [self._load(name) for name in names]
        functions = ("rhs", "jvp", "held", "surfaces")
        addresses = {
            f"{role}_{function}": loaded.address(function)
            for role, loaded in zip(("driver", "response"), code, strict=False)
            for function in functions
        }
        none = {f"response_{function}": 0 for function in functions}
        return Flow(
            driver=founders[0],
            response=None if response is None else founders[1],
            code=tuple(code),
            **(none | addresses),
        )

    def _load(self, name: str) -> LoadedCode:
        if name not in self._code:
            self._code[name] = LoadedCode(self._read_code(name))
        return self._code[name]

    def _read_code(self, name: str) -> bytes:
        path = Path(self._entries[name].get("folder", self._folder)) / f"{name}.o"
        try:
            code = path.read_bytes()
        except OSError as error:
            raise PandaError(f"{path}: cannot be read ({error.strerror}); {_REPAIR}") from error
        if sha256_of_bytes(code) != self._entries[name]["code_sha256"]:
            raise PandaError(f"{path}: damaged, or from another build; {_REPAIR}")
        return code


@cache
def _made_with() -> dict[str, str]:
    try:
        dysts = version("dysts")
    except PackageNotFoundError as error:
        raise PandaError("the package dysts is not installed; install the project's environment") from error
    return {"dysts": dysts, **machine(), "code": _code_version()}


def _code_version() -> str:
    """A hash of the syntax trees of the modules that decide a build, without docstrings and comments."""
    folder = Path(__file__).parent
    return sha256_of_json([syntax_hash((folder / f"{name}.py").read_bytes()) for name in _SOURCES])


def _to_json(founder: Founder) -> dict[str, Any]:
    entry = {field.name: getattr(founder, field.name) for field in fields(founder)}
    for key in _ARRAYS:
        if entry[key] is not None:
            entry[key] = entry[key].tolist()
    if founder.postprocessing is not None:
        entry["postprocessing"] = founder.postprocessing.to_json()
    return entry


def _from_json(entry: dict[str, Any]) -> Founder:
    values = {key: value for key, value in entry.items() if key not in ("code_sha256", "folder")}
    for key in _ARRAYS:
        if values[key] is not None:
            values[key] = np.asarray(values[key], dtype=np.float64)
            values[key].flags.writeable = False
    for key in ("parameter_names", "unbounded_indices", "free_coordinates"):
        values[key] = tuple(values[key])
    values["parameter_shapes"] = tuple(tuple(shape) for shape in values["parameter_shapes"])
    if values["postprocessing"] is not None:
        values["postprocessing"] = Program.from_json(values["postprocessing"])
    return Founder(**values)
