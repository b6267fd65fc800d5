"""The simple baselines that a model must beat on a series before it is trusted there."""

from __future__ import annotations

from panda.config import Baselines
from panda.config.own_data import own_data
from panda.core.importing import import_ours
from panda.evaluation.forecaster import Checked


def make_rivals(context_length: int) -> dict[str, Checked]:
    """Baselines by name, for contexts of `context_length` points.

    The piece that a parrot matches, and the order of an autoregression, are those of the study; in short contexts they
    take a share of it at most, so that there is something to match and to fit.
    """
    settings = own_data()
    most = max(1, int(settings.backtest.context_share * context_length))
    parrot, linear = settings.backtest.parrot, settings.backtest.linear_ar
    # Only these have settings; the rest of the section is that of baselines that are not asked for.
    section = Baselines.model_construct(
        own={},
        parrot=parrot.model_copy(update={"window": min(parrot.window, most)}),
        linear_ar=linear.model_copy(update={"order": min(linear.order, most)}),
    )
    registry = import_ours("baselines.registry")
    return {
        name: registry.create(
            name, section, state=None, seed=0, standardise_eps=settings.standardise_eps, threads=1
        )
        for name in settings.backtest.rivals
    }
