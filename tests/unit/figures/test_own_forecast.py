"""The picture of a user's own series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.figures.own_forecast import Line, draw
from panda.figures.save import save_picture

TIMES = {
    "numbers": pd.Index(np.arange(60) * 0.5),
    "rows": pd.RangeIndex(60),
    "dates": pd.date_range("2024-03-25", periods=60, freq="h", tz="Europe/Berlin"),
    "months": pd.date_range("2019-01-31", periods=60, freq="ME"),
}


def picture(times: pd.Index, *, n_channels: int = 2, tested: bool = True, ahead: bool = True):
    values = np.random.default_rng(0).normal(size=(60, n_channels))
    return draw(
        Line(times[:40], values[:40]),
        forecast=Line(times[40:], values[40:]) if ahead else None,
        backtest=Line(times[30:40], values[30:40]) if tested else None,
        channels=[f"channel {i} $_{{x}}$" for i in range(n_channels)],
        n_channels=n_channels + 3,
        title="data.csv",
        time_label="when",
    )


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_times_of_every_kind_are_drawn(kind: str, suffix: str, tmp_path: Path):
    save_picture(picture(TIMES[kind]), tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").stat().st_size > 5000
    assert len(list(tmp_path.iterdir())) == 1


def test_every_line_is_named_and_joined():
    figure = picture(TIMES["numbers"])
    assert len(figure.axes) == 2
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(lines) == ["observed", "forecast of the last 10", "forecast"]
    # The forecast starts from the last point that is known.
    assert lines["forecast"].get_xdata()[0] == lines["observed"].get_xdata()[-1]
    assert figure.axes[1].get_xlabel() == "when"
    assert "3 more channels not shown" in [text.get_text() for text in figure.axes[1].texts]
    assert figure.axes[0].get_title(loc="left") == r"channel 0 \$_{x}\$"


def test_a_backtest_or_a_forecast_alone():
    one = picture(TIMES["dates"], n_channels=1, tested=False)
    assert [line.get_label() for line in one.axes[0].get_lines()] == ["observed", "forecast"]
    other = picture(TIMES["dates"], n_channels=1, ahead=False)
    assert [line.get_label() for line in other.axes[0].get_lines()] == ["observed", "forecast of the last 10"]
