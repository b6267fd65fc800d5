"""The reference code's parameter files: `{system name: [entry, ...]}`, to and from rows of our catalogue.

Source: spec 1.7. An entry of a founder has the keys `sample_idx`, `ic`, `params` (name: number or list) and
`dim`; one of a skew product `sample_idx`, `ic` (driver, then response), `driver_params`, `response_params`,
`driver_dim`, `response_dim` and `coupling_map` with `preinit` (the scales, by coordinate or one for all) and
`postinit` (`driver_indices`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from panda.config import Founders, Integration
from panda.core.errors import PandaError
from panda.discovery.search.candidates import Group
from panda.systems.flow import Ensemble, Flow, Founder
from panda.systems.library import FounderLibrary
from panda.systems.members import flow_of, from_rows, to_columns
from panda.systems.skew import Member, founder_ensemble, skew_ensemble

Entry = Mapping[str, Any]
# What the reference's production scripts built their coupling maps with; nothing of ours depends on it.
_COUPLING = {"random_seed": 0, "randomize_driver_indices": True, "transform_scales": True}
# Statistics of the search that an imported system does not have.
_UNKNOWN = ("largest_exponent", "exponent_error")


def from_catalogue(library: FounderLibrary, rows: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Rows of a catalogue as the reference's entries, systems and samples in order.

    Every float64 keeps its bits. `sample_idx` is our perturbation. Our catalogue holds the scales of the
    driver coordinates that enter the response; one that does not enter gets the scale 0.
    """
    systems: dict[str, list[dict[str, Any]]] = {}
    for (driver, response), group in rows.groupby(["driver", "response"], sort=True):
        flow = flow_of(library, str(driver), str(response))
        ordered = group.sort_values("perturbation")
        ensemble = from_rows(ordered)
        systems[flow.name] = [
            {"sample_idx": int(number), **_entry(flow, ensemble, i)}
            for i, number in enumerate(ordered["perturbation"])
        ]
    return systems


def _entry(flow: Flow, members: Ensemble, i: int) -> dict[str, Any]:
    initial = {"ic": members.initial[i].tolist()}
    driver_params = _named(flow.driver, members.driver_parameters[i])
    if flow.response is None:
        return {**initial, "params": driver_params, "dim": flow.driver_dimension}
    scale, index = np.zeros(max(flow.driver_dimension, flow.response_dimension)), members.driver_index[i]
    scale[index] = members.driver_scale[i]
    dimensions = {"driver_dim": flow.driver_dimension, "response_dim": flow.response_dimension}
    return {
        **initial,
        "driver_params": driver_params,
        "response_params": _named(flow.response, members.response_parameters[i]),
        **dimensions,
        "coupling_map": {
            "preinit": {
                **dimensions,
                "driver_scale": scale[: flow.driver_dimension].tolist(),
                "response_scale": members.response_scale[i].tolist(),
                **_COUPLING,
            },
            "postinit": {"driver_indices": index.tolist()},
        },
    }


def _named(founder: Founder, flat: Float64[np.ndarray, " n_params"]) -> dict[str, Any]:
    """A flat parameter vector by name, arrays as (nested) lists in the shape that dysts gives them."""
    pieces = np.split(flat, np.cumsum(founder.parameter_sizes)[:-1]) if founder.parameter_sizes else []
    named = zip(founder.parameter_names, founder.parameter_shapes, pieces, strict=True)
    return {name: piece.reshape(shape).tolist() for name, shape, piece in named}


