"""Searches of one generation and of several (`timed_search`), compared at equal CPU time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from panda.config import Comparison, Discover, Founders, Select
from panda.core.errors import PandaError
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.discovery.certificates.spectra import CHAOTIC, measure_spectra
from panda.discovery.diversity import space
from panda.discovery.diversity.novelty import Metric
from panda.discovery.evolution.timed_search import Method
from panda.discovery.search import select as selecting
from panda.systems.library import FounderLibrary

Key = tuple[Method, int]


def accepted_in_budget(
    searches: Mapping[Key, pd.DataFrame], founders: Founders, select: Select
) -> tuple[float, dict[Key, pd.DataFrame]]:
    """The CPU seconds after which the quickest search was done, and what each had accepted by then.

    Raises:
        PandaError: a search accepted nothing.
    """
    budget = min(float(table["cpu_s"].max()) for table in searches.values())
    found = {
        key: _accepted(table[table["cpu_s"] <= budget], founders, select) for key, table in searches.items()
    }
    for (method, seed), rows in found.items():
        if not len(rows):
            raise PandaError(f"evolution: the search {method} with seed {seed} accepted no system")
    return budget, found


def sampled_spectra(
    library: FounderLibrary,
    accepted: Mapping[Key, pd.DataFrame],
    settings: Discover,
    progress: Progress | None = None,
) -> dict[Key, pd.DataFrame]:
    """`measure_spectra` of `comparison.n_spectra` accepted systems of each search, drawn by its seed.

    No search chooses by the spectrum, so it judges all alike.
    """
    n, limits = settings.comparison.n_spectra, settings.search.integration.limits
    found = {}
    for (method, seed), rows in accepted.items():
        order = generator(seed, "discover", "compare", "spectra").permutation(len(rows))
        drawn = rows.iloc[np.sort(order[:n])]
        found[method, seed] = measure_spectra(library, drawn, settings.spectrum, limits, seed, progress)
    return found


def compare(
    searches: Mapping[Key, pd.DataFrame],
    budget: float,
    found: Mapping[Key, pd.DataFrame],
    spectra: Mapping[Key, pd.DataFrame],
    metric: Metric,
    settings: Comparison,
    min_samples: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What each search had `found` within the `budget`, and on the way there.

    The first table has one row per (method, seed): `budget_cpu_s`, the same for all; `n_candidates` and `n_accepted` in
    it, their ratio `acceptance`, and `accepted_per_cpu_s`; `n_resolved` of the accepted with `min_samples` samples or
    more in a Lyapunov time; `n_founder_pairs` among the accepted; their `effective_number`
    (`space.effective_number`), `effective_number_resolved`, that of the `n_resolved`, and `effective_number_equal`,
    that of `n_equal` of them, the number that the poorest search has, averaged over draws; `mean_distance` in the
    space of invariants; the standard deviation of ln(lambda_1 T), `exponent_spread`; and of the systems of
    `spectra` the standard deviation of the Kaplan-Yorke dimension, `dimension_spread`, the share that is
    `confirmed`, and the share of responses that are chaotic given their driver, `chaotic_responses`. The second has
    the numbers of accepted and of effective systems at equal steps of the budget: method, seed, cpu_s, n_accepted,
    effective_number.
    """
    n_equal = min(map(len, found.values()))
    # One unit of distance for all.
    points = space.points(pd.concat(found.values()), metric)
    ends = np.cumsum([len(rows) for rows in found.values()])
    places = dict(zip(found, np.split(points, ends[:-1]), strict=True))
    width = settings.kernel_width
    rows, curve = [], []
    for (method, seed), own in found.items():
        n_candidates = int((searches[method, seed]["cpu_s"] <= budget).sum())
        point, dimension = places[method, seed], own["dimension"].to_numpy()
        resolved = space.samples_per_lyapunov_time(own) >= min_samples
        rows.append(
            {
                "method": method,
                "seed": seed,
                "budget_cpu_s": budget,
                "n_candidates": n_candidates,
                "n_accepted": len(own),
                "acceptance": len(own) / n_candidates,
                "accepted_per_cpu_s": len(own) / budget,
                "n_resolved": int(resolved.sum()),
                "n_founder_pairs": own["name"].nunique(),
                "effective_number": space.effective_number(point, dimension, width),
                "effective_number_resolved": space.effective_number(
                    point[resolved], dimension[resolved], width
                ),
                "n_equal": n_equal,
                "effective_number_equal": _equal(point, dimension, n_equal, settings, seed),
                "mean_distance": space.mean_distance(point, dimension),
                "exponent_spread": float(np.log(own["largest_exponent"] * own["period"]).std()),
                "dimension_spread": float(spectra[method, seed]["kaplan_yorke"].std()),
                "confirmed": float(spectra[method, seed]["confirmed"].mean()),
                "chaotic_responses": float((spectra[method, seed]["response_kind"] == CHAOTIC).mean()),
            }
        )
        for until in np.linspace(0.0, budget, settings.n_curve_points + 1)[1:]:
            early = (own["cpu_s"] <= until).to_numpy()
            number = space.effective_number(point[early], dimension[early], width)
            curve.append((method, seed, until, int(early.sum()), number))
    names = ["method", "seed", "cpu_s", "n_accepted", "effective_number"]
    return pd.DataFrame(rows), pd.DataFrame(curve, columns=names)


def _accepted(candidates: pd.DataFrame, founders: Founders, select: Select) -> pd.DataFrame:
    catalogue = selecting.judge(candidates, select, founders)
    able = catalogue["accepted"] & (catalogue["largest_exponent"] > 0) & (catalogue["exponent_error"] > 0)
    return catalogue[able].reset_index(drop=True)


def _equal(points: space.Points, dimension: np.ndarray, n: int, settings: Comparison, seed: int) -> float:
    """The mean effective number of `n` of the systems, over draws without replacement."""
    stream = generator(seed, "discover", "compare")
    draws: Sequence[np.ndarray] = [
        stream.choice(len(points), n, replace=False) for _ in range(settings.n_draws)
    ]
    return float(
        np.mean(
            [space.effective_number(points[rows], dimension[rows], settings.kernel_width) for rows in draws]
        )
    )
