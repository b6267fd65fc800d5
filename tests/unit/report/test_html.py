"""The report holds every figure, table and verdict, is self-contained, and escapes what it is given."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panda.config.steps import STEPS
from panda.figures.registry import read_figures
from panda.report.claims import claims_table
from panda.report.html import SECTIONS, FigureEntry, Source, build_report, preset_note
from panda.report.tables import comparison_table, duration, forecast_tables, generic_table, number

ROOT = Path(__file__).resolve().parents[3]
PNG = b"\x89PNG\r\n\x1a\nnot really"
VOID = {"meta", "img", "br", "link", "input"}


class Checker(HTMLParser):
    """Collects ids and addresses, and fails on tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.stack, self.ids, self.addresses, self.tags, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for key, value in attributes:
            if key == "id":
                self.ids.append(value)
            if key in ("href", "src"):
                self.addresses.append(value)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.stack == []
    return checker


def entries() -> list[FigureEntry]:
    return [
        FigureEntry(n, s.title, s.number, s.category, s.caption, PNG, {"PDF": f"figures/{n}.pdf"})
        for n, s in read_figures(ROOT / "paper" / "figures.yaml").items()
    ]


def summary() -> pd.DataFrame:
    rows = []
    for place, forecaster in enumerate(["parrot", "panda", "linear_ar"]):
        for population in ("skew", "founder", "all"):
            for horizon in (64, 128, 256, 512):
                for metric, scale in (("smape", 1.0), ("mae", 0.01), ("valid_time", 0.02)):
                    median = scale * (20 + 7 * place + horizon / 16 + (3 if population == "founder" else 0))
                    rows.append(
                        (forecaster, population, horizon, metric, median, 0.9 * median, 1.1 * median, 31, 7)
                    )
    columns = [
        "forecaster",
        "population",
        "horizon",
        "metric",
        "median",
        "median_low",
        "median_high",
        "n_systems",
        "n_founders",
    ]
    return pd.DataFrame(rows, columns=columns)


def claims(*verdicts: str) -> pd.DataFrame:
    rows = [(f"c{i}", "Panda <b>best</b>", "34.8", "30.1", v, "apart") for i, v in enumerate(verdicts)]
    return pd.DataFrame(rows, columns=["id", "statement", "claimed", "found", "verdict", "detail"])


def report(**tables: pd.DataFrame) -> str:
    return build_report(
        preset="smoke",
        preset_note=preset_note("smoke"),
        figures=entries(),
        tables={key.replace("__", "/"): frame for key, frame in tables.items()},
        provenance={"git": {"commit": "abc123", "dirty": True}, "seed": 99, "versions": {"numpy": "2"}},
    )


def test_has_every_figure_and_its_data():
    page = parse(report())
    for entry in entries():
        assert f"figure-{entry.id}" in page.ids
        assert f"figures/{entry.id}.pdf" in page.addresses
        assert any(entry.caption in text for text in page.text)


def test_is_self_contained():
    html = report(evaluate__test__summary=summary(), claims=claims("differs"))
    page = parse(html)
    assert page.tags.count("script") == 1 and "<script>" in html
    assert "link" not in page.tags
    for address in page.addresses:
        assert address.startswith(("data:image/png;base64,", "#", "figures/"))
    assert [a[1:] for a in page.addresses if a.startswith("#") and a[1:] not in page.ids] == []
    assert len(page.ids) == len(set(page.ids))


