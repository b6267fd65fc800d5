"""Every figure draws, shows what it says, survives thin results, and gives the same bytes twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from panda.core import labels
from panda.core.errors import PandaError
from panda.core.files import read_arrays
from panda.figures import style
from panda.figures.registry import read_figures, read_published
from panda.figures.save import save

ROOT = Path(__file__).resolve().parents[3]
REFERENCE_EXPONENTS = ROOT.parent / "shared" / "data" / "reference_test_lyapunov.json"
FIGURES = read_figures(ROOT / "paper" / "figures.yaml")
EVERY = pytest.mark.parametrize("name", list(FIGURES))


def texts(figure) -> str:
    """All text of a figure."""
    figure.draw_without_rendering()
    return "\n".join(t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text")))


def all_axes(figure) -> list:
    return [a for a in figure.get_axes() if a.get_visible()]


def lines(figure) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata(), float) for axes in all_axes(figure) for line in axes.lines]


def drawn(figure, values: np.ndarray) -> bool:
    """Whether some line of the figure has exactly these y values."""
    values = np.asarray(values, float)
    return any(len(y) == len(values) and np.array_equal(y, values, equal_nan=True) for y in lines(figure))


def test_figures_of_the_configuration_are_listed():
    import yaml

    wanted = yaml.safe_load((ROOT / "config.yaml").read_text())["figures"]
    assert set(wanted) <= set(FIGURES)


@EVERY
def test_draws_and_saves_the_same_bytes_twice(name, results, tmp_path):
    tables, arrays = results
    module = FIGURES[name].load()
    figure = module.draw(tables, arrays)
    assert 3.0 <= figure.get_size_inches()[0] <= 7.0
    paths = save(figure, module.shown(tables, arrays), tmp_path, name)
    assert [path.suffix for path in paths[:2]] == [".pdf", ".png"]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert paths[2].stat().st_size > 100
    again = save(module.draw(tables, arrays), module.shown(tables, arrays), tmp_path / "again", name)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


@EVERY
def test_reads_no_more_than_it_declares(name, results):
    tables, arrays = results
    spec = FIGURES[name]
    listed = [pattern.format(scored="*", measured="*") for pattern in spec.tables]
    wanted_tables = [key for key in tables if any(fnmatchcase(key, pattern) for pattern in listed)]
    wanted_tables += [f"paper/{published}" for published in spec.published]
    patterns = [pattern.format(scored="*", measured="*") for pattern in spec.arrays]
    wanted_arrays = {key for key in arrays if any(fnmatchcase(key, pattern) for pattern in patterns)}
    module = spec.load()
    full = module.shown(tables, arrays)
    less = module.shown(
        {k: v for k, v in tables.items() if k in wanted_tables},
        {k: v for k, v in arrays.items() if k in wanted_arrays},
    )
    if isinstance(full, pd.DataFrame):
        pd.testing.assert_frame_equal(full, less)
    else:
        assert full.keys() == less.keys()
        for key, value in full.items():
            np.testing.assert_array_equal(value, less[key])


@EVERY
def test_says_so_when_there_is_nothing(name, tmp_path):
    module = FIGURES[name].load()
    figure = module.draw({}, {})
    assert "in this run" in texts(figure) or "No forecast" in texts(figure)
    save(figure, module.shown({}, {}), tmp_path, name)


@EVERY
def test_a_table_of_another_version_is_named(name, results):
    tables, arrays = results
    spec = FIGURES[name]
    broken_tables = {key: pd.DataFrame({"x": [1]}) for key in tables}
    broken_arrays = {key: {"x": np.zeros(1)} for key in arrays}
    with pytest.raises(PandaError, match="another version"):
        spec.load().shown(broken_tables, broken_arrays)


def test_same_bytes_in_another_process(results, tmp_path):
    """Neither hash randomisation nor the clock reaches the files."""
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import acceptance
from panda.figures.acceptance import draw, shown
from panda.figures.save import save
tables = {"discover/acceptance": acceptance({"founder": 300, "skew": 7200})}
save(draw(tables, {}), shown(tables, {}), sys.argv[2], "f")
"""
    tables, arrays = results
    module = FIGURES["acceptance"].load()
    save(module.draw(tables, arrays), module.shown(tables, arrays), tmp_path / "here", "f")
    command = [sys.executable, "-c", script, str(Path(__file__).parent), str(tmp_path / "there")]
    subprocess.run(
        command, check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": "1"}
    )
    for suffix in ("pdf", "png", "csv"):
        assert (tmp_path / f"here/f.{suffix}").read_bytes() == (tmp_path / f"there/f.{suffix}").read_bytes()


