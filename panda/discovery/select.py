"""The catalogue: every candidate's verdict and split, from its stored statistics."""

from __future__ import annotations

import pandas as pd

from panda.config import Founders, Select
from panda.core.errors import PandaError
from panda.discovery.filters import rejected_by


def select(candidates: pd.DataFrame, settings: Select, founders: Founders) -> pd.DataFrame:
    """The candidates with columns `rejected_by`, `certified`, `accepted` and `split`, in a fixed order.

    A candidate is certified if it passes every filter. Founders themselves (perturbation 0) are accepted
    whatever their certificate, if they could be integrated. A system with any held-out founder, as driver
    or response, is in `test`; else with any validation founder in `validation`; else in `train`.

    Raises:
        PandaError: a system occurs twice, or a held-out founder would reach training.
    """
    twice = candidates["system"][candidates["system"].duplicated()]
    if len(twice):
        raise PandaError(f"{twice.iloc[0]} is in two candidate shards; delete the shards and search again")
    catalogue = candidates.sort_values(
        ["response", "driver", "perturbation"], kind="stable", ignore_index=True
    )
    rows = catalogue.to_dict("records")
    catalogue["rejected_by"] = [rejected_by(row, settings) for row in rows]
    catalogue["certified"] = catalogue["rejected_by"] == ""
    itself = (catalogue["population"] == "founder") & (catalogue["perturbation"] == 0)
    catalogue["accepted"] = catalogue["certified"] | (itself & (catalogue["status"] == "complete"))
    catalogue["split"] = [founders.split(*filter(None, (row["driver"], row["response"]))) for row in rows]
    return catalogue


def acceptance(catalogue: pd.DataFrame, settings: Select) -> pd.DataFrame:
    """How many candidates enter and pass each filter, in order, for founders and skew products apart.

    Columns: population, order, filter, n_in, n_passed.
    """
    rows = []
    for population, group in catalogue.groupby("population", sort=True):
        n_in = len(group)
        for order, name in enumerate(settings.filters):
            n_passed = n_in - int((group["rejected_by"] == name).sum())
            rows.append((population, order, name, n_in, n_passed))
            n_in = n_passed
    return pd.DataFrame(rows, columns=["population", "order", "filter", "n_in", "n_passed"])
