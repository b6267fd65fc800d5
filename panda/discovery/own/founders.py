"""A user's own founders compiled and measured: period, scale, and a folder of code keyed by their content."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from panda.config import Discover, Founders
from panda.config.own_founders import OwnFile
from panda.core.code_version import code_version
from panda.core.errors import PandaError
from panda.core.files import locked
from panda.core.limits import Limits
from panda.core.provenance import hash_of
from panda.dynamics.integrate import Status, Trajectories, integrate
from panda.invariants.period import period_per_octave
from panda.systems.evaluate import jacobian_vector, right_hand_side
from panda.systems.flow import Flow, Founder
from panda.systems.library import FounderLibrary, build_one
from panda.systems.own import read_system, trace_own
from panda.systems.postprocess import saved_coordinates
from panda.systems.skew import founder_ensemble

_SOURCE = Path(__file__).resolve().parents[3]
_MEASURED_BY = (
    "reference_points", "reference_periods", "reference_transient", "reference_rtol", "reference_atol",
    "period_rounds", "period_windows",
)  # fmt: skip
_LIMITS = ("max_steps", "max_abs", "max_angle", "min_step")
# A time scale that the step budget cannot carry is taken for this many times too long.
_TOO_LONG = 10.0
# A coordinate that varies by less than this many tolerances is at rest: near a fixed point an explicit method
# rattles at some tens of them.
_AT_REST = 100.0
# The initial condition may be this many times larger than the attractor, far below `max_abs`.
_FARTHEST_START = 1e3
# Times at which a forced founder may move though it does not at 0.
_LATER = 2.0 ** np.arange(-40.0, 41.0)


def own_folder(folder: Path, file: OwnFile, settings: Discover) -> Path:
    """Where a founder's code and metadata stand, below the library's folder.

    The name holds a hash of all that they depend on: the file's content, the settings that measure the period,
    our code. An edited file has another folder; the old one stays, for runs that still use it.
    """
    key = [
        file.digest,
        settings.founders.model_dump(mode="json", include=set(_MEASURED_BY)),
        settings.search.integration.model_dump(mode="json", include=set(_LIMITS)),
        code_version(["panda.discovery.own.founders", "panda.systems.library"], _SOURCE),
    ]
    return folder / "own" / f"{file.name}-{hash_of(key)}"


def ensure_own(folder: Path, settings: Discover) -> None:
    """Compile and measure the user's founders where that has not been done, or is damaged.

    Raises:
        PandaError: a file cannot be compiled, or its system cannot be measured.
    """
    for part in (folder / "own").glob("*.part"):  # of a killed build, once no one holds its lock
        with locked(part.with_suffix(".lock")):
            shutil.rmtree(part, ignore_errors=True)
    for file in settings.founders.own_files():
        target = own_folder(folder, file, settings)
        with locked(target.with_suffix(".lock")):
            if not _is_whole(target):
                build_own(target, file, settings.founders, settings.search.integration.limits)


def _is_whole(target: Path) -> bool:
    """Is a founder there, of this machine, and undamaged?"""
    try:
        return not FounderLibrary.open(target).damaged()
    except PandaError:
        return False


def open_library(folder: Path, settings: Discover) -> FounderLibrary:
    """The compiled founders of dysts and, if the configuration names any, the user's own.

    Raises:
        PandaError: a library is missing or stale.
    """
    library = FounderLibrary.open(folder)
    own = []
    for file in settings.founders.own_files():
        target = own_folder(folder, file, settings)
        if not target.is_dir():
            raise PandaError(
                f"{file.path}: not compiled as it stands now; run `panda discover compile` and what follows it"
            )
        own.append(FounderLibrary.open(target))
    return library.with_founders(own)


def build_own(target: Path, file: OwnFile, settings: Founders, limits: Limits) -> None:
    """Compile one founder into `target` and measure it; the folder appears whole or not at all.

    Raises:
        PandaError: the file cannot be compiled, or its system cannot be measured.
    """
    traced = trace_own(read_system(file.path))
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)

    def complete(library: FounderLibrary) -> Founder:
        return measure_own(library.flow(file.name), file.path, settings, limits)

    try:
        build_one(part, traced, complete)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def measure_own(flow: Flow, path: str, settings: Founders, limits: Limits) -> Founder:
    """The founder with its scales, its period, unless its file states one, with `dt`, `mean` and `std`.

    The time scale tau = 2 pi std(x) / rms(dx/dt) is refined from window to window, the first of which spans
    `reference_periods` of what the right-hand side says at x0, and so is `scale`, the root mean square of each
    coordinate, so that no bound and no tolerance depends on units. Then the spectra of `period_windows` windows are
    averaged; the period is the median over the coordinates of the periods with most power per octave. dysts takes the
    highest line of the spectrum; where the spectrum has a line both agree. `dt` samples `reference_periods` at
    `reference_points`. `mean` and `std` are those of the raw coordinates, None where a coordinate is unbounded.

    Raises:
        PandaError: the initial condition is a fixed point, the trajectory does not stay bounded or in the step
            budget, or no coordinate varies.
    """
    founder = flow.driver
    flow, state = _scaled(flow, path, settings, limits)
    span = settings.reference_periods * (flow.time_scale if np.isnan(founder.period) else founder.period)
    saved, raw = [], []
    for _ in range(settings.period_windows):
        run = _window(flow, state, span, settings, limits)
        if run.status[0] != Status.complete:
            raise PandaError(_failure(path, int(run.status[0]), span, limits))
        saved.append(_saved(flow, run.states)[0].T)
        raw.append(run.states[0])
        state = run.states[0, -1]
    period = founder.period
    if np.isnan(period):
        periods = period_per_octave(np.stack(saved)) * span / (settings.reference_points - 1)
        if not np.isfinite(periods).any():
            raise PandaError(f"{path}: no coordinate varies: its trajectory ends in a fixed point")
        period = float(np.nanmedian(periods))
    bounded = not founder.unbounded_indices
    states = np.concatenate(raw)
    return replace(
        founder,
        scale=_sizes(flow, states, run_dt=span / (settings.reference_points - 1)),
        time_scale=period,
        period=period,
        dt=period * settings.reference_periods / (settings.reference_points - 1),
        mean=states.mean(axis=0) if bounded else None,
        std=states.std(axis=0) if bounded else None,
    )


def _scaled(
    flow: Flow, path: str, settings: Founders, limits: Limits
) -> tuple[Flow, Float64[np.ndarray, " dimension"]]:
    """The flow with its scales, times by 2 pi std(x) / rms(dx/dt), the median over the coordinates that move; and
    a state on the attractor."""
    state = flow.driver.initial_condition
    tau, scale = _first_scales(flow, path)
    status = Status.complete
    for _ in range(settings.period_rounds):
        flow = replace(flow, driver=replace(flow.driver, scale=scale, time_scale=tau))
        span = settings.reference_periods * tau
        run = _window(flow, state, span, settings, limits)
        status = Status(int(run.status[0]))
        if status == Status.budget:
            tau /= _TOO_LONG
            continue
        if status == Status.diverged and np.isfinite(run.states[0]).all(axis=1).sum() > 1:
            # It may have started far inside its attractor: a bound on that is none on this.
            reached = np.nanmax(np.abs(run.states[0]), axis=0)
            scale = np.maximum(scale, reached)
            continue
        if status != Status.complete:
            raise PandaError(_failure(path, status, span, limits))
        first = int(settings.reference_points * settings.reference_transient)
        kept = _saved(flow, run.states)[0, first:]
        speed = np.sqrt(np.mean(np.diff(kept, axis=0) ** 2, axis=0)) * (settings.reference_points - 1) / span
        tolerance = settings.reference_atol * scale + settings.reference_rtol * np.abs(kept.mean(axis=0))
        at_rest = kept.std(axis=0) <= _AT_REST * tolerance
        moves = ~at_rest & (speed > 0)
        if not moves.any():
            raise PandaError(f"{path}: no coordinate varies: its trajectory ends in a fixed point")
        tau = float(2 * np.pi * np.median(kept.std(axis=0)[moves] / speed[moves]))
        run_dt = span / (settings.reference_points - 1)
        scale = _sizes(
            replace(flow, driver=replace(flow.driver, time_scale=tau)), run.states[0, first:], run_dt=run_dt
        )
        state = run.states[0, -1]
    if status != Status.complete:
        raise PandaError(_failure(path, status, settings.reference_periods * tau, limits))
    return replace(flow, driver=replace(flow.driver, scale=scale, time_scale=tau)), state


def _first_scales(flow: Flow, path: str) -> tuple[float, Float64[np.ndarray, " dimension"]]:
    """A time scale and the sizes of the coordinates from the initial condition alone, free of units.

    With f the velocity and g = (df/dx) f the acceleration there, times are |x_i / f_i|, |f_i / g_i| and
    |x_i / g_i|^(1/2), of which the median is taken, and the size of a coordinate that starts at 0 is how far it gets
    in that time.
    """
    x = flow.driver.initial_condition
    ensemble = founder_ensemble(flow, flow.driver.parameters[None], x[None])
    # A forcing may be zero at time 0, and its own time is not known yet.
    for time in np.array([0.0, *(_LATER if flow.driver.time_dependent else ())])[:, None]:
        f = right_hand_side(flow, ensemble, x[None], time)[0]
        if f.any() and np.isfinite(f).all():
            break
    else:
        raise PandaError(f"{path}: `initial_condition` is a fixed point; start elsewhere")
    g = jacobian_vector(flow, ensemble, x[None], f[None], time)[0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        times = np.abs(np.concatenate([x / f, f / g, np.sqrt(np.abs(x / g))]))
    times = times[np.isfinite(times) & (times > 0.0)]
    tau = float(np.median(times)) if len(times) else 1.0
    size = np.where(x != 0.0, np.abs(x), np.maximum(np.abs(f) * tau, np.abs(g) * tau**2))
    return 2 * np.pi * tau, np.where(size > 0.0, size, size.max() or 1.0)


def _sizes(
    flow: Flow, states: Float64[np.ndarray, "time dimension"], *, run_dt: float
) -> Float64[np.ndarray, " dimension"]:
    """Root mean square of each coordinate, of a phase what it moves in a 2 pi-th of the time scale; no less than what
    keeps the initial condition well within bounds."""
    moved = np.sqrt(np.mean((states[1:] - states[:-1]) ** 2, axis=0)) * flow.time_scale / (2 * np.pi * run_dt)
    size = np.where(flow.driver.bounded, np.sqrt(np.mean(states**2, axis=0)), moved)
    size = np.maximum(size, np.abs(flow.driver.initial_condition) / _FARTHEST_START)
    return np.where(size > 0.0, size, size.max())


def _window(
    flow: Flow, state: Float64[np.ndarray, " dimension"], span: float, settings: Founders, limits: Limits
) -> Trajectories:
    return integrate(
        flow,
        founder_ensemble(flow, flow.driver.parameters[None], state[None]),
        duration=np.array([span]),
        n_points=settings.reference_points,
        limits=settings.reference_limits(limits),
    )


def _saved(
    flow: Flow, states: Float64[np.ndarray, "n time dimension"]
) -> Float64[np.ndarray, "n time dimension"]:
    ensemble = founder_ensemble(flow, flow.driver.parameters[None], states[:, 0])
    return saved_coordinates(flow, ensemble, states)


def _failure(path: str, status: int, span: float, limits: Limits) -> str:
    why = {
        Status.diverged: f"leaves the bounds (discover.search.integration.max_abs, {limits.max_abs:g} times its size); "
        "other parameters, another initial condition, or `unbounded_indices` for a phase",
        Status.budget: f"needs more than {limits.max_steps} steps for a time of {span:.3g}; is it stiff?",
        Status.underflow: f"needs a step below {limits.min_step:g} of its time scale; is there a singularity?",
    }
    return f"{path}: the trajectory from `initial_condition` {why[Status(status)]}"
