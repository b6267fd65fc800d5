"""Candidates of later generations: bred from accepted systems, and drawn from the founders, who stay in the pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float64

from panda.config import Discover, Evolve, Founders, Mutation, Search, Select
from panda.config.founder_names import without_delay
from panda.core.seeds import generator
from panda.discovery.diversity import space
from panda.discovery.diversity.novelty import calibration_systems, measure_metric
from panda.discovery.search import select as selecting
from panda.discovery.search.candidates import Group
from panda.discovery.search.search import amplitudes
from panda.systems.flow import Ensemble, Flow
from panda.systems.library import FounderLibrary
from panda.systems.members import flow_of, to_columns
from panda.systems.mutation import perturb
from panda.systems.skew import Member, default_member, mutate_member, skew_ensemble

FOUNDERS, MUTATED, RECOMBINED = "founders", "mutated", "recombined"
_SCALES = ("driver_parameters", "response_parameters", "driver_scale", "response_scale")


@dataclass(frozen=True)
class Parents:
    """The accepted skew products so far that may breed, by system, and how novel each is among them."""

    rows: pd.DataFrame
    novelty: Float64[np.ndarray, " system"]

    def choose(self, among: np.ndarray, size: int, stream: np.random.Generator) -> int:
        """The most novel of `size` drawn from the rows `among`, with replacement (a tournament)."""
        drawn = stream.choice(among, size)
        return int(drawn[np.argmax(self.novelty[drawn])])


@dataclass(frozen=True)
class Stock:
    """What a generation is bred from."""

    parents: Parents
    taken: Mapping[str, int]
    """How many perturbations each pair has had; children count on from there."""
    names: Sequence[str]
    """The founders that litters of `founders` are drawn from, those with delay left out."""
    rms: Mapping[str, Float64[np.ndarray, " dimension"]]
    """Flow amplitudes of the founders."""


@dataclass(frozen=True)
class Litter:
    """Siblings of one founder pair, and the rows of the parents that they come from (`operator`)."""

    operator: str
    chosen: list[int]
    pair: tuple[str, str]
    size: int


def parents_of(
    library: FounderLibrary,
    candidates: pd.DataFrame,
    founders: Founders,
    select: Select,
    settings: Search,
    evolve: Evolve,
    seed: int,
) -> Parents:
    """The accepted skew products among all candidates so far, and how novel each is.

    Novelty is the mean distance to the nearest of them in the space of invariants (`space`), whose unit comes from
    second trajectories of some of them. With fewer than `evolve.n_calibration` accepted there is no such unit, and
    nobody becomes a parent. Nor does one whose Lyapunov time has fewer than `evolve.min_samples` samples: fast
    systems are far from all others, and would take the search over.
    """
    catalogue = selecting.judge(candidates, select, founders)
    catalogue = catalogue.assign(split=selecting.splits(catalogue, founders))
    able = catalogue["accepted"] & (catalogue["population"] == "skew")
    able &= (catalogue["largest_exponent"] > 0) & (catalogue["exponent_error"] > 0)
    able &= space.samples_per_lyapunov_time(catalogue) >= evolve.min_samples
    rows = catalogue[able].sort_values("system", ignore_index=True)
    if len(rows) < evolve.n_calibration:
        return Parents(rows.head(0), np.empty(0))
    chosen = calibration_systems(rows, evolve.n_calibration, seed)
    metric = measure_metric(library, chosen, settings, None, seed)
    points = space.points(rows, metric)
    return Parents(rows, space.novelty(points, rows["dimension"].to_numpy(), evolve.n_neighbours))


def next_generation(
    library: FounderLibrary,
    candidates: pd.DataFrame,
    measures: pd.DataFrame,
    settings: Discover,
    search: Search,
    generation_number: int,
    seed: int,
) -> pd.DataFrame:
    """`breed` from the accepted among all `candidates` so far; `search` may differ from that of `settings`."""
    stock = Stock(
        parents_of(library, candidates, settings.founders, settings.select, search, settings.evolve, seed),
        numbers_taken(candidates),
        settings.founders.all_names,
        amplitudes(measures),
    )
    return breed(library, stock, search, settings.evolve, generation_number=generation_number, seed=seed)


def breed(
    library: FounderLibrary,
    stock: Stock,
    search: Search,
    evolve: Evolve,
    *,
    generation_number: int,
    seed: int,
) -> pd.DataFrame:
    """The `search.n_bred` skew products of one later generation, a row each, in litters of siblings of one founder pair.

    A litter comes, by lot, from one of three origins (`operator`): two `founders`, as in the first generation;
    one parent, `mutated`: parameters and scales at `evolve.mutation_scale`, its permutation kept; or two,
    `recombined`: the driver of one and the response of the other with their parameters, mutated likewise, and
    the coupling drawn anew as in the first generation. Both parents are of one split, so that no child carries
    what was selected in another. Parents win tournaments of novelty. Without any, all litters are of founders.

    Returns:
        the columns of members and `system`, `name`, `driver`, `response`, `perturbation`, `generation`, `operator`,
        `parents` (names, by a space).
    """
    pool, next_number = without_delay(stock.names), Counter(stock.taken)
    parents = stock.parents
    rows, number = [], 0
    while number * evolve.litter_size < search.n_bred:
        size = min(evolve.litter_size, search.n_bred - number * evolve.litter_size)
        stream = generator(seed, "discover", "breed", generation_number, number)
        operator, chosen = _origin(parents, evolve, stream)
        pair = _pair(parents, operator, chosen, pool, stream)
        flow = flow_of(library, *pair)
        litter = Litter(operator, chosen, pair, size)
        ensemble = _members(flow, litter, stock, search, evolve.mutation_scale, stream)
        group = Group(*pair, size)
        first = next_number[group.name]
        next_number[group.name] += size
        rows.append(
            pd.DataFrame(
                {
                    "system": [group.system(first + i) for i in range(size)],
                    "name": group.name,
                    "driver": pair[0],
                    "response": pair[1],
                    "perturbation": first + np.arange(size),
                    "generation": generation_number,
                    "operator": operator,
                    "parents": " ".join(parents.rows["system"].iloc[chosen]),
                    **to_columns(ensemble),
                }
            )
        )
        number += 1
    return pd.concat(rows, ignore_index=True)


def numbers_taken(candidates: pd.DataFrame) -> dict[str, int]:
    """The first free perturbation number of every pair."""
    return (candidates.groupby("name")["perturbation"].max() + 1).to_dict()


def _origin(parents: Parents, evolve: Evolve, stream: np.random.Generator) -> tuple[str, list[int]]:
    """The operator of a litter and the rows of its parents."""
    lot, other_lot = stream.random(2)
    if not len(parents.rows) or lot < evolve.founder_share:
        return FOUNDERS, []
    one = parents.choose(np.arange(len(parents.rows)), evolve.tournament_size, stream)
    if other_lot >= evolve.recombined_share:
        return MUTATED, [one]
    rows = parents.rows
    fits = (rows["split"] == rows["split"].iloc[one]) & (rows["response"] != rows["driver"].iloc[one])
    if not fits.any():
        return MUTATED, [one]
    return RECOMBINED, [one, parents.choose(np.flatnonzero(fits), evolve.tournament_size, stream)]


def _pair(
    parents: Parents, operator: str, chosen: list[int], pool: Sequence[str], stream: np.random.Generator
) -> tuple[str, str]:
    if operator == FOUNDERS:
        driver, response = stream.choice(len(pool), 2, replace=False)
        return pool[int(driver)], pool[int(response)]
    return parents.rows["driver"].iloc[chosen[0]], parents.rows["response"].iloc[chosen[-1]]


def _members(
    flow: Flow, litter: Litter, stock: Stock, search: Search, scale: float, stream: np.random.Generator
) -> Ensemble:
    """The siblings, each drawn in turn from the litter's stream."""
    mutation, rows = search.mutation, stock.parents.rows
    if litter.operator == MUTATED:
        return _mutated(flow, rows.iloc[litter.chosen[0]], litter.size, mutation, scale, stream)
    driver_rms, response_rms = (stock.rms[name] for name in litter.pair)
    first = default_member(flow, driver_rms=driver_rms, response_rms=response_rms, stiffness=search.stiffness)
    options = mutation.model_dump()
    if litter.operator == FOUNDERS:
        members = [mutate_member(flow, first, **options, generator=stream) for _ in range(litter.size)]
        return skew_ensemble(flow, members)
    driver, response = (rows.iloc[row] for row in litter.chosen)
    bred = replace(
        first,
        driver_parameters=np.asarray(driver["driver_parameters"]),
        response_parameters=np.asarray(response["response_parameters"]),
    )
    return skew_ensemble(flow, [_recombined(flow, bred, mutation, scale, stream) for _ in range(litter.size)])


