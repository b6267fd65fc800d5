"""The settings that come with the package are those of the study."""

from __future__ import annotations

from panda.config.own_data import own_data
from tests.conftest import preset_config


def test_what_config_yaml_has_too_has_its_value():
    study, ours = preset_config("paper"), own_data()
    assert ours.standardise_eps == study.evaluate.standardise_eps
    assert ours.smape_eps == study.evaluate.smape_eps
    assert ours.batch_size == study.evaluate.batch_size
    assert ours.backtest.parrot.window == study.baselines.parrot.window  # type: ignore[attr-defined]
    linear = study.baselines.linear_ar  # type: ignore[attr-defined]
    assert (ours.backtest.linear_ar.order, ours.backtest.linear_ar.ridge) == (linear.order, linear.ridge)


def test_settings_come_with_the_package():
    import tomllib

    from tests.conftest import ROOT

    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert "own_data.yaml" in data["panda.config"] and data["panda"] == ["shipped/*/*"]
