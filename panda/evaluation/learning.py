"""The learning curve of a model: errors on unseen systems of the weights that were kept on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd

from panda.config import Evaluate
from panda.core.metrics import metrics_of
from panda.core.progress import Progress
from panda.evaluation.panda_forecaster import PandaForecaster
from panda.evaluation.score import pointwise
from panda.evaluation.windows import Windows
from panda.model.panda import Panda

ERRORS = (*metrics_of("forecasts", headline=True), "valid_time")


def learning_curve(
    snapshots: dict[int, Panda],
    windows: Windows,
    settings: Evaluate,
    *,
    batch_size: int,
    threads: int,
    device: str,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Errors of every snapshot, a model by the steps it has been trained for, on the same windows.

    One row per (step, population, horizon): `n_windows`, which the model has learned from (steps times
    `batch_size`), and `smape`, `mae` and `valid_time`, as scores have them, averaged over a name's windows, then
    over names. The windows are those of a data set of the arena, so that its forecasters can be set beside the curve.
    """
    tables = []
    for step in sorted(snapshots):
        forecaster = PandaForecaster(
            snapshots[step],
            name=f"step {step}",
            batch_size=settings.batch_size,
            standardise_eps=settings.standardise_eps,
            threads=threads,
            device=device,
            raw=settings.contexts == "raw",
        )
        table = _errors(forecaster, windows, settings)
        table.insert(0, "n_windows", step * batch_size)
        table.insert(0, "step", step)
        tables.append(table)
        if progress is not None:
            progress.advance(1)
    columns = ["step", "n_windows", "population", "horizon", *ERRORS]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def mean_over_names(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over names of the names' means over windows, per population and horizon: what a curve is made of."""
    means = scores.groupby(["population", "horizon", "name"])[list(ERRORS)].mean()
    return means.groupby(["population", "horizon"]).mean().reset_index()


def beside_others(curves: dict[str, pd.DataFrame], scores: pd.DataFrame) -> pd.DataFrame:
    """Curves by model and, with `step` and `n_windows` missing, the other forecasters' errors on the same windows.

    `scores` are those of the data set that the curves are measured on; one row per (forecaster, step, population,
    horizon).
    """
    tables = [curve.assign(forecaster=name) for name, curve in curves.items()]
    for name, own in scores.groupby("forecaster"):
        if name not in curves:
            tables.append(mean_over_names(own).assign(forecaster=name))
    joined = pd.concat(tables, ignore_index=True)
    first = ["forecaster", "step", "n_windows", "population", "horizon"]
    return joined[[*first, *ERRORS]].astype({"step": "Int64", "n_windows": "Int64"})


def _errors(forecaster: PandaForecaster, windows: Windows, settings: Evaluate) -> pd.DataFrame:
    frames = []
    for batch in windows.batches(settings.batch_size):
        forecast = forecaster.forecast(batch.context, windows.horizon)
        frames.append(_frame(batch.rows, pointwise(forecast, batch.context, batch.truth, settings), settings))
    return mean_over_names(pd.concat(frames, ignore_index=True))


def _frame(rows: pd.DataFrame, errors: dict[str, np.ndarray], settings: Evaluate) -> pd.DataFrame:
    n = len(settings.horizons)
    rate = (rows["dt"] * rows["largest_exponent"].where(rows["largest_exponent"] > 0)).to_numpy()
    found = errors | {"valid_time": errors["valid_steps"] * rate[:, None]}
    return pd.DataFrame(
        {
            "name": np.repeat(rows["name"].to_numpy(), n),
            "population": np.repeat(rows["population"].to_numpy(), n),
            "horizon": np.tile(np.asarray(settings.horizons), len(rows)),
            **{name: found[name].ravel() for name in ERRORS},
        }
    )
