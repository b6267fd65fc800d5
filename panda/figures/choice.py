"""Which forecasters a figure shows in full."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from panda.figures import style


def model_and_baseline(candidates: Sequence[str], error: pd.Series) -> list[str]:
    """`panda` (else the model of least error) and the baseline of least error, of the `candidates`.

    `error` is indexed by forecaster; without a value a forecaster comes last, in the order of `candidates`.
    Where there is no model of this study two baselines are shown, where there is no baseline one model.
    """
    order = sorted(candidates, key=lambda name: (error.get(name, np.inf), list(candidates).index(name)))
    models = sorted((name for name in order if style.is_panda(name)), key=lambda name: name != "panda")
    baselines = [name for name in order if not style.is_panda(name)]
    return models[:1] + baselines[: 1 if models else 2]


def models_and_baseline(candidates: Sequence[str], error: pd.Series) -> list[str]:
    """As `model_and_baseline`, and between the two the model of least error, if that is another one."""
    chosen = model_and_baseline(candidates, error)
    models = [name for name in candidates if style.is_panda(name) and np.isfinite(error.get(name, np.inf))]
    if not models or not style.is_panda(chosen[0]):
        return chosen
    best = min(models, key=lambda name: error[name])
    return list(dict.fromkeys((chosen[0], best, *chosen[1:])))
