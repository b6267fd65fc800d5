"""Do certified exponents hold by a route of their own? `python -m benchmarks.two_trajectories CATALOGUE`.

For systems of a published catalogue, drawn by lot, the largest exponent is measured anew without any of our code that
computes with flows: right-hand sides are dysts' own, skew products are written out here, scipy's DOP853 integrates, and
in the place of a tangent vector a second trajectory stands nearby, which is brought back to its distance again and
again (Benettin and others 1980). Per line: the system, both exponents with their errors, and their difference in units
of both errors; the last line has how many of them agree within three.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from dysts import flows
from dysts.base import DynSysDelay
from jaxtyping import Float64
from scipy.integrate import solve_ivp

SEED = 20261127
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}
DISTANCE = 1e-7  # of the attractor's size, between the two trajectories when they are brought together
BLOCKS = 20  # of which the standard error is computed

State = Float64[np.ndarray, " dimension"]
Velocity = Callable[[float, State], State]


class Exponent(NamedTuple):
    """Per unit of time, with its standard error."""

    value: float
    error: float


def founder(name: str, values: Float64[np.ndarray, " parameter"]) -> Velocity:
    """dysts' right-hand side with these parameters, which a catalogue lists in the order of their names."""
    system: Any = getattr(flows, name)()
    used = 0
    for key in sorted(system.params):
        default = np.asarray(system.params[key], dtype=float)
        own = np.asarray(values[used : used + default.size]).reshape(default.shape)
        used += default.size
        system.params[key] = own if default.shape else float(own)
        setattr(system, key, system.params[key])
    system.param_list = [system.params[key] for key in sorted(system.params)]
    return lambda t, x: np.asarray(system.rhs(x, t), dtype=float)


def velocity(row: Any) -> Velocity:
    """The right-hand side of a system of the catalogue.

    Of a skew product: `dx = f(x)`, `dy_i = kappa_i f_{pi(i)}(x) + lambda_i g_i(y)`, f being zero beyond its dimension.
    """
    if not row.response:
        return founder(row.driver, row.driver_parameters)
    drive, respond = (
        founder(row.driver, row.driver_parameters),
        founder(row.response, row.response_parameters),
    )
    index, scale, own = (np.asarray(row[key]) for key in ("driver_index", "driver_scale", "response_scale"))
    n = len(row.initial) - row.dimension

    def both(t: float, state: State) -> State:
        driver = drive(t, state[:n])
        padded = np.pad(driver, (0, max(row.dimension - n, 0)))[index]
        return np.concatenate([driver, scale * padded + own * respond(t, state[n:])])

    return both


def exponent(
    right_hand_side: Velocity, start: State, *, period: float, n_periods: int, n_transient: int
) -> Exponent:
    """Mean growth of the distance of two trajectories, brought together once a period.

    Raises:
        ArithmeticError: a trajectory does not reach its end.
    """
    state, path = _run(right_hand_side, np.array(start, dtype=float), 0.0, n_transient * period)
    size = DISTANCE * float(np.linalg.norm(path.std(axis=1)))
    apart = np.random.default_rng(SEED).standard_normal(len(state))
    growth = np.empty(n_periods)
    for k in range(n_periods):
        begin, end = (n_transient + k) * period, (n_transient + k + 1) * period
        near = state + size * apart / np.linalg.norm(apart)
        # As one system, so that both take the same steps and their errors cancel.
        joined = np.concatenate([state, near])
        joined, _ = _run(_twice(right_hand_side, len(state)), joined, begin, end)
        state, near = np.split(joined, 2)
        apart = near - state
        growth[k] = np.log(np.linalg.norm(apart) / size)
    blocks = growth.reshape(BLOCKS, -1).mean(axis=1) / period
    return Exponent(float(blocks.mean()), float(blocks.std(ddof=1) / np.sqrt(BLOCKS)))


def _twice(right_hand_side: Velocity, dimension: int) -> Velocity:
    return lambda t, pair: np.concatenate(
        [right_hand_side(t, pair[:dimension]), right_hand_side(t, pair[dimension:])]
    )


def _run(
    right_hand_side: Velocity, state: State, begin: float, end: float
) -> tuple[State, Float64[np.ndarray, "dimension time"]]:
    solved = solve_ivp(right_hand_side, (begin, end), state, method="DOP853", **TOLERANCE)
    if not solved.success or not np.isfinite(solved.y[:, -1]).all():
        raise ArithmeticError(solved.message)
    return solved.y[:, -1], solved.y


def draw(catalogue: str, n: int, seed: int) -> pd.DataFrame:
    """Certified systems by lot; those with delay, which scipy cannot integrate, are left out."""
    columns = [
        "system", "driver", "response", "dimension", "period", "driver_parameters",
        "response_parameters", "driver_scale", "response_scale", "driver_index", "initial", "largest_exponent",
        "exponent_error", "certified",
    ]  # fmt: skip
    rows = pd.read_parquet(catalogue, columns=columns)
    plain = rows[rows["certified"]].reset_index(drop=True)
    ordinary = [
        _is_ordinary(a) and _is_ordinary(b) for a, b in zip(plain["driver"], plain["response"], strict=True)
    ]
    plain = plain[ordinary].reset_index(drop=True)
    return plain.iloc[np.random.default_rng(seed).permutation(len(plain))[:n]]


def _is_ordinary(name: str) -> bool:
    return not name or not issubclass(getattr(flows, name), DynSysDelay)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("catalogue", help="a published catalogue")
    parser.add_argument("--systems", type=int, default=12, help="how many of it, drawn by lot")
    parser.add_argument(
        "--periods", type=int, default=200, help=f"over which to measure, a multiple of {BLOCKS}"
    )
    parser.add_argument("--transient", type=int, default=50, help="periods before")
    parser.add_argument("--seed", type=int, default=SEED, help="of the lot")
    arguments = parser.parse_args()
    if arguments.periods < BLOCKS or arguments.periods % BLOCKS:
        parser.error(f"--periods must be a multiple of {BLOCKS}")
    start, agree, measured = time.process_time(), 0, 0
    for _, row in draw(arguments.catalogue, arguments.systems, arguments.seed).iterrows():
        try:
            found = exponent(
                velocity(row), row.initial, period=row.period, n_periods=arguments.periods,
                n_transient=arguments.transient,
            )  # fmt: skip
        except ArithmeticError as error:
            print(f"{row.system:44s} does not reach its end: {error}")
            continue
        measured += 1
        apart = (found.value - row.largest_exponent) / np.hypot(found.error, row.exponent_error)
        agree += abs(apart) <= 3
        print(
            f"{row.system:44s} catalogue {row.largest_exponent:9.5f} +- {row.exponent_error:.5f}, two trajectories "
            f"{found.value:9.5f} +- {found.error:.5f}, apart by {apart:+.1f} errors",
            flush=True,
        )
    print(f"agree={agree} n={measured} cpu_s={time.process_time() - start:.0f}")


if __name__ == "__main__":
    main()
