"""What is measured: founders and skew products, once as ours and once as dysts' own objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from panda.config.founder_names import founder_names
from panda.core.limits import Limits
from panda.core.seeds import generator
from panda.discovery.search.warm import ensure_library
from panda.dynamics.integrate import Trajectories, integrate
from panda.systems.evaluate import flow_rms
from panda.systems.flow import Ensemble, Flow, Founder
from panda.systems.library import FounderLibrary
from panda.systems.skew import default_member, founder_ensemble, skew_ensemble

ROOT = Path(__file__).resolve().parents[1]
FOUNDERS = ROOT / ".cache" / "founders"
"""Where the workflow and the tests keep the compiled founders too."""

LIMITS: dict[str, Any] = {"max_steps": 1_000_000, "max_abs": 1e6, "max_angle": 1e8, "min_step": 1e-14}
"""Loose: what is measured here is a method on systems that are known to complete."""

RMS_PERIODS, RMS_POINTS = 40, 4096  # the reference trajectory that sizes a founder's velocities (spec 1.3)


@dataclass(frozen=True, eq=False)
class Subject:
    """A founder or a pair: our flow with one member (published parameters and start), and dysts' way to it."""

    flow: Flow
    member: Ensemble
    make_theirs: Callable[[], Any]

    @cached_property
    def theirs(self) -> Any:
        """dysts' object; made when first asked for, which takes a while."""
        return self.make_theirs()

    @property
    def name(self) -> str:
        """``Driver`` or ``Driver_Response``."""
        return self.flow.name

    @property
    def smooth(self) -> bool:
        """True if no right-hand side in it has a kink or a jump."""
        return all(founder.smooth for founder in self.founders)

    @property
    def lyapunov_time(self) -> float:
        """``1 / lambda_1`` by dysts' estimate, in time units; of the faster founder of a pair."""
        return 1.0 / max(founder.maximum_lyapunov_estimated for founder in self.founders)

    @cached_property
    def founders(self) -> list[Founder]:
        """The founder, or the driver and the response."""
        return [founder for founder in (self.flow.driver, self.flow.response) if founder is not None]

    def run(self, ensemble: Ensemble, duration: Any, n_points: int, *, rtol: float) -> Trajectories:
        """Our integrator at relative tolerance ``rtol`` and, as in the paper, a tenth of it as absolute one."""
        duration = np.broadcast_to(np.asarray(duration, dtype=np.float64), (len(ensemble),))
        return integrate(
            self.flow,
            ensemble,
            duration=duration,
            n_points=n_points,
            limits=Limits(rtol=rtol, atol=rtol / 10, **LIMITS),
        )


def open_library() -> FounderLibrary:
    """All founders compiled; built first (some ten seconds) where they are missing."""
    return ensure_library(FOUNDERS, founder_names())


def subject(library: FounderLibrary, names: tuple[str, ...]) -> Subject:
    """A founder ``(name,)`` or the pair ``(driver, response)``, unperturbed."""
    return _founder(library, *names) if len(names) == 1 else _pair(library, *names)


def random_pairs(names: tuple[str, ...], seed: int) -> list[tuple[str, str]]:
    """All ordered pairs of different founders in a random order that the seed decides."""
    pairs = list(permutations(sorted(names), 2))
    return [pairs[i] for i in generator(seed, "benchmarks", "pairs").permutation(len(pairs))]


def _founder(library: FounderLibrary, name: str) -> Subject:
    from dysts import flows

    flow = library.flow(name)
    member = founder_ensemble(flow, flow.driver.parameters[None], flow.driver.initial_condition[None])
    return Subject(flow, member, getattr(flows, name))


def _pair(library: FounderLibrary, driver: str, response: str) -> Subject:
    """The pair's default skew product (paper, 1.3: velocities brought to size 1), ours and dysts'."""
    from dysts import flows
    from dysts.base import SkewProduct
    from dysts.coupling import RandomAdditiveCouplingMap

    flow = library.flow(driver, response)
    driver_rms, response_rms = (_velocity(library, name) for name in (driver, response))
    member = default_member(flow, driver_rms=driver_rms, response_rms=response_rms, stiffness=1.0)
    coupling = RandomAdditiveCouplingMap(
        flow.driver_dimension,
        flow.response_dimension,
        driver_scale=member.driver_scale,
        response_scale=member.response_scale,
    )

    def theirs() -> SkewProduct:
        return SkewProduct(getattr(flows, driver)(), getattr(flows, response)(), coupling_map=coupling)

    return Subject(flow, skew_ensemble(flow, [member]), theirs)


def _velocity(library: FounderLibrary, name: str) -> Float64[np.ndarray, " dimension"]:
    founder = _founder(library, name)
    duration = RMS_PERIODS * founder.flow.period
    states = founder.run(founder.member, duration, RMS_POINTS, rtol=1e-9).states[0]
    half = RMS_POINTS // 2
    return flow_rms(founder.flow, states[half:], np.linspace(0, duration, RMS_POINTS)[half:])
