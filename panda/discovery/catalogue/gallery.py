"""Trajectories for the galleries: discovered attractors, and founders beside their perturbations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from panda.config import Gallery, Integration
from panda.core.progress import Progress
from panda.core.seeds import generator
from panda.discovery.search.search import integrate_members
from panda.integration.trajectories import Length, regenerate
from panda.systems.library import FounderLibrary
from panda.systems.members import flow_of, from_rows
from panda.systems.postprocess import saved_coordinates

SHOWN = 3  # coordinates of a three-dimensional picture


def gallery(
    library: FounderLibrary,
    catalogue: pd.DataFrame,
    settings: Gallery,
    integration: Integration,
    seed: int,
    progress: Progress | None = None,
) -> dict[str, np.ndarray]:
    """Arrays for figures 9 and 10: the first three saved coordinates of each system, float32.

    `attractors` (system, time, 3) are accepted skew products, one per founder pair, drawn by the seed, with
    `attractor_exponents` and `attractor_errors`: lambda_1 and its standard error per period, that is times the
    catalogue's dominant period, so that systems with different units of time can be compared;
    `perturbations` (founder, 1 + perturbation, time, 3) start with the founder itself. A perturbation whose
    trajectory fails has NaNs. Systems of fewer than three coordinates are padded with zeros.
    """
    stream = generator(seed, "discover", "gallery")
    skew = catalogue[catalogue["accepted"] & (catalogue["population"] == "skew")]
    one_a_pair = skew.sort_values("system").groupby("name", sort=True).head(1)
    chosen = one_a_pair.iloc[np.sort(stream.permutation(len(one_a_pair))[: settings.n_systems])].reset_index(
        drop=True
    )
    counts = dict.fromkeys(chosen["system"], 1)
    found = {
        one.row["system"]: _shown(one.series.T)
        for one in regenerate(
            library, chosen, Length(integration), n_initial_conditions=counts, seed=seed, progress=progress
        )
    }
    attractors = [found[system] for system in chosen["system"]]
    n_kept = integration.kept_points
    founders, states, accepted = _perturbations(library, catalogue, settings, integration, stream)
    return {
        "attractors": np.stack(attractors) if attractors else np.empty((0, n_kept, SHOWN), np.float32),
        "attractor_names": chosen["name"].to_numpy(dtype="U64"),
        "attractor_exponents": (chosen["largest_exponent"] * chosen["period"]).to_numpy(dtype=np.float64),
        "attractor_errors": (chosen["exponent_error"] * chosen["period"]).to_numpy(dtype=np.float64),
        "perturbations": states,
        "perturbation_founders": np.array(founders, dtype="U64"),
        "perturbation_accepted": accepted,
    }


def _perturbations(
    library: FounderLibrary,
    catalogue: pd.DataFrame,
    settings: Gallery,
    integration: Integration,
    stream: np.random.Generator,
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Founders of three or more coordinates, drawn by lot among those with enough accepted perturbations.

    If there are too few of them, those with the most accepted perturbations come first.
    """
    rows = catalogue[(catalogue["population"] == "founder") & (catalogue["dimension"] >= SHOWN)]
    mutated = rows[rows["perturbation"] > 0]
    counts = mutated.groupby("name")["accepted"].sum().clip(upper=settings.n_perturbations)
    lot = pd.Series(stream.random(len(counts)), index=counts.index)
    order = pd.DataFrame({"count": counts, "lot": lot}).sort_values(["count", "lot"], ascending=False)
    founders = sorted(order.index[: settings.n_founders])
    shape = (len(founders), 1 + settings.n_perturbations, integration.kept_points, SHOWN)
    states, accepted = np.full(shape, np.nan, np.float32), np.zeros(shape[:2], dtype=bool)
    for i, name in enumerate(founders):
        own = rows[rows["name"] == name].sort_values(["accepted", "perturbation"], ascending=[False, True])
        first = own[own["perturbation"] == 0]
        shown = pd.concat([first, own[own["perturbation"] > 0].head(settings.n_perturbations)])
        flow, ensemble = flow_of(library, name, ""), from_rows(shown)
        run = integrate_members(flow, ensemble, integration)
        kept = saved_coordinates(flow, ensemble, run.states[:, integration.transient_points :])
        states[i, : len(shown)] = _shown(kept)
        accepted[i, : len(shown)] = shown["accepted"]
    return founders, states, accepted


def _shown(series: np.ndarray) -> np.ndarray:
    """The first three coordinates of (..., time, dimension), padded with zeros, float32."""
    missing = max(0, SHOWN - series.shape[-1])
    padded = np.pad(series, [*[(0, 0)] * (series.ndim - 1), (0, missing)])
    return padded[..., :SHOWN].astype(np.float32)
