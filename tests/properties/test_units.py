"""The same flow in other units: every certified filter says the same, of a founder and of what is bred from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.config import Discover, Founders
from panda.core.errors import PandaError
from panda.discovery.certificates.follow import follow
from panda.discovery.own.founders import build_own
from panda.discovery.search.candidates import Group
from panda.discovery.search.filters import NOT_FOLLOWED, verdicts
from panda.discovery.search.search import search
from panda.systems.library import FounderLibrary

NAME = "Mine"
# Parameters, initial condition, velocities: in units of their own.
FLOWS = {
    "Lorenz": (
        {"s": 10.0, "r": 28.0, "b": 8 / 3},
        [1.0, 1.0, 20.0],
        "s * (y - x), r * x - y - x * z, x * y - b * z",
    ),
    "Rossler": ({"a": 0.2, "b": 0.2, "c": 5.7}, [1.0, 1.0, 0.0], "-y - z, x + a * y, b + z * (x - c)"),
    "cycle": ({"mu": 1.0}, [2.0, 0.0], "y, mu * (1 - x * x) * y - x"),
    "relaxation": ({"mu": 10.0}, [2.0, 0.0], "y, mu * (1 - x * x) * y - x"),
    "forced": (
        {"d": 0.15, "f": 0.3, "w": 1.0},
        [1.0, 0.0],
        "y, -d * y + x - x**3 + f * np.cos(w * t)",
    ),
    "HyperRossler": (
        {"a": 0.25, "b": 3.0, "c": 0.5, "d": 0.05},
        [-10.0, -6.0, 0.0, 10.0],
        "-y - z, x + a * y + w, b + x * z, -c * z + d * w",
    ),
    "small start": (
        {"s": 10.0, "r": 28.0, "b": 8 / 3},
        [1e-5, 0.0, 0.0],
        "s * (y - x), r * x - y - x * z, x * y - b * z",
    ),
}
REST = {
    "fixed point": ({"s": 10.0, "r": 14.0, "b": 8 / 3}, [1.0, 1.0, 20.0], FLOWS["Lorenz"][2]),
    "the origin": ({"d": 0.3}, [1.0, 0.5, -0.3], "y - d * x, -x - d * y, -2 * d * z"),
}
N_MEMBERS = 5


def text(flow: tuple, space: list[float], time: float) -> str:
    """A founder's file: the flow with its coordinates and its time multiplied by the units."""
    parameters, start, rhs = flow
    names = "xyzw"[: len(start)] if len(start) < 4 else "xyzw"
    names = names if "w" not in parameters else names.replace("w", "v")
    return f"""
import numpy as np

parameters = {parameters}
unit = {space[: len(start)]}
initial_condition = [{", ".join(f"{value!r} * {unit!r}" for value, unit in zip(start, space, strict=False))}]


def rhs(state, t, *, {", ".join(parameters)}):
    {", ".join(names)} = [q / u for q, u in zip(state, unit)]
    t = t / {time!r}
    return [f * u / {time!r} for f, u in zip([{rhs}], unit)]
"""


def searched(
    folder: Path, flow: tuple, space: list[float], time: float, discover: Discover
) -> tuple[pd.DataFrame, float]:
    """The founder and its perturbations, searched; and its period."""
    folder.mkdir()
    path = folder / f"{NAME}.py"
    path.write_text(text(flow, space, time))
    none = {"names": [], "held_out": [], "held_out_families": [], "validation": []}
    founders = Founders.model_validate(discover.founders.model_dump() | none | {"own": [str(path)]})
    (file,) = founders.own_files()
    build_own(folder / "library", file, founders, discover.search.integration.limits)
    library = FounderLibrary.open(folder / "library")
    nothing = pd.DataFrame({"founder": [], "flow_rms": []})
    table = search(library, nothing, [Group(NAME, "", N_MEMBERS)], discover.search, 5)
    # The reference's own filters have units, and `stationary` rejects one piece in twenty: neither may decide here who
    # is followed.
    chosen = discover.select.selections["certified"]
    kept = tuple(filter_name for filter_name in chosen.filters if filter_name != "stationary")
    certified = {"certified": chosen.model_copy(update={"filters": kept})}
    select = discover.select.model_copy(update={"selections": certified})
    longer = follow(library, table, select, discover.follow, discover.search.integration.limits, 5)
    return table.merge(longer, on="system", how="left").fillna(NOT_FOLLOWED), library[NAME].period