def test_the_policy_lets_the_one_script_run_and_no_other():
    html = report()
    script = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\">" in html
    assert "default-src 'none'" in html


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript here")
def test_the_script_sorts_and_finds(tmp_path):
    """Run with a page of the few parts of a browser that it asks for (`page.js`)."""
    script = report().split("<script>")[1].split("</script>")[0]
    page = (Path(__file__).parent / "page.js").read_text()
    path = tmp_path / "run.js"
    path.write_text(page.replace("/* SCRIPT */", script))
    done = subprocess.run(["node", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "up": ["2", "10", "300", "–"],
        "down": ["300", "10", "2", "–"],
        "names": ["linear AR", "N-BEATS", "Panda", "persistence"],
        "found": ["Panda"],
        "count": "1 row",
        "open": [True, True, False],
        "all again": 4,
    }


def test_first_line_says_what_the_preset_means():
    text = " ".join("".join(parse(report()).text).split("<body>")[-1].split())
    body = text[text.index("Preset smoke:") :]
    assert "models are barely trained; figures are right in form, not in content" in body[:120]


def test_what_was_not_run_is_said():
    assert report().count("not run in this preset") == 9
    assert report(evaluate__test__summary=summary()).count("not run in this preset") == 8


def test_verdicts_are_text_and_colour():
    html = report(claims=claims("reproduced", "differs", "not run", "reproduced"))
    assert html.count('<td class="verdict good"><span class="badge">reproduced</span>') == 2
    assert html.count('<td class="verdict bad"><span class="badge">differs</span>') == 1
    assert html.count('<td class="verdict open"><span class="badge">not run</span>') == 1
    assert '<span class="badge good">2 reproduced</span>' in html


def test_names_are_escaped():
    entry = FigureEntry(
        "x", "<script>alert(1)</script>", None, "<i>Odd</i>", "a & b", PNG, {"evil": "javascript:x"}
    )
    models = pd.DataFrame({"model": ["<img src=x>"], "n_steps": [3]})
    html = build_report(
        preset="<p>",
        preset_note="a < b",
        figures=[entry],
        tables={"train/models": models, "claims": claims("x")},
        provenance={"<k>": "<v>"},
    )
    parse(html)
    for text in ("<script>alert", "<i>Odd", "<img src=x>", "<b>best", "<k>", "<v>", "javascript:"):
        assert text not in html
    assert "&lt;b&gt;best&lt;/b&gt;" in html


def test_forecast_tables_have_populations_apart_and_mark_the_best():
    skew, founders = forecast_tables(summary())
    assert skew.title == "skew products (n = 31 systems of 7 unseen founders)"
    assert founders.title.startswith("founders")
    assert skew.columns[1:4] == ("sMAPE, first 64", "sMAPE, first 128", "sMAPE, first 512")
    assert [row[0].text for row in skew.rows] == ["context parroting", "Panda", "linear AR"]
    assert skew.rows[0][2].order == 28.0
    cell = skew.rows[0][2]
    assert (cell.text, cell.small, cell.kind) == ("28.0", "[25.2, 30.8]", "best")
    assert [row[-1].kind for row in skew.rows] == ["", "", "best"]


def test_forecast_tables_with_failures_and_other_horizons():
    frame = summary()
    frame = frame[(frame["horizon"] == 256) & (frame["population"] == "founder")].copy()
    frame.loc[frame["forecaster"] == "parrot", ["median", "median_low", "median_high"]] = [
        np.inf,
        3.0,
        np.nan,
    ]
    (table,) = forecast_tables(frame)
    by_name = {row[0].text: row for row in table.rows}
    assert table.columns[1] == "sMAPE, first 256"
    assert by_name["context parroting"][1].text == "∞"
    assert by_name["context parroting"][1].small == ""
    assert by_name["Panda"][1].kind == "best"


def significance() -> pd.DataFrame:
    rows = [
        ("panda", "founder", metric, 128, rival, 19, effect, p, verdict)
        for metric in ("smape", "mae", "mse", "valid_time")
        for rival, effect, p, verdict in (
            ("mean", -1.0, 1e-5, "better"),
            ("<parrot>", 0.2, 0.4, "not told apart"),
        )
    ]
    columns = [
        "reference",
        "population",
        "metric",
        "horizon",
        "forecaster",
        "n_pairs",
        "rank_biserial",
        "p_holm",
        "verdict",
    ]
    return pd.DataFrame(rows, columns=columns)


def test_comparisons_have_a_verdict_with_its_effect_for_every_rival():
    table = comparison_table(significance())
    shown = ("sMAPE, first 128", "MAE, first 128", "valid time (to 128 points)")
    assert table.columns == ("population", "against", *shown)
    assert table.rows[0][4].text == "better"
    several = pd.concat([significance(), significance().assign(horizon=512, verdict="worse")])
    longest = comparison_table(several)
    assert longest.columns[-1] == "valid time (to 512 points)"
    assert [row[-1].text for row in longest.rows] == ["worse", "worse"]
    assert [row[1].text for row in table.rows] == ["mean"]
    assert table.rows[0][2].text == "better" and table.rows[0][2].kind == "verdict good"
    assert table.rows[0][2].small == "r = −1.00, p = 1.00e-05, n = 19"
    html = report(evaluate__test__summary=summary(), evaluate__test__significance=significance())
    assert "Is Panda better or worse beyond chance?" in html and "<parrot>" not in html
    assert "beyond chance" not in report(evaluate__test__significance=significance().iloc[:0])


def of_series() -> pd.DataFrame:
    """A summary of series of unknown founders."""
    frame = summary()
    return frame[frame["population"] == "all"].assign(unit="series", n_systems=40, n_founders=0)


def test_series_of_unknown_founders_say_what_their_intervals_are_over():
    (table,) = forecast_tables(of_series())
    assert table.title == "series (n = 40; intervals over single series, as their founders are not known)"
    assert [row[0].text for row in table.rows] == ["context parroting", "Panda", "linear AR"]
    trained_on = summary().assign(unit="name", n_founders=0)
    assert forecast_tables(trained_on)[0].title == "skew products (n = 31 systems)"
    tests = significance().assign(population="series")
    assert [row[0].text for row in comparison_table(tests).rows] == ["series"] * 1


def test_data_sets_other_than_the_unseen_systems_are_folded_away():
    tables = {"evaluate__lasers__summary": of_series(), "evaluate__validation__summary": summary()}
    html = report(
        **tables,
        evaluate__test__summary=summary(),
        evaluate__lasers__significance=significance().assign(population="series"),
    )
    parse(html)
    folds = re.findall(r'<details class="fold" id="data-set-\d+"><summary>(.*?)</summary>', html)
    assert folds == ["lasers: 3 forecasters", "validation, systems of the validation founders: 3 forecasters"]
    before, lasers, validation = re.split(r'<details class="fold" id="data-set-\d+">', html)
    assert "skew products (n = 31 systems of 7 unseen founders)" in before and "single series" not in before
    assert "intervals over single series" in lasers and "Is Panda better or worse beyond chance?" in lasers
    assert "skew products (n = 31" in validation


def test_rivals_that_no_test_tells_apart_are_folded_and_counted():
    table = comparison_table(significance())
    assert [row[1].text for row in table.folded] == ["<parrot>"]
    assert table.fold == "3 tests in 1 row see no difference (n at most 19 pairs)"
    html = report(evaluate__test__summary=summary(), evaluate__test__significance=significance())
    assert f'<details class="fold"><summary>{table.fold}</summary>' in html
    none = comparison_table(significance().assign(verdict="better"))
    assert len(none.rows) == 2 and (none.folded, none.fold) == ((), "")
    # Where nothing is told apart no empty table stands above the line that says so.
    html = report(
        evaluate__test__summary=summary(),
        evaluate__test__significance=significance().assign(verdict="not told apart"),
    )
    assert "6 tests in 2 rows see no difference" in html and "no rows" not in html


def test_claims_that_were_not_judged_are_folded_and_counted():
    table = claims_table(
        claims("reproduced", "not run", "not at this scale", "not identifiable", "not at this scale")
    )
    assert table.columns == ("claim", "claimed", "found", "verdict", "why")
    assert [row[3].text for row in table.rows] == ["reproduced", "not identifiable"]
    assert [row[3].text for row in table.folded] == ["not run", "not at this scale", "not at this scale"]
    assert table.fold.startswith(
        "3 claims are not judged: 2 about a larger study than this preset's; 1 not run:"
    )
    assert claims_table(claims("differs")).fold == ""


def test_a_long_cell_of_a_claim_is_cut_with_all_of_it_behind():
    parts = [f"horizon {h}: Panda 110 [100, 120] against linear AR 112 [101, 130]" for h in (128, 256, 512)]
    table = claims_table(claims("differs").assign(found="; ".join(parts), source="paper", locator="Fig. 2"))
    (row,) = table.rows
    assert len(row[2].text) <= 90 and row[2].text.endswith(" …") and row[2].more == tuple(parts)
    assert row[0].small == "paper, Fig. 2"
    html = report(claims=claims("differs").assign(found="; ".join(parts)))
    assert f"<summary>{row[2].text}</summary><ul><li>{parts[0]}</li>" in html
    assert claims_table(claims("differs")).rows[0][2].more == ()


def test_names_are_those_of_the_figures():
    frame = pd.DataFrame({"model": ["panda_mlm_sft"], "forecaster": ["linear_ar"], "population": ["skew"],
                          "filter": ["zero_one"], "metric": ["smape"], "mae": [0.5]})  # fmt: skip
    table = generic_table("train/models", frame)
    assert [cell.text for cell in table.rows[0]] == [
        "Panda, MLM then SFT", "linear AR", "skew products", "0-1 test", "sMAPE", "0.500"
    ]  # fmt: skip
    assert table.columns[-1] == "MAE"
    assert [cell.order for cell in table.rows[0]] == [None] * 5 + [0.5]


def test_a_table_links_to_its_files_and_shows_its_configuration():
    links = {"CSV": "train/models.csv", "log": "logs/list_models.log", "evil": "https://x.example"}
    html = build_report(
        preset="smoke",
        preset_note=preset_note("smoke"),
        figures=[],
        tables={"train/models": pd.DataFrame({"model": ["panda"]})},
        provenance={},
        sources={"train/models": Source(links, "train, models", "train:\n  seed: <1>\n"), "other": Source()},
    )
    page = parse(html)
    assert {"train/models.csv", "logs/list_models.log"} <= set(page.addresses)
    assert "https://x.example" not in page.addresses
    assert "<summary>configuration: train, models</summary><pre>train:\n  seed: &lt;1&gt;\n</pre>" in html


def test_other_tables():
    fit = {
        "horizon": 128,
        "alpha": 0.4,
        "alpha_low": 0.3,
        "alpha_high": 0.5,
        "verdict": "identifiable",
        "reason": "known",
    }
    costs = {
        "rule": "train_model",
        "n_jobs": 3,
        "wall_s": 12000.0,
        "cpu_s": np.nan,
        "max_rss_mb": 900.0,
        "share": 0.5,
    }
    # Of name 4 there are two perturbations: with each counted apart the median would be 0.25.
    points = [("panda_mlm", f"s{i}-p0", f"s{i}", "mae", 0.1 * i) for i in range(5)]
    points.append(("panda_mlm", "s4-p1", "s4", "mae", 0.4))
    html = report(
        scaling__fit=pd.DataFrame([fit]),
        costs=pd.DataFrame([costs]),
        evaluate__completions=pd.DataFrame(
            points, columns=["forecaster", "system", "name", "metric", "value"]
        ),
    )
    for text in (
        "[0.300, 0.500]",
        "3 h 20 min",
        "50.0%",
        '<td data-order="0.2">0.200</td>',
        "abc123",
        "git.commit",
    ):
        assert text in html


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0312, "0.0312"), (28.44, "28.4"), (1234567, "1,234,567"), (-0.5, "−0.500"), (float("nan"), "–"),
     (0.0, "0"), (1e-9, "1.00e-09"), (None, "–"), (True, "yes"), ("a", "a"), (float("inf"), "∞")],
)  # fmt: skip
def test_numbers(value, text):
    assert number(value) == text


