"""An evolutionary search: survivors become parents, the novel ones rather, and the founders stay in the pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64

from panda.config import Evolve, Founders, Mutation, Search
from panda.core.seeds import generator
from panda.discovery.candidates import member_generator
from panda.systems.flow import Ensemble, Flow
from panda.systems.mutation import perturb
from panda.systems.skew import default_member, mutate_member, skew_ensemble


@dataclass(frozen=True)
class Litter:
    """Siblings of one ordered pair of founders, searched side by side like a `Group`.

    No parent: founders of the pool, mutated as in the first generation. One: its parameters, coupling and
    permutation, mutated. Two: the first one's driver and the second one's response, coupled anew.
    """

    driver: str
    response: str
    generation: int
    number: int
    parents: tuple[str, ...]
    n_members: int

    population = "skew"

    @property
    def name(self) -> str:
        """`Driver_Response`."""
        return f"{self.driver}_{self.response}"

    @property
    def founders(self) -> tuple[str, str]:
        """The founders the litter is made from."""
        return (self.driver, self.response)

    def system(self, member: int) -> str:
        """The identifier of one member: `Driver_Response-g<generation>l<number>-pp<member>`."""
        return f"{self.name}-g{self.generation}l{self.number}-pp{member}"


def novelty(features: Float[np.ndarray, "n k"], *, n_neighbours: int) -> Float64[np.ndarray, " n"]:
    """Mean Euclidean distance of each point to its `n_neighbours` nearest others (all others, if fewer).

    The sparseness of Lehman and Stanley, Evolutionary Computation 19 (2011).
    """
    from scipy.spatial import KDTree

    k = min(n_neighbours, len(features) - 1)
    if k < 1:
        return np.zeros(len(features))
    distances, _ = KDTree(features).query(features, k=k + 1)
    return distances[:, 1:].mean(axis=1)


def breed(
    survivors: pd.DataFrame,
    sparseness: Float64[np.ndarray, " n"],
    founders: Founders,
    names: Sequence[str],
    settings: Evolve,
    *,
    generation: int,
    seed: int,
) -> list[Litter]:
    """The litters of a generation, each drawn from its own stream.

    A share `founder_share` starts from the founders `names`. The other litters' parents are the winners of
    tournaments for `sparseness` among `tournament_size` survivors; two parents with `crossover_probability`,
    if they and the child are of one split (no test system feeds training), else one.

    Args:
        survivors: accepted skew products with columns system, driver, response, split, in a fixed order.
        sparseness: of each survivor, the higher the better.
        generation: 1 is the first after the paper's own.
    """
    litters = []
    for number in range(settings.n_litters):
        stream = generator(seed, "discover", "evolve", generation, number)
        alone = stream.random() < settings.founder_share or survivors.empty
        if alone:
            driver, response = stream.choice(np.asarray(names, dtype=object), size=2, replace=False)
            parents: tuple[str, ...] = ()
        else:
            driver, response, parents = _parents(survivors, sparseness, founders, settings, stream)
        litters.append(Litter(driver, response, generation, number, parents, settings.litter_size))
    return litters


def draw_children(
    flow: Flow,
    litter: Litter,
    parents: Mapping[str, Mapping[str, np.ndarray]],
    settings: Search,
    evolve: Evolve,
    rms: Mapping[str, Float64[np.ndarray, " dimension"]],
    seed: int,
) -> Ensemble:
    """The members of a litter, each mutated by its own stream.

    Args:
        parents: rows of the catalogue by system, with the columns of `panda.discovery.members.COLUMNS`.
        rms: flow amplitudes by founder.
    """
    streams = [member_generator(seed, litter.system(i), "parameters") for i in range(litter.n_members)]
    if len(litter.parents) == 1:
        return _drifted(flow, parents[litter.parents[0]], evolve.mutation, streams)
    first = default_member(
        flow, driver_rms=rms[litter.driver], response_rms=rms[litter.response], stiffness=settings.stiffness
    )
    mutation = settings.mutation
    if litter.parents:
        donor_a, donor_b = (parents[system] for system in litter.parents)
        first = replace(
            first,
            driver_parameters=np.asarray(donor_a["driver_parameters"], dtype=np.float64),
            response_parameters=np.asarray(donor_b["response_parameters"], dtype=np.float64),
        )
        mutation = evolve.mutation
    options = mutation.model_dump()
    return skew_ensemble(flow, [mutate_member(flow, first, **options, generator=s) for s in streams])


def _parents(
    survivors: pd.DataFrame,
    sparseness: Float64[np.ndarray, " n"],
    founders: Founders,
    settings: Evolve,
    stream: np.random.Generator,
) -> tuple[str, str, tuple[str, ...]]:
    a, b = (survivors.iloc[_tournament(sparseness, settings.tournament_size, stream)] for _ in range(2))
    crossed = stream.random() < settings.crossover_probability
    split = founders.split(a["driver"], b["response"])
    if crossed and a["driver"] != b["response"] and a["split"] == b["split"] == split:
        return a["driver"], b["response"], (a["system"], b["system"])
    return a["driver"], a["response"], (a["system"],)


def _tournament(sparseness: Float64[np.ndarray, " n"], size: int, stream: np.random.Generator) -> int:
    drawn = stream.integers(0, len(sparseness), size=size)
    return int(drawn[np.argmax(sparseness[drawn])])


def _drifted(
    flow: Flow, parent: Mapping[str, np.ndarray], mutation: Mutation, streams: Sequence[np.random.Generator]
) -> Ensemble:
    """Copies of one parent, every parameter and coupling scale mutated; its permutation stays."""
    options = mutation.model_dump()
    assert flow.response is not None
    values = {key: np.asarray(parent[key]) for key in ("driver_index", "initial")}
    # Coordinates that the driver does not have stay uncoupled, whatever the variance floor.
    coupled = values["driver_index"] < flow.driver_dimension
    rows: dict[str, list[np.ndarray]] = {}
    for stream in streams:
        for key, sizes in (
            ("driver_parameters", flow.driver.parameter_sizes),
            ("response_parameters", flow.response.parameter_sizes),
            ("driver_scale", None),
            ("response_scale", None),
        ):
            changed = perturb(np.asarray(parent[key]), sizes=sizes, **options, generator=stream)
            rows.setdefault(key, []).append(
                np.where(coupled, changed, 0.0) if key == "driver_scale" else changed
            )
    repeated = {key: np.tile(value, (len(streams), 1)) for key, value in values.items()}
    return Ensemble(**{key: np.stack(value) for key, value in rows.items()}, **repeated)