def test_pdf_has_truetype_fonts(results, tmp_path):
    tables, arrays = results
    module = FIGURES["acceptance"].load()
    pdf = save(module.draw(tables, arrays), module.shown(tables, arrays), tmp_path, "x")[0].read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


def test_attractors_draw_the_projected_points(results):
    tables, arrays = results
    module = FIGURES["attractors"].load()
    data, figure = module.shown(tables, arrays), module.draw(tables, arrays)
    axes = all_axes(figure)[0]
    shown = np.concatenate([line.get_xydata() for line in axes.lines])
    shown = np.unique(shown[np.isfinite(shown).all(axis=1)], axis=0)
    stored = np.unique(data["seen"][0, :, :2], axis=0)
    assert {tuple(point) for point in stored} <= {tuple(point) for point in shown}
    assert len(shown) > 3 * len(stored)
    assert np.abs(data["seen"][..., :2]).max() <= 1 + 1e-9
    assert arrays["discover/gallery"]["attractor_names"][0].split("_")[0] in axes.get_title()
    assert axes.get_xlabel() == "λ₁T = 0.050 ± 0.004"


def test_rejected_and_missing_perturbations_are_told(results):
    tables, arrays = results
    figure = FIGURES["perturbations"].load().draw(tables, arrays)
    assert texts(figure).count("rejected") == 1
    assert texts(figure).count("no trajectory") == 1


def test_acceptance_bars_are_the_shares(results):
    tables, arrays = results
    module = FIGURES["acceptance"].load()
    data, figure = module.shown(tables, arrays), module.draw(tables, arrays)
    skew = data[data["population"] == "skew"]
    widths = [patch.get_width() for patch in all_axes(figure)[0].patches]
    total = skew["n_in"].iloc[0]
    ends = [100 * skew[end] / total for end in ("n_diverged", "n_underflow")]
    np.testing.assert_allclose(widths, np.concatenate([skew["share_in"], skew["share_passed"], *ends]))
    assert f"diverged: {skew['n_diverged'].sum():,}" in texts(figure)
    assert "budget" not in texts(figure)
    kept = data.loc[data["population"] == "founder", "n_passed"].iloc[-1]
    assert f"{kept + 37:,} with 37 founders kept regardless" in texts(figure)
    for axes in all_axes(figure):
        title = axes.get_title(loc="left")
        shown = axes._left_title.get_window_extent(FigureCanvasAgg(figure).get_renderer())
        assert shown.x1 <= figure.bbox.x1, f"{title!r} is cut off"
    last = skew.iloc[-1]
    assert last["share_passed"] == pytest.approx(100 * last["n_passed"] / skew["n_in"].iloc[0])
    assert f"{last['n_passed']:,} of {last['n_in']:,}" in texts(figure)


def test_no_two_filters_share_a_label():
    """A selection of one's own may ask any of them side by side."""
    from panda.discovery.search.filters import FILTERS

    assert set(labels.FILTERS) <= set(FILTERS)
    assert len({labels.filter_label(name) for name in FILTERS}) == len(FILTERS)


def test_exponents_are_in_periods_and_the_published_ones_beside(results):
    tables, arrays = results
    data = FIGURES["spectra"].load().shown(tables, arrays)
    measured, published = tables["discover/spectra"], tables["paper/reference_exponents"]
    ours = data[data["source"] == "ours"]
    assert len(ours) == len(measured) and len(data) == len(measured) + len(published)
    first = np.array([row[0] for row in measured["exponents"]])
    np.testing.assert_allclose(ours["largest_exponent_per_period"].astype(float), first * measured["period"])
    np.testing.assert_allclose(ours["exponent_per_sample"].astype(float), first * measured["dt"])
    skew = measured["population"] == "skew"
    conditional = ours["conditional_exponent_per_period"].astype(float)
    assert conditional.notna().tolist() == skew.tolist()


