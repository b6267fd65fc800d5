"""The members of a group of candidates, drawn from the seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from panda.config import Search
from panda.discovery.search.candidates import Group, member_generator
from panda.systems.flow import Ensemble, Flow
from panda.systems.mutation import perturb
from panda.systems.skew import default_member, founder_ensemble, mutate_member, skew_ensemble


def draw_members(
    flow: Flow,
    group: Group,
    settings: Search,
    rms: Mapping[str, Float64[np.ndarray, " dimension"]],
    seed: int,
) -> Ensemble:
    """All members of a group: member 0 unperturbed, the others mutated, each from its own stream.

    A founder without parameters is a group of one: its perturbations would be copies of it.
    """
    options = settings.mutation.model_dump()
    streams = [member_generator(seed, group.system(i), "parameters") for i in range(1, group.n_members)]
    if flow.response is None:
        founder = flow.driver
        streams = streams if founder.n_parameters else []
        mutated = [
            perturb(founder.parameters, sizes=founder.parameter_sizes, **options, generator=stream)
            for stream in streams
        ]
        initial = np.tile(founder.initial_condition, (1 + len(streams), 1))
        return founder_ensemble(flow, np.stack([founder.parameters, *mutated]), initial)
    first = default_member(
        flow,
        driver_rms=rms[group.driver],
        response_rms=rms[group.response],
        stiffness=settings.stiffness,
    )
    return skew_ensemble(
        flow, [first, *(mutate_member(flow, first, **options, generator=stream) for stream in streams)]
    )
