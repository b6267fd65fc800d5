"""The whole Lyapunov spectra of accepted systems, and what they say: dimension, and what a response does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Spectrum
from panda.config.founder_names import delayed_names
from panda.core.errors import PandaError
from panda.core.limits import Limits
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.discovery.search.candidates import member_generator
from panda.dynamics.integrate import Status, integrate
from panda.dynamics.schedule import Schedule
from panda.dynamics.spectrum import Summary, lyapunov_spectrum, summarise
from panda.systems.evaluate import divergence
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import by_flow, from_rows

# Systems of a flow integrated side by side; a result does not depend on it.
BATCH = 32
# A tangent vector that got lost at a jump: what any segment says then goes before how the states ended.
LOST = (Status.sliding, Status.grazing)
CHAOTIC, SYNCHRONISED, UNDECIDED, NO_RESPONSE = "chaotic", "synchronised", "undecided", ""
LISTS = ("exponents", "exponent_errors", "conditional_exponents", "conditional_errors")
NUMBERS = ("exponent_sum", "exponent_sum_error", "mean_divergence", "kaplan_yorke", "kaplan_yorke_error")
COLUMNS = (
    "system",
    "name",
    "population",
    "period",
    "dt",
    "status",
    "n_blocks",
    *LISTS,
    *NUMBERS,
    "confirmed",
    "response_kind",
)


def chosen_systems(catalogue: pd.DataFrame, max_systems: int | None, seed: int) -> pd.DataFrame:
    """The accepted systems that are measured: all, or `max_systems` of them in an order fixed by the seed.

    Founders with delay are left out: their exponents are infinitely many.
    """
    measured = catalogue["accepted"] & ~catalogue["driver"].isin(delayed_names())
    accepted = catalogue[measured].sort_values("system", ignore_index=True)
    if max_systems is None or len(accepted) <= max_systems:
        return accepted
    order = generator(seed, "discover", "spectra").permutation(len(accepted))
    return accepted.iloc[np.sort(order[:max_systems])].reset_index(drop=True)


def measure_spectra(
    library: FounderLibrary,
    systems: pd.DataFrame,
    settings: Spectrum,
    limits: Limits,
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """One row per system of the catalogue without delay: its spectrum and what follows, per time unit of the system.

    A trajectory of the transient and `n_periods` from where following it ended (`follow`; else from the stored state),
    so that its certificate is confirmed by a run of its own, is cut into `n_segments` of equal
    length. Tangent vectors are followed in every segment apart, from a transient before it on, and blocks
    of all segments are averaged: the same time average as in one piece, in lanes that would else be empty.
    A system whose trajectory or segments end early keeps its status, and the spectrum of the blocks done.

    Columns: `status`; `n_blocks` averaged over; `exponents` from the largest on and `exponent_errors`;
    `exponent_sum` beside `mean_divergence` along the trajectory, which it equals up to sampling;
    `kaplan_yorke`; `confirmed`, whether the largest exponent is that of chaos (`is_chaotic`); for a skew product
    the response's `conditional_exponents`, and `response_kind`.
    `limits` gives the bounds on states and steps.
    """
    rows: list[tuple] = []
    for flow, part in by_flow(library, systems, BATCH):
        stream = member_generator(seed, flow.name, "spectrum")
        results = member_spectra(flow, at_the_end(flow, part), settings, limits, stream)
        for record, (status, blocks, mean_divergence) in zip(part.to_dict("records"), results, strict=True):
            known = [record[name] for name in ("system", "name", "population", "period", "dt")]
            rows.append(
                (
                    *known,
                    status.name,
                    len(blocks),
                    *_numbers(flow, blocks, mean_divergence, status, settings),
                )
            )
        if progress is not None:
            progress.advance(len(part))
    # Typed, because a shard may be empty.
    types = {
        "n_blocks": np.int64,
        "confirmed": np.bool_,
        **dict.fromkeys(("period", "dt", *NUMBERS), np.float64),
    }
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def at_the_end(flow: Flow, rows: pd.DataFrame) -> Ensemble:
    """The members where following them ended, so that nothing is measured twice; who was not followed at its start.

    At the start also where the field depends on time, of which runs begin at 0.
    """
    members = from_rows(rows)
    if "end_state" not in rows or flow.time_dependent:
        return members
    ends = [np.asarray(state, dtype=np.float64) for state in rows["end_state"]]
    initial = [
        end if end.size and np.isfinite(end).all() else start
        for end, start in zip(ends, members.initial, strict=True)
    ]
    return replace(members, initial=np.stack(initial))


def member_spectra(
    flow: Flow, ensemble: Ensemble, settings: Spectrum, limits: Limits, stream: np.random.Generator
) -> Iterator[tuple[Status, Float64[np.ndarray, "n_blocks dimension"], float]]:
    """Each member's status, completed blocks (columns as in `Spectra`) and mean divergence; see `measure_spectra`."""
    n, n_segments = len(ensemble), settings.n_segments
    segment = settings.segment_periods * flow.period
    transient = settings.transient_periods * flow.period
    limits = replace(limits, max_steps=settings.max_steps)
    # Long enough for the last segment's end to be reached on the same grid of points as its start.
    n_intervals = int(np.ceil((n_segments + transient / segment) * settings.points_per_segment))
    times = np.arange(n_intervals + 1) * segment / settings.points_per_segment
    run = integrate(
        flow,
        ensemble,
        duration=np.full(n, times[-1]),
        n_points=len(times),
        limits=limits,
    )
    # Segment k is measured from its transient on, so it starts at k times its length.
    starts = run.states[:, : n_segments * settings.points_per_segment : settings.points_per_segment]
    every = replace(ensemble[np.repeat(np.arange(n), n_segments)], initial=starts.reshape(-1, flow.dimension))
    found = lyapunov_spectrum(
        flow,
        every,
        schedule=Schedule(
            np.full(len(every), segment), np.full(len(every), transient), settings.n_blocks // n_segments
        ),
        generator=stream,
        limits=replace(limits, rtol=settings.rtol, atol=settings.atol),
    )
    for member in range(n):
        own = slice(member * n_segments, (member + 1) * n_segments)
        blocks = found.blocks[own].reshape(-1, flow.dimension)
        reached = np.flatnonzero((times >= transient) & np.isfinite(run.states[member]).all(axis=1))
        along = divergence(
            flow, ensemble[[member] * len(reached)], run.states[member, reached], times[reached]
        )
        statuses = [Status(int(status)) for status in (run.status[member], *found.status[own])]
        failed = [status for status in statuses if status != Status.complete]
        yield (
            next((status for status in failed if status in LOST), failed[0]) if failed else Status.complete,
            blocks[np.isfinite(blocks).all(axis=1)],
            float(along.mean()) if len(reached) else float("nan"),
        )