def test_shares_of_the_responses_are_counts(results):
    tables, arrays = results
    kinds = tables["discover/spectra"]["response_kind"]
    kinds = kinds[kinds != ""]
    text = texts(FIGURES["spectra"].load().draw(tables, arrays))
    for kind, word in (("chaotic", "s.e.): "), ("undecided", "apart: "), ("synchronised", "3 s.e.): ")):
        assert f"{word}{100 * (kinds == kind).mean():.0f}%" in text
    assert f"n = {len(kinds):,}" in text


def test_a_few_far_systems_stretch_no_axis_of_the_spectra_and_are_counted(results):
    """Two founders of enormous period, and a response that contracts a hundred times faster than any other."""
    spectra = results[0]["discover/spectra"].copy()
    spectra.loc[spectra.index[-2:], "period"] = 1e8
    far = spectra.index[0]
    spectra.at[far, "conditional_exponents"] = np.array([-3000.0, -4000.0])
    spectra.at[far, "response_kind"] = "synchronised"
    figure = FIGURES["spectra"].load().draw({**results[0], "discover/spectra": spectra}, {})
    by_label = {axes.get_xlabel(): axes for axes in all_axes(figure)}
    assert by_label["period, time units"].get_xlim()[1] < 1e4
    first, last = by_label["period, time units"].get_xlim()
    n_beyond = int((~spectra["period"].between(first, last)).sum())
    assert 2 <= n_beyond <= 4
    assert by_label["period, time units"].get_title(loc="left") == f"not shown: {n_beyond} beyond the axis"
    conditional = next(a for a in all_axes(figure) if a.get_ylabel() == "conditional exponent × period")
    assert conditional.get_ylim()[0] > -100
    assert "beyond the axis: 1" in texts(figure)
    assert by_label["Kaplan–Yorke dimension"].get_title(loc="left") == ""


def test_spectra_say_how_many_systems_each_line_is_of(results):
    tables, _ = results
    figure = FIGURES["spectra"].load().draw(tables, {})
    text = texts(figure)
    for words in ("skew products (n = 80)", "founders (n = 60)", "ours, tangent flow (n = 80 and 60)",
                  "reference, Rosenstein (n = 900 and 900)"):  # fmt: skip
        assert words in text
    beside = next(a for a in all_axes(figure) if a.get_xlabel() == "exponent per sample")
    assert beside.get_ylim() == (0, 100)


@pytest.mark.parametrize("kind", ["nothing measured", "one", "no skew", "negative"])
def test_spectra_survive(kind, results):
    spectra = results[0]["discover/spectra"].copy()
    empty = pd.Series([np.empty(0)] * len(spectra))
    if kind == "nothing measured":
        spectra["exponents"], spectra["conditional_exponents"] = empty, empty
        spectra[["kaplan_yorke", "kaplan_yorke_error"]] = np.nan
    elif kind == "one":
        spectra = spectra.head(1)
    elif kind == "no skew":
        spectra = spectra[spectra["population"] == "founder"]
    else:
        spectra["exponents"] = [-np.abs(row) for row in spectra["exponents"]]
    text = texts(FIGURES["spectra"].load().draw({"discover/spectra": spectra}, {}))
    told = {"nothing measured": "No exponents above", "one": "(n = 1)", "no skew": "No skew product"}
    assert told.get(kind, "No system with this") in text


@pytest.mark.parametrize("content", [None, ""])
def test_a_published_table_that_is_not_there_is_named(content, tmp_path):
    spec = FIGURES["spectra"]
    if content is not None:
        (tmp_path / "reference_exponents.csv").write_text(content)
    with pytest.raises(PandaError, match="cannot be read"):
        read_published(spec, tmp_path)


def test_the_published_quantiles_rise_from_the_first_to_the_last():
    table = read_published(FIGURES["spectra"], ROOT / "paper")["paper/reference_exponents"]
    for _, rows in table.groupby("population"):
        assert rows["probability"].iloc[[0, -1]].tolist() == [0, 1]
        assert rows["probability"].is_monotonic_increasing
        assert rows["exponent_per_sample"].is_monotonic_increasing
    assert table.groupby("population")["n"].first().sum() == 9347