def test_durations():
    assert [duration(s) for s in (4.21, 310.0, 12000.0)] == ["4.2 s", "5 min 10 s", "3 h 20 min"]


def test_near_duplicates_are_shown_over_all_families():
    import pandas as pd

    row = {"criterion": "features", "split": "test", "other": "train", "n_pairs": 1}
    rows = [
        row | {"family": name, "n_systems": n, "n_with_twin": 1} for name, n in (("all", 41), ("jerk", 17))
    ]
    text = " ".join(parse(report(discover__duplicates=pd.DataFrame(rows))).text)
    assert "41" in text and "17" not in text.split("near-duplicates")[-1].split("Models")[0]


def test_the_table_of_acceptance_says_how_integrations_end():
    columns = ["population", "order", "filter", "n_in", "n_passed", "n_diverged", "n_underflow", "n_budget"]
    rows = [("skew", 0, "integrated", 9000, 3000, 5000, 1000, 0), ("skew", 1, "bounded", 3000, 2990, 0, 0, 0)]
    frame = pd.DataFrame(rows, columns=columns).assign(n_accepted=3000)
    table = generic_table("discover/acceptance", frame)
    assert table.columns == ("population", "filter", "tested", "passed", "detail")
    details = [row[-1].text for row in table.rows]
    assert details == [
        "diverged 5,000 · step underflow 1,000", "3,000 accepted, 10 of them founders whatever their verdict"
    ]  # fmt: skip