def join(shards: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all shards, by system.

    Raises:
        PandaError: a system occurs twice.
    """
    table = pd.concat(shards, ignore_index=True).sort_values("system", ignore_index=True)
    twice = table["system"][table["system"].duplicated()]
    if len(twice):
        raise PandaError(f"{twice.iloc[0]} is in two shards of spectra; delete them and measure again")
    return table


def is_chaotic(exponent: float, error: float, settings: Spectrum, period: float) -> bool:
    """Whether an exponent is by `min_sigmas` standard errors above what growth like ``t^min_power`` shows.

    Over a segment that is ``min_power ln(1 + T / t_0) / T``: in regular motion shear parts neighbours like t,
    with hardly any scatter.
    """
    transient, segment = settings.transient_periods * period, settings.segment_periods * period
    shear = settings.min_power * np.log1p(segment / transient) / segment
    return bool(exponent - settings.min_sigmas * error > shear)


def response_kind(summary: Summary, settings: Spectrum, period: float) -> str:
    """What the largest conditional exponent says, if it differs from zero by `min_sigmas` standard errors.

    `chaotic`: the response amplifies small differences of its own (`is_chaotic`). `synchronised`: it forgets its
    start and follows its driver. `undecided`: not told apart. Empty for a founder, which has no response.
    """
    if not len(summary.conditional):
        return NO_RESPONSE
    largest, error = summary.conditional[0], summary.conditional_errors[0]
    if is_chaotic(largest, error, settings, period):
        return CHAOTIC
    return SYNCHRONISED if largest < -settings.min_sigmas * error else UNDECIDED


def _numbers(
    flow: Flow, blocks: np.ndarray, mean_divergence: float, status: Status, settings: Spectrum
) -> tuple:
    """The columns from the first list on; NaN and empty lists where not a single block was completed."""
    if not len(blocks):
        return (*[np.empty(0) for _ in LISTS], *[np.nan for _ in NUMBERS], False, NO_RESPONSE)
    found = summarise(blocks, flow.driver_dimension, settings.min_blocks)
    lists = (found.exponents, found.errors, found.conditional, found.conditional_errors)
    numbers = (found.total, found.total_error, mean_divergence, found.kaplan_yorke, found.kaplan_yorke_error)
    confirmed = is_chaotic(found.exponents[0], found.errors[0], settings, flow.period)
    kind = response_kind(found, settings, flow.period)
    if status in LOST:  # what grew before confirms nothing
        confirmed, kind = False, UNDECIDED if kind else NO_RESPONSE
    return (*lists, *numbers, confirmed, kind)