@pytest.mark.skipif(
    not REFERENCE_EXPONENTS.is_file(), reason="the reference's exponents are not in this checkout"
)
def test_the_published_quantiles_are_those_of_the_references_exponents():
    stored = json.loads(REFERENCE_EXPONENTS.read_text())["4096"]
    values = {"founder": [], "skew": []}
    for name, entry in stored:
        pair = len(name.split("_pp")[0].split("_")) == 2
        values["skew" if pair else "founder"].append(entry["max_lyap_rosenstein"])
    table = read_published(FIGURES["spectra"], ROOT / "paper")["paper/reference_exponents"]
    for population, rows in table.groupby("population"):
        own = np.asarray(values[population])
        assert (rows["n"] == len(own)).all()
        # Six digits are stored.
        np.testing.assert_allclose(
            rows["exponent_per_sample"], np.quantile(own, rows["probability"]), atol=1e-6
        )
    everything = np.concatenate([*map(np.asarray, values.values())])
    assert (len(everything), int((everything <= 0).sum())) == (9347, 263)


def test_forecasts_draw_the_data_beside(results):
    tables, arrays = results
    module = FIGURES["forecasts"].load()
    data, figure = module.shown(tables, arrays), module.draw(tables, arrays)
    curves = data[data["panel"] == "C"]
    assert set(curves["population"]) == {"skew", "founder"}
    for _, group in curves.groupby(["population", "forecaster"]):
        assert drawn(figure, group["y"])
    panel = data[(data["panel"] == "A") & (data["metric"] == "coordinate 1")]
    for _, group in panel.groupby(["name", "forecaster"]):
        assert drawn(figure, group["y"])
    summary = tables["evaluate/test/summary"]
    key = {"forecaster": "panda", "population": "skew", "horizon": 128, "metric": "smape"}
    row = summary.loc[(summary[list(key)] == pd.Series(key)).all(axis=1)].iloc[0]
    point = curves[
        (curves["forecaster"] == "panda") & (curves["population"] == "skew") & (curves["x"] == 128)
    ]
    assert (
        point[["y", "low", "high"]].iloc[0].tolist() == row[["median", "median_low", "median_high"]].tolist()
    )


def test_forecasts_pick_the_best_baseline_and_scale_by_the_context(results):
    tables, arrays = results
    module = FIGURES["forecasts"].load()
    data = module.shown(tables, arrays)
    systems = tables["evaluate/test/by_system"]
    medians = systems[systems["horizon"] == 512].groupby("forecaster")["smape"].median()
    best = medians[[name for name in medians.index if not name.startswith("panda")]].idxmin()
    series = list(dict.fromkeys(data.loc[data["panel"] == "A", "forecaster"]))
    assert series == ["context", "truth", "panda", best]
    example = arrays["scores/test/panda"]
    context, forecast = example["context"].astype(float), example["forecast"][0].astype(float)
    expected = ((forecast - context.mean(1, keepdims=True)) / context.std(1, keepdims=True))[0, :, 0]
    panel = data[
        (data["panel"] == "A") & (data["metric"] == "coordinate 1") & (data["forecaster"] == "panda")
    ]
    np.testing.assert_allclose(panel["y"].to_numpy()[:512], expected, rtol=1e-6)
    assert panel["x"].iloc[0] == 0


def test_forecasts_without_examples_draw_the_errors(results):
    tables, _ = results
    text = texts(FIGURES["forecasts"].load().draw(tables, {}))
    assert "No example forecasts in this run." in text and "founders (n = 6)" in text


def test_forecasts_without_skew_products_say_so(results):
    tables, arrays = results
    thin = {
        key: tables[key][tables[key]["population"] == "founder"]
        for key in ("evaluate/test/by_system", "evaluate/test/summary")
    }
    text = texts(FIGURES["forecasts"].load().draw(thin, arrays))
    assert "no skew products in this run" in text
    assert "founders (n = 6)" in text


@pytest.mark.parametrize("left_out", ["panda", "parrot"])
def test_forecasts_without_one_forecaster(left_out, results):
    tables, arrays = results
    kept = {
        key: frame[frame["forecaster"] != left_out] for key, frame in tables.items() if "forecaster" in frame
    }
    module = FIGURES["forecasts"].load()
    arrays = {key: value for key, value in arrays.items() if not key.endswith(f"/{left_out}")}
    assert left_out not in set(module.shown(kept, arrays)["forecaster"])
    assert style.label(left_out) not in texts(module.draw(kept, arrays)).split("\n")


