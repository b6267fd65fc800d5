"""What a founder of the user's own is like: its measures, its exponent, and the filters it passes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from panda.config import Discover, Select, Selection
from panda.config.families import families
from panda.config.founder_names import founder_names
from panda.config.own_founders import read_own
from panda.core.errors import PandaError
from panda.discovery.certificates.follow import follow
from panda.discovery.own.founders import build_own
from panda.discovery.search.candidates import Group
from panda.discovery.search.filters import FILTERS
from panda.discovery.search.measure import measure
from panda.discovery.search.search import search
from panda.discovery.search.select import select
from panda.systems.library import FounderLibrary


def check(path: str, settings: Discover, seed: int) -> list[tuple[str, str]]:
    """What the search would say of the founder in a file, as (what, value) for people to read.

    Nothing is kept: it is compiled in a temporary folder.

    Raises:
        PandaError: the file, or its system, cannot be used; the message says why.
    """
    try:
        file = read_own(path, taken=founder_names(), families=families())
    except ValueError as error:
        raise PandaError(str(error)) from None
    alone = settings.founders.model_copy(
        update={"names": (), "own": (path,), "held_out": (), "held_out_families": (), "validation": ()}
    )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / file.name
        build_own(target, file, alone, settings.search.integration.limits)
        library = FounderLibrary.open(target)
        rms = measure(library, alone, settings.search.integration.limits)
        found = search(library, rms, [Group(file.name, "", 1)], settings.search, seed)
        followed = follow(
            library,
            found,
            _whoever(settings.select),
            settings.follow,
            settings.search.integration.limits,
            seed,
        )
        (row,) = select(found, settings.select, alone, followed).to_dict("records")
        founder = library[file.name]
    default = zip(founder.parameter_names, _split(founder.parameters, founder.parameter_sizes), strict=True)
    lines = [
        ("founder", f"{file.name}, {founder.dimension} coordinates, from {path}"),
        ("family", file.family or "none"),
        ("parameters", ", ".join(f"{name} {_numbers(values)}" for name, values in default) or "none"),
        ("period", f"{founder.period:.4g} units of time"),
        ("sampling", f"dt {row['dt']:.4g}, {settings.search.integration.n_periods} periods a trajectory"),
        ("mean", "unbounded" if founder.mean is None else _numbers(founder.mean)),
        ("std", "unbounded" if founder.std is None else _numbers(founder.std)),
        ("flow rms", _numbers(rms["flow_rms"].iloc[0])),
        ("integration", f"{row['status']} in {row['n_steps']} steps"),
    ]
    return lines + _verdict(row, settings, founder.period)


def _whoever(select: Select) -> Select:
    """A selection that has a founder followed whatever else it fails."""
    everyone = Selection(filters=("integrated", "chaotic", "persistent", "converged"), founders_enter=False)
    return select.model_copy(update={"selections": {select.selection: everyone}})


def _verdict(row: dict, settings: Discover, period: float) -> list[tuple[str, str]]:
    value, error = row["largest_exponent"], row["exponent_error"]
    lines = [
        (
            "lambda_1",
            f"{value:.4g} +- {error:.2g} per unit of time, {value * period:.3g} +- {error * period:.2g} per period"
            if np.isfinite(value)
            else "not measured: the integration did not complete",
        )
    ]
    why = f", {row['why_undecided']}" if row["why_undecided"] else ""
    lines.append(("verdict", f"{row['verdict']}{why}"))
    if row["follow_status"]:
        lines.append(
            (
                "persistence",
                f"{row['follow_status']}, largest distance from the mean late over early {row['growth']:.2g}, "
                f"{row['late_verdict']} at the end",
            )
        )
    if row["fine_verdict"]:
        ended = f", {row['fine_status']}, {row['fine_late_verdict']} at the end"
        lines.append(
            (
                "convergence",
                f"{row['fine_verdict']} at a finer tolerance, lambda_1 {row['fine_exponent']:.4g} +- "
                f"{row['fine_error']:.2g}" + (ended if row["fine_late_verdict"] else ""),
            )
        )
    filters = settings.select.chosen.filters
    failed = [name for name in filters if not FILTERS[name](row, settings.select)]
    n_passed = len(filters) - len(failed)
    lines += [("filters", f"passes {n_passed} of {len(filters)} ({settings.select.selection})")]
    lines += [("fails", ", ".join(failed))] * bool(failed)
    return [*lines, ("enters", _enters(str(row["driver"]), failed, settings))]


def _enters(name: str, failed: list[str], settings: Discover) -> str:
    """Whether the data would hold the founder as it is; its perturbations are judged one by one."""
    if not failed:
        return "yes: as it is, unperturbed, it is among the systems"
    if "integrated" in failed:
        return "no: it has no trajectory"
    if not settings.select.chosen.founders_enter:
        return "no: as it is, it is left out"
    if name in settings.select.own_enter:
        return "yes: discover.select.own_enter names it, whatever it fails"
    return f"no: as it is, it is left out; discover.select.own_enter: [{name}] takes it in all the same"


def _split(values: np.ndarray, sizes: tuple[int, ...]) -> list[np.ndarray]:
    return np.split(values, np.cumsum(sizes)[:-1]) if sizes else []


def _numbers(values: np.ndarray | pd.Series | list[float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)
