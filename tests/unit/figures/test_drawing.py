"""The parts that figures share: curves, colours, labels and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panda.core.known_baselines import knowing
from panda.figures import projection, style
from panda.figures.attractors import exponent_text


@pytest.mark.parametrize(
    ("exponent", "error", "text"),
    [(0.3141, 0.02, "0.31 ± 0.02"), (13.61, 0.4, "13.6 ± 0.4"), (41.2, 3.0, "41 ± 3"), (0.3141, np.nan, "0.31"),
     (0.5, 0.0, "0.5")],
)  # fmt: skip
def test_an_exponent_has_the_decimals_of_its_error(exponent, error, text):
    assert exponent_text(exponent, error) == f"λ₁T = {text}"
    assert exponent_text(np.nan, error) == "λ₁T unknown"


def test_a_spline_follows_a_sparse_circle():
    """Sixteen points a turn: chords miss the circle by 2%, the spline by less than a quarter of that."""
    angle = np.arange(65) * 2 * np.pi / 16
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    radius = np.linalg.norm(projection.smooth(circle)[16:-16], axis=1)
    assert np.abs(radius - 1).max() < 0.25 * (1 - np.cos(np.pi / 16))
    broken = np.where(np.arange(65)[:, None] == 7, np.nan, circle)
    np.testing.assert_array_equal(projection.smooth(broken), broken)


def test_unknown_forecasters_have_stable_colours():
    assert style.colour("some_new_model") == style.colour("some_new_model")
    assert style.colour("some_new_model") in style.FURTHER_COLOURS
    assert (
        len({style.colour(name) for name in ("panda", "parrot", "linear_ar", "persistence", "darts_nbeats")})
        == 5
    )


def test_own_baselines_have_the_label_and_the_colour_of_their_file(tmp_path: Path):
    path = tmp_path / "mine.py"
    one = {"label": "as last week", "idea": "-", "licence": "MIT", "colour": "#123456"}
    plain = {"label": "plain", "idea": "-", "licence": "MIT"}
    path.write_text(f"BASELINES = {{'seasonal': {one!r}, 'panda_like': {plain!r}}}\n")
    with knowing([str(path)]):
        assert style.label("seasonal") == "as last week" and style.colour("seasonal") == "#123456"
        assert style.label("parrot") == "context parroting" and style.label("panda") == "Panda"
        assert style.colour("panda_like") in style.FURTHER_COLOURS
        assert not style.is_panda("panda_like") and style.is_panda("panda_split3")
    assert style.label("seasonal") == "seasonal" and style.colour("seasonal") in style.FURTHER_COLOURS


def test_labels_do_not_overlap():
    places = style.spread([1.0, 1.1, 1.05, 9.0], 2.0)
    assert np.diff(np.sort(places)).min() >= 2.0 - 1e-9
    assert list(np.argsort(places)) == [0, 2, 1, 3]
    assert places[3] == 9.0


@pytest.mark.parametrize(
    ("values", "places"),
    [([], []), ([3.0], [3.0]), ([0.0, 0.0], [-1.0, 1.0]), ([5.0, 0.0, 1.0], [5.0, -0.5, 1.5])],
)
def test_labels_move_as_little_as_they_must(values: list[float], places: list[float]):
    assert style.spread(values, 2.0) == pytest.approx(places)
