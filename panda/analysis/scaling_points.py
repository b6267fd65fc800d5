"""The errors of the sweep's models, in the form the scaling law is fitted to."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from panda.core.errors import PandaError


def scaling_points(scores: Sequence[pd.DataFrame], sizes: Sequence[int]) -> pd.DataFrame:
    """One row a (model, horizon, test system name): mean sMAPE over its windows and trajectories.

    `scores` are the score tables of the sweep's models, largest subset first; `sizes` the number of training
    systems of each. Columns: model, split, n_systems, n_initial_conditions, horizon, system, cluster, error.

    Raises:
        PandaError: there is not one score table for each size.
    """
    if len(scores) != len(sizes):
        raise PandaError(f"scaling: {len(scores)} score tables for {len(sizes)} subsets; give one for each")
    tables = []
    for split, (table, size) in enumerate(zip(scores, sizes, strict=True)):
        mean = table.groupby(["forecaster", "horizon", "name"], sort=True)["smape"].mean().reset_index()
        mean = mean.rename(columns={"forecaster": "model", "name": "system", "smape": "error"})
        tables.append(
            mean.assign(split=split, n_systems=size, n_initial_conditions=2**split, cluster=mean["system"])
        )
    return pd.concat(tables, ignore_index=True)