def to_catalogue(
    library: FounderLibrary,
    document: Any,
    *,
    source: str,
    founders: Founders,
    integration: Integration,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """The entries of a parameter file as rows of a catalogue, accepted, with their stored initial state.

    `status` is `imported`: no statistic is known, exponents are NaN, and nothing is certified. Splits are
    ours, by founder. `sample_idx` becomes the perturbation; the reference's trajectory files count from one,
    so that entry k is file k + 1.

    Args:
        source: the file's name, for errors.
        without: founders whose systems are left out (those that our library lacks, say).

    Raises:
        PandaError: the document has another layout; an entry has an unknown founder, another number of
            values than its founders ask for, a value that is not a finite number, or a number that another
            entry of its system has. The message names file, system, and entry (from 0).
    """
    if not isinstance(document, dict) or not document:
        raise PandaError(
            f"{source}: no parameter file of the reference ({{system name: [entry, ...]}} expected)"
        )
    tables = []
    for name, entries in sorted(document.items()):
        if set(name.split("_")) & set(without):
            continue
        group = _group(library, name, entries, source)
        flow = flow_of(library, group.driver, group.response)
        members = [_member(flow, entry, f"{source}: {name}, entry {i}") for i, entry in enumerate(entries)]
        numbers = _numbers(entries, f"{source}: {name}")
        ensemble = _ensemble(flow, members)
        tables.append(_rows(flow, group, ensemble, numbers, founders, integration))
    if not tables:
        raise PandaError(f"{source}: no system left of {len(document)} without {', '.join(without)}")
    return pd.concat(tables, ignore_index=True)


def check_unique(tables: Sequence[pd.DataFrame], sources: Sequence[str]) -> None:
    """Raise `PandaError` if a system is in two files, which are named."""
    seen: dict[str, str] = {}
    for table, source in zip(tables, sources, strict=True):
        both = next((system for system in table["system"] if system in seen), None)
        if both is not None:
            raise PandaError(f"{source}: {both} is in {seen[both]} too; import one of the two")
        seen |= dict.fromkeys(table["system"], source)


def _group(library: FounderLibrary, name: str, entries: Any, source: str) -> Group:
    where = f"{source}: {name}"
    if not isinstance(entries, list) or not entries:
        raise PandaError(f"{where}: a list of entries expected, not {type(entries).__name__} or nothing")
    driver, _, response = name.partition("_")
    for founder in filter(None, (driver, response)):
        try:
            _ = library[founder]
        except PandaError as error:
            raise PandaError(f"{where}, entry 0: {error}") from error
    return Group(driver, response, len(entries))


def _numbers(entries: Sequence[Entry], where: str) -> Int64[np.ndarray, " n"]:
    numbers: list[int] = []
    for i, entry in enumerate(entries):
        number = entry.get("sample_idx")
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise PandaError(f"{where}, entry {i}: sample_idx is {number!r}, not a count from 0")
        if number in numbers:
            raise PandaError(
                f"{where}, entry {i}: sample_idx {number} is that of entry {numbers.index(number)} too"
            )
        numbers.append(number)
    return np.array(numbers, dtype=np.int64)


def _member(flow: Flow, entry: Any, where: str) -> Member:
    """One entry as a member; a founder's has no response and no coupling."""
    if not isinstance(entry, dict):
        raise PandaError(f"{where}: an object expected, not {type(entry).__name__}")
    none = np.empty(0)
    initial = _values(entry, "ic", flow.dimension, where)
    if flow.delayed:  # dysts takes the first number as x at all times before zero
        initial = np.full(flow.dimension, initial[0])
    if flow.response is None:
        _dimension(entry, "dim", flow.driver_dimension, where)
        return Member(
            driver_parameters=_flat(flow.driver, entry, "params", where),
            response_parameters=none,
            driver_scale=none,
            response_scale=none,
            driver_index=none.astype(np.int64),
            initial=initial,
        )
    _dimension(entry, "driver_dim", flow.driver_dimension, where)
    _dimension(entry, "response_dim", flow.response_dimension, where)
    coupling = _part(entry, "coupling_map", where)
    preinit, postinit = _part(coupling, "preinit", where), _part(coupling, "postinit", where)
    return Member(
        driver_parameters=_flat(flow.driver, entry, "driver_params", where),
        response_parameters=_flat(flow.response, entry, "response_params", where),
        driver_scale=_scale(preinit, "driver_scale", flow.driver_dimension, where),
        response_scale=_scale(preinit, "response_scale", flow.response_dimension, where),
        driver_index=_index(postinit, flow, where),
        initial=initial,
    )


def _part(entry: Entry, key: str, where: str) -> Entry:
    part = entry.get(key)
    if not isinstance(part, dict):
        found = f"has no {key!r}" if key not in entry else f"{key} is {type(part).__name__}, not an object"
        raise PandaError(f"{where}: {found}; is this a parameter file of the reference code?")
    return part


def _dimension(entry: Entry, key: str, expected: int, where: str) -> None:
    if entry.get(key, expected) != expected:
        raise PandaError(f"{where}: {key} is {entry[key]!r}, but the founder has {expected} coordinates")


def _values(entry: Entry, key: str, size: int, where: str) -> Float64[np.ndarray, " size"]:
    """Finite numbers, a list (nested or flat) of a known size."""
    if key not in entry:
        raise PandaError(f"{where}: has no {key!r}")
    try:
        values = np.asarray(entry[key], dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise PandaError(f"{where}: {key} is not made of numbers ({error})") from error
    if values.size != size:
        raise PandaError(f"{where}: {key} has {values.size} values, expected {size}")
    if not np.isfinite(values).all():
        raise PandaError(f"{where}: {key} has values that are not finite numbers")
    return values


def _flat(founder: Founder, entry: Entry, key: str, where: str) -> Float64[np.ndarray, " n_params"]:
    """A founder's parameters, by name, as the flat vector of our right-hand sides."""
    named = _part(entry, key, where)
    other = sorted(set(named) ^ set(founder.parameter_names))
    if other:
        what = "is missing" if other[0] in founder.parameter_names else "is none of its parameters"
        raise PandaError(f"{where}: {key}: {other[0]!r} {what} ({founder.name})")
    sizes = zip(founder.parameter_names, founder.parameter_sizes, strict=True)
    return np.concatenate([np.empty(0), *(_values(named, name, size, where) for name, size in sizes)])


def _scale(preinit: Entry, key: str, size: int, where: str) -> Float64[np.ndarray, " size"]:
    """Coupling scales, one number for all coordinates or a list."""
    value = preinit.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        preinit = {key: [value] * size}
    return _values(preinit, key, size, where)


def _index(postinit: Entry, flow: Flow, where: str) -> Int64[np.ndarray, " d_b"]:
    values = _values(postinit, "driver_indices", flow.response_dimension, where)
    highest = max(flow.driver_dimension, flow.response_dimension) - 1
    if (values != np.floor(values)).any() or values.min() < 0 or values.max() > highest:
        raise PandaError(f"{where}: driver_indices {values.tolist()} are not whole numbers in 0..{highest}")
    return values.astype(np.int64)


def _ensemble(flow: Flow, members: Sequence[Member]) -> Ensemble:
    if flow.response is not None:
        return skew_ensemble(flow, members)
    parameters = np.stack([member.driver_parameters for member in members])
    return founder_ensemble(flow, parameters, np.stack([member.initial for member in members]))


def _rows(
    flow: Flow,
    group: Group,
    ensemble: Ensemble,
    numbers: Iterable[int],
    founders: Founders,
    integration: Integration,
) -> pd.DataFrame:
    """The columns of our catalogue that are known of an imported system."""
    return pd.DataFrame(
        {
            "system": [group.system(int(number)) for number in numbers],
            "name": group.name,
            "driver": group.driver,
            "response": group.response,
            "population": group.population,
            "perturbation": list(numbers),
            "dimension": flow.response_dimension or flow.driver_dimension,
            "period": flow.period,
            "dt": flow.period * integration.n_periods / (integration.n_points - 1),
            "status": "imported",
            **dict.fromkeys(_UNKNOWN, np.nan),
            **to_columns(ensemble),
            "rejected_by": "",
            "certified": False,
            "accepted": True,
            "split": founders.split(*group.founders),
        }
    )