def test_a_forecast_of_zero_stretches_no_axis(results):
    tables, arrays = results
    tables = dict(tables)
    for key in ("evaluate/test/by_system", "evaluate/test/summary", "evaluate/kuramoto_sivashinsky/summary"):
        tables[key] = tables[key].copy()
        mean = tables[key]["forecaster"] == "context_mean"
        if "metric" in tables[key]:
            mean &= tables[key]["metric"] == "smape"
        chosen = [name for name in ("smape", "median", "median_low", "median_high", "mean", "low", "high")
                  if name in tables[key]]  # fmt: skip
        tables[key].loc[mean, chosen] = 200.0
    for name in ("forecasts", "kuramoto_sivashinsky"):
        figure = FIGURES[name].load().draw(tables, arrays)
        assert "context mean: 200, not drawn" in texts(figure)
        axes = [axes for axes in all_axes(figure) if "sMAPE" in axes.get_ylabel()]
        assert axes and all(a.get_ylim()[1] < 190 for a in axes)


def test_curves_fill_their_panel_and_their_names_stand_in_their_order(results):
    """In the order of the ends no two leaders cross."""
    tables, arrays = results
    module = FIGURES["forecasts"].load()
    data, figure = module.shown(tables, arrays), module.draw(tables, arrays)
    curves = data[data["panel"] == "C"]
    axes = next(a for a in all_axes(figure) if a.get_ylabel() == "median sMAPE (0 to 200)")
    low, high = axes.get_ylim()
    least, most = curves["y"].min(), curves["y"].max()
    assert 0 < low < least and most < high and most - least > 0.75 * (high - low)
    names = [text for text in axes.texts if hasattr(text, "xyann") and text.get_text() != "C"]
    ends = [text.xy[1] for text in names]
    places = [axes.transData.transform(text.xy)[1] * 72 / figure.dpi + text.xyann[1] for text in names]
    assert len(names) == curves["forecaster"].nunique()
    assert list(np.argsort(ends, kind="stable")) == list(np.argsort(places, kind="stable"))


def test_only_the_forecasters_of_the_examples_have_bands(results):
    tables, arrays = results
    module = FIGURES["forecasts"].load()
    figure = module.draw(tables, arrays)
    axes = next(axes for axes in all_axes(figure) if axes.get_ylabel() == "median sMAPE (0 to 200)")
    data = module.shown(tables, arrays)
    examples = set(data.loc[data["panel"] == "A", "forecaster"]) - {"context", "truth"}
    bands = {to_hex(band.get_facecolor()[0]).upper() for band in axes.collections}
    assert bands == {style.colour(name) for name in examples}


def test_forecasts_with_failed_and_few(results):
    tables, arrays = results
    systems = tables["evaluate/test/by_system"]
    systems = systems[
        (systems["name"] == "skew0") & systems["forecaster"].isin(["panda", "linear_ar"])
    ].copy()
    systems.loc[systems["forecaster"] == "linear_ar", "mae"] = np.inf
    summary = tables["evaluate/test/summary"].assign(median_high=np.inf)
    text = texts(
        FIGURES["forecasts"]
        .load()
        .draw({"evaluate/test/by_system": systems, "evaluate/test/summary": summary}, arrays)
    )
    assert "fails" in text
    assert "skew products (n = 1)" in text


def test_a_forecaster_has_one_colour_in_all_figures(results):
    tables, arrays = results
    for name in ("forecasts", "kuramoto_sivashinsky"):
        module = FIGURES[name].load()
        data, figure = module.shown(tables, arrays), module.draw(tables, arrays)
        if name == "forecasts":
            y = data[
                (data["panel"] == "C") & (data["forecaster"] == "parrot") & (data["population"] == "skew")
            ]["y"]
        else:
            y = data["score_mean"][(data["score_forecaster"] == "parrot") & (data["score_metric"] == "mae")]
        found = [line for a in all_axes(figure) for line in a.lines if np.array_equal(line.get_ydata(), y)]
        assert [to_hex(line.get_color()).upper() for line in found] == [style.colour("parrot")]


