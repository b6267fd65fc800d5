"""Founders with delay through the whole of discovery, from the search to the gallery."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from panda.config import Gallery
from panda.config.founder_names import delayed_names, founder_names
from panda.discovery.catalogue.gallery import gallery
from panda.discovery.search.candidates import Group, groups, sample_pairs
from panda.discovery.search.measure import measure
from panda.discovery.search.search import search
from panda.discovery.search.select import select
from panda.integration.trajectories import Length, regenerate

NAME, SEED = "IkedaDelay", 11


@pytest.fixture(scope="module")
def catalogue(library, settings, smoke, tmp_path_factory) -> pd.DataFrame:
    """The founder and five perturbations, searched one group a table, through a file, selected."""
    nothing = pd.DataFrame({"founder": [], "flow_rms": []})
    path = tmp_path_factory.mktemp("delay") / "candidates.parquet"
    search(library, nothing, [Group(NAME, "", 6)], settings, SEED).to_parquet(path)
    founders = smoke.discover.founders.model_copy(update={"held_out": (NAME,)})
    return select(pd.read_parquet(path), smoke.discover.select, founders)


def test_all_founders_of_the_paper_are_candidates_and_its_twenty_are_held_out(smoke):
    founders = smoke.discover.founders
    assert founders.all_names == founder_names() and len(founder_names()) == 135
    assert len(founders.held_out) == 20 and "MackeyGlass" in founders.held_out
    made = groups(founders.all_names, smoke.discover.search, smoke.seed)
    pairs = [group.founders for group in made if group.population == "skew"]
    assert len(made) - len(pairs) == 135
    old = [name for name in founder_names() if name not in delayed_names()]
    assert pairs == sample_pairs(old, smoke.discover.search.n_pairs, smoke.seed)


def test_the_search_measures_them_like_any_other(catalogue):
    founder = catalogue.iloc[0]
    assert (founder["status"], founder["dimension"], founder["split"]) == ("complete", 10, "test")
    assert founder["accepted"]
    # dysts' estimate, from another method, is 0.448.
    assert founder["largest_exponent"] == pytest.approx(0.45, abs=0.15)
    assert set(catalogue["status"]) <= {"complete", "diverged", "acausal", "budget"}
    delays = np.stack(catalogue["driver_parameters"])[:, 2]
    assert len(set(delays)) == 6  # the delay itself is mutated
    assert ((catalogue["status"] == "acausal") == (delays <= 0)).all()


def test_regenerated_trajectories_are_the_searched_ones(library, settings, catalogue):
    rows = catalogue[catalogue["status"] == "complete"]
    length, n = Length(settings.integration), dict.fromkeys(rows["system"], 4)
    once = list(regenerate(library, rows, length, n_initial_conditions=n, seed=SEED))
    for part in (rows.iloc[:1], rows.iloc[1:]):
        again = regenerate(library, part, length, n_initial_conditions=n, seed=SEED)
        expected = [one for one in once if one.row["system"] in set(part["system"])]
        for one, same in zip(expected, again, strict=True):
            assert one.initial_condition == same.initial_condition
            assert np.array_equal(one.series, same.series), one.row["system"]
            assert one.series.shape == (10, settings.integration.kept_points)
            assert np.isfinite(one.series).all()
    founder = [one.series for one in once if one.row["perturbation"] == 0]
    assert len(founder) == 4 and not np.array_equal(founder[0], founder[1])
    # Restarted on the attractor: the same range and spread, though ten numbers stand for a history.
    for series in founder[1:]:
        assert series.std() == pytest.approx(founder[0].std(), rel=0.4)


def test_measures_and_gallery_have_them(library, settings, smoke, catalogue):
    founders = smoke.discover.founders.model_copy(update={"names": (NAME, "Lorenz")})
    table = measure(library, founders, settings.integration.limits)
    assert table["status"].tolist() == ["complete"] * 2
    assert [len(rms) for rms in table["flow_rms"]] == [1, 3]
    wanted = Gallery(n_systems=1, n_founders=1, n_perturbations=2)
    shown = gallery(library, catalogue, wanted, settings.integration, SEED)
    assert list(shown["perturbation_founders"]) == [NAME]
    assert np.isfinite(shown["perturbations"][0, 0]).all()
