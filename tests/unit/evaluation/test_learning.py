"""Learning curves: the errors of kept weights are those that the arena would give them."""

import numpy as np
import pandas as pd
import pytest
import torch

from panda.config import ModelShape
from panda.evaluation.forecasts import forecast_windows
from panda.evaluation.learning import beside_others, learning_curve, mean_over_names
from panda.evaluation.panda_forecaster import PandaForecaster
from panda.evaluation.score import score
from panda.evaluation.windows import draw_windows
from panda.model.panda import Panda
from tests.unit.model.conftest import TINY


@pytest.fixture
def models() -> dict[int, Panda]:
    return {
        step: Panda(ModelShape(**TINY), torch.Generator().manual_seed(step)).eval() for step in (40, 10, 20)
    }


def test_a_point_of_the_curve_is_the_score_of_those_weights(store, settings, models):
    windows = draw_windows(store, settings, seed=1)
    curve = learning_curve(models, windows, settings, batch_size=32, threads=1, device="cpu")
    assert list(curve["step"].unique()) == [10, 20, 40]
    assert (curve["n_windows"] == 32 * curve["step"]).all()
    forecaster = PandaForecaster(
        models[20], name="x", batch_size=8, standardise_eps=settings.standardise_eps, threads=1, device="cpu"
    )
    scores = score(forecast_windows(forecaster, windows, settings), windows, settings)
    wanted = mean_over_names(scores)
    point = curve[curve["step"] == 20].reset_index(drop=True)
    pd.testing.assert_frame_equal(point[wanted.columns.to_list()], wanted, rtol=1e-4)


def test_names_weigh_alike_however_many_windows_they_have():
    scores = pd.DataFrame(
        {
            "population": "skew",
            "horizon": 128,
            "name": ["a", "a", "a", "b"],
            "smape": [10.0, 20.0, 30.0, 80.0],
            "mae": 1.0,
            "valid_time": [1.0, 1.0, 1.0, np.nan],
        }
    )
    means = mean_over_names(scores)
    assert means["smape"].tolist() == [50.0] and means["valid_time"].tolist() == [1.0]


def test_other_forecasters_have_no_step(store, settings, models):
    windows = draw_windows(store, settings, seed=1)
    curve = learning_curve(models, windows, settings, batch_size=32, threads=1, device="cpu")
    forecaster = PandaForecaster(
        models[10],
        name="parrot",
        batch_size=8,
        standardise_eps=settings.standardise_eps,
        threads=1,
        device="cpu",
    )
    scores = score(forecast_windows(forecaster, windows, settings), windows, settings)
    joined = beside_others({"small": curve}, scores)
    assert joined["n_windows"].isna().equals(joined["forecaster"] == "parrot")
    assert len(joined[joined["forecaster"] == "small"]) == len(curve)
    # Nothing kept: the others alone.
    nothing = learning_curve({}, windows, settings, batch_size=32, threads=1, device="cpu")
    assert set(beside_others({"small": nothing}, scores)["forecaster"]) == {"parrot"}