def test_scaling_curve_only_when_identifiable(sweep):
    module = FIGURES["scaling"].load()
    known, unknown = sweep("identifiable"), sweep("not identifiable", n_splits=3)
    n_curve = module.N_CURVE
    assert any(len(y) == n_curve for y in lines(module.draw(known, {})))
    figure = module.draw(unknown, {})
    assert not any(len(y) == n_curve for y in lines(figure))
    assert "not identifiable" in texts(figure)
    assert "3 sizes; 4 are needed" in texts(figure)
    assert module.shown(unknown, {})["fitted"].isna().all()
    shown = module.shown(known, {})
    points = known["scaling/points"]
    first = points[points["n_systems"] == 20979]["error"]
    row = shown[shown["n_systems"] == 20979].iloc[0]
    assert row["smape"] == pytest.approx(first.mean())
    assert row["standard_error"] == pytest.approx(first.std() / len(first) ** 0.5)


def test_scaling_shows_three_horizons_beside_each_other(sweep):
    module = FIGURES["scaling"].load()
    tables = sweep("not identifiable", (64, 128, 192, 256, 512), n_splits=3)
    assert sorted(module.shown(tables, {})["horizon"].unique()) == [64, 128, 512]
    figure = module.draw(tables, {})
    assert "sMAPE (0 to 200)" in texts(figure)
    first = {
        float(line.get_xdata()[0])
        for axes in all_axes(figure)
        for line in axes.lines
        if len(line.get_xdata()) == 3
    }
    assert len(first) == 3


def test_learning_curves_are_at_the_shortest_horizon_and_others_lie_across(results):
    tables, arrays = results
    figure = FIGURES["learning"].load().draw(tables, arrays)
    curves = tables["train/learning"].query("horizon == 128 and population == 'skew'")
    assert drawn(figure, curves[curves["forecaster"] == "panda"]["smape"])
    assert drawn(figure, curves[curves["forecaster"] == "parrot"]["smape"].to_list() * 2)
    assert "windows learned from" in texts(figure) and "over 128 points" in texts(figure)


def test_measured_series_are_drawn_at_one_horizon_and_stored_at_all(results):
    tables, arrays = results
    module = FIGURES["measured"].load()
    data = module.shown(tables, arrays)
    assert list(dict.fromkeys(data["dataset"])) == ["laser", "fly_brain"]
    errors = data[data["panel"] == "B"]
    scores = tables["scores/laser/_all"].query("forecaster == 'parrot' and horizon == 64")
    row = errors.query("dataset == 'laser' and forecaster == 'parrot' and horizon == 64 and metric == 'mae'")
    assert row["y"].item() == pytest.approx(scores["mae"].mean()) and row["n"].item() == len(scores)
    assert row["q25"].item() <= row["y"].item() <= row["q75"].item()
    example = data.query("panel == 'A' and dataset == 'laser'")
    at = errors.query("dataset == 'laser' and horizon == 128 and metric == 'mae'").set_index("forecaster")[
        "y"
    ]
    best = at.drop(["panda", "panda_mlm_sft"]).idxmin()
    assert set(example["forecaster"]) == {"context", "truth", "panda", best}
    assert example.query("forecaster == 'truth'")["x"].tolist() == list(range(128))
    figure = module.draw(tables, arrays)
    assert drawn(figure, example.query("forecaster == 'panda'")["y"])
    assert "128 steps, n = 8" in texts(figure) and "64 steps" not in texts(figure)
    assert "intensity of a laser, measured" in texts(figure)


def test_a_forecast_that_failed_has_no_dot(results):
    tables, arrays = results
    table = tables["scores/laser/_all"].copy()
    table.loc[(table["forecaster"] == "fourier") & (table["window"] == 0), "mae"] = np.inf
    module = FIGURES["measured"].load()
    data = module.shown({"scores/laser/_all": table}, arrays)
    failed = data.query("panel == 'B' and forecaster == 'fourier' and metric == 'mae'")
    assert np.isinf(failed["y"]).all() and np.isfinite(failed["q25"]).all()
    figure = module.draw({"scores/laser/_all": table}, arrays)
    ordered = [text.get_text() for text in all_axes(figure)[1].get_yticklabels()]
    assert ordered[-1] == style.label("fourier")