def _recombined(
    flow: Flow, member: Member, mutation: Mutation, scale: float, stream: np.random.Generator
) -> Member:
    """Parameters a little mutated, the coupling as the first generation draws it."""
    coupling = mutate_member(flow, member, **mutation.model_dump(), generator=stream)
    options = mutation.model_dump() | {"scale": scale, "generator": stream}
    assert flow.response is not None
    return replace(
        coupling,
        driver_parameters=perturb(member.driver_parameters, sizes=flow.driver.parameter_sizes, **options),
        response_parameters=perturb(
            member.response_parameters, sizes=flow.response.parameter_sizes, **options
        ),
    )


def _mutated(
    flow: Flow, parent: pd.Series, size: int, mutation: Mutation, scale: float, stream: np.random.Generator
) -> Ensemble:
    """Everything a little mutated but the permutation; the scales as the catalogue holds them, permuted."""
    options = mutation.model_dump() | {"scale": scale, "generator": stream}
    assert flow.response is not None
    sizes = dict(
        zip(_SCALES, (flow.driver.parameter_sizes, flow.response.parameter_sizes, None, None), strict=True)
    )
    arrays = {
        column: np.stack(
            [perturb(np.asarray(parent[column]), sizes=sizes[column], **options) for _ in range(size)]
        )
        for column in _SCALES
    }
    same = {column: np.tile(np.asarray(parent[column]), (size, 1)) for column in ("driver_index", "initial")}
    return Ensemble(**arrays, **same)