def test_systems_are_shown_with_their_names_and_founders():
    row = {"population": "skew", "order": 0, "filter": "integrated", "n_in": 9000, "n_passed": 3000}
    frame = pd.DataFrame([row]).assign(n_accepted=3000, n_names=1415, n_founders=130)
    table = generic_table("discover/acceptance", frame)
    assert table.rows[-1][-1].text == "accepted systems have 1,415 names and 130 founders"
    counts = {
        "selection": "certified",
        "n_accepted": 3000,
        "n_names": 1415,
        "n_train": 2000,
        "n_train_names": 700,
    }
    assert generic_table("discover/selections", pd.DataFrame([counts])).columns == (
        "selection", "systems", "names", "in training", "names in training"
    )  # fmt: skip


def test_the_table_of_selections_says_what_the_systems_are():
    """Of what the reference's filters accept: how many are chaotic, regular, undecided, and which share that is."""
    row = {"selection": "reference", "population": "skew", "n_accepted": 200, "n_names": 90, "n_limit_cycle": 9,
           "n_chaotic": 100, "n_regular": 30, "n_undecided": 70, "n_not_persistent": 5}  # fmt: skip
    table = generic_table(
        "discover/selections", pd.DataFrame([row, {**row, "n_accepted": 0, "n_chaotic": 0}])
    )
    assert table.columns == (
        "selection", "population", "systems", "chaotic", "chaotic, but not persistent", "regular", "undecided",
        "limit cycles", "names",
    )  # fmt: skip
    shown = dict(zip(table.columns, table.rows[0], strict=True))
    assert [(shown[name].text, shown[name].small) for name in ("chaotic", "regular", "undecided")] == [
        ("100", "50%"), ("30", "15%"), ("70", "35%")
    ]  # fmt: skip
    assert table.rows[1][3].text == "0" and table.rows[1][3].small == ""


def test_every_table_shown_is_of_one_step_with_a_log():
    rules = "\n".join(path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    for table, _, _ in SECTIONS:
        (made_by,) = [name for name, step in STEPS.items() if f"{table}.parquet" in step.outputs.values()]
        assert f'f"{{RUN}}/logs/{made_by}.log"' in rules