def test_completions_draw_hidden_parts_only(results):
    tables, arrays = results
    module = FIGURES["completions"].load()
    data, figure = module.shown(tables, arrays), module.draw(tables, arrays)
    hidden = np.repeat(data["mask"][0, 0], 16)
    assert drawn(figure, np.where(hidden, data["completion"][0, :, 0], np.nan))
    assert drawn(figure, data["truth"][0, :, 0])


def test_completions_have_a_scale(results):
    figure = FIGURES["completions"].load().draw(*results)
    assert "context standard deviations" in texts(figure)
    panels = [axes for axes in all_axes(figure) if any(len(line.get_ydata()) == 512 for line in axes.lines)]
    assert panels and all(len(axes.get_yticks()) >= 2 for axes in panels)


def test_completions_average_a_name_first(results):
    tables, arrays = results
    data = FIGURES["completions"].load().shown(tables, arrays)
    assert set(data["box_n_systems"]) == {20}
    table = tables["evaluate/completions"]
    mine = table[(table["forecaster"] == "panda_mlm") & (table["metric"] == "mae")]
    box = (data["box_forecaster"] == "panda_mlm") & (data["box_metric"] == "mae")
    assert data["box_quantiles"][box, 2] == pytest.approx(mine.groupby("name")["value"].mean().median())


def test_kuramoto_sivashinsky_images_and_error(results, tmp_path):
    tables, arrays = results
    module = FIGURES["kuramoto_sivashinsky"].load()
    figure = module.draw(tables, arrays)
    path = save(figure, module.shown(tables, arrays), tmp_path, "ks")[2]
    data = read_arrays(path)
    images = [axes.images[0].get_array() for axes in all_axes(figure) if axes.images]
    future = data["truth"][data["time"] >= 0]
    assert list(data["forecasters"]) == ["panda", "parrot"]
    np.testing.assert_array_equal(images[0], data["truth"].T)
    context = data["truth"][data["time"] < 0]
    assert len(context) == 512  # all that the forecasters saw: over less of it nothing moves
    np.testing.assert_array_equal(images[1], np.concatenate([context, data["forecasts"][0]]).T)
    np.testing.assert_array_equal(images[2], (data["forecasts"][0] - future).T)
    shown = [axes.images[0] for axes in all_axes(figure) if axes.images]
    assert shown[0].get_clim() == shown[1].get_clim() == shown[3].get_clim()
    assert shown[2].get_clim() == shown[4].get_clim()
    assert shown[2].get_clim()[1] == pytest.approx(
        np.percentile(np.abs(data["forecasts"] - future), 99.5), rel=1e-6
    )
    assert data["time"][-1] == pytest.approx(511 * 0.0244 * 0.09)
    text = texts(figure)
    assert "time after the context, Lyapunov times" in text and "(512 are 1.1 Lyapunov times)" in text


@pytest.mark.parametrize("exponent", [np.nan, -0.1])
def test_kuramoto_sivashinsky_without_chaos_is_in_time_units(exponent, results):
    tables, arrays = results
    arrays = {
        key: value | {"exponent": np.float64(exponent)} if "/kuramoto_sivashinsky/" in key else value
        for key, value in arrays.items()
    }
    module = FIGURES["kuramoto_sivashinsky"].load()
    assert module.shown(tables, arrays)["time"][-1] == pytest.approx(511 * 0.0244)
    text = texts(module.draw(tables, arrays))
    assert "time after the context, time units" in text and "Lyapunov" not in text


def test_evolution_is_relative_to_the_mean_of_one_generation(results):
    tables, arrays = results
    data = FIGURES["evolution"].load().shown(tables, arrays)
    end = data[data["at_end"] & (data["measure"] == "acceptance")].set_index(["method", "seed"])
    assert end.loc["one_generation", "relative"].mean() == pytest.approx(1.0)
    assert end.loc[("evolution", 3), "relative"] == pytest.approx(215 / 110)
    figure = FIGURES["evolution"].load().draw(tables, arrays)
    curve = tables["discover/evolution_curve"]
    own = curve[(curve["method"] == "evolution") & (curve["seed"] == 2)]
    assert drawn(figure, own["n_accepted"]) and drawn(figure, own["effective_number"])
    assert "one generation" in texts(figure) and "founder pairs" in texts(figure)