def passed(table: pd.DataFrame, discover: Discover) -> pd.DataFrame:
    return verdicts(table, discover.select)[list(discover.select.selections["certified"].filters)]


MILLIONTH, MILLION = 2.0**-20, 2.0**20


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize(
    "space",
    [[MILLIONTH] * 4, [MILLION] * 4, [MILLIONTH, MILLION, 1.0, 1024.0]],
    ids=["small", "large", "mixed"],
)
def test_units_that_are_powers_of_two_change_no_bit(smoke, tmp_path: Path, name: str, space: list[float]):
    """All numbers are then the same up to their exponents, so that even chaos cannot part them."""
    one, period = searched(tmp_path / "one", FLOWS[name], [1.0] * 4, 1.0, smoke.discover)
    other, same = searched(tmp_path / "other", FLOWS[name], space, 1.0, smoke.discover)
    assert period == same
    pd.testing.assert_frame_equal(passed(one, smoke.discover), passed(other, smoke.discover))
    columns = ("status", "n_steps", "return_distance", "relative_tail_step", "straightness")
    columns = (*columns, "verdict", "follow_status", "growth", "followed_exponent", "fine_exponent")
    for column in (*columns, "largest_exponent", "exponent_error"):
        np.testing.assert_array_equal(one[column], other[column])


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize(
    ("space", "time"),
    [
        ([1e-6] * 4, 1.0),
        ([1e-6, 1e6, 1.0, 1e3], 1.0),
        ([1.0] * 4, 1e-6),
        ([1.0] * 4, 1e6),
        ([1e6, 1e-9, 1e3, 1e-3], 1e-9),
    ],
    ids=["small", "mixed", "fast", "slow", "everything"],
)
def test_other_units_change_no_verdict(smoke, tmp_path: Path, name: str, space: list[float], time: float):
    """Roundings part chaotic trajectories: of the same attractor, other pieces. So `stationary`, which rejects one piece
    in twenty by its level, is left out, the period of Lorenz' flow is only known within a factor, and exponents differ by
    their errors, which are made small."""
    exponent = smoke.discover.search.exponent.model_copy(update={"n_periods": 300})
    longer = smoke.discover.search.model_copy(update={"exponent": exponent})
    discover = smoke.discover.model_copy(update={"search": longer})
    one, period = searched(tmp_path / "one", FLOWS[name], [1.0] * 4, 1.0, discover)
    other, in_units = searched(tmp_path / "other", FLOWS[name], space, time, discover)
    assert in_units / time == pytest.approx(period, rel=0.7)
    assert one["status"].tolist() == other["status"].tolist()
    ours, theirs = (passed(table, smoke.discover).drop(columns="stationary") for table in (one, other))
    pd.testing.assert_series_equal(ours.iloc[0], theirs.iloc[0])
    errors = np.hypot(one["exponent_error"], other["exponent_error"] * time)
    assert (
        abs(one["largest_exponent"][0] - other["largest_exponent"][0] * time) < 5 * errors[0] + 0.005 / period
    )


@pytest.mark.parametrize("name", REST)
@pytest.mark.parametrize(
    ("space", "time"), [([1.0] * 4, 1.0), ([1e-6] * 4, 1.0), ([1e6] * 4, 1e-6), ([1e-6, 1e6, 1.0], 1e6)]
)
def test_rest_is_rest_in_any_units(smoke, tmp_path: Path, name: str, space: list[float], time: float):
    with pytest.raises(PandaError, match="ends in a fixed point"):
        searched(tmp_path / "one", REST[name], space, time, smoke.discover)
