"""Every verdict from small tables, every mistake in the file by its line, and the published list itself."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from panda.analysis.claims import judge, load_claims
from panda.core.errors import PandaError

PUBLISHED = Path(__file__).resolve().parents[3] / "paper" / "claims.yaml"

HEAD = """claims:
  - id: one
    statement: Something holds.
    source: paper
    locator: Fig. 1
    scale: [laptop, paper]
"""
NUMBER = (
    HEAD
    + """    kind: number
    value: 10
    tolerance: {absolute: 1}
    result: {table: t, where: {model: a}, column: x, low: low, high: high, factor: 0.5}
"""
)
DIRECTION = (
    HEAD
    + """    kind: direction
    for_each: {horizon: [128, 512]}
    comparisons:
      - left: {table: t, where: {model: a}, column: x, low: low, high: high, verdict: verdict}
        relation: less
        right: RIGHT
"""
)
RIGHT = "{table: t, where: {model: b}, column: x, low: low, high: high}"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def table(*rows: tuple) -> dict[str, pd.DataFrame]:
    columns = ["model", "horizon", "x", "low", "high", "verdict"]
    return {"t": pd.DataFrame([row + ("identifiable",) * (6 - len(row)) for row in rows], columns=columns)}


def judged(tmp_path: Path, text: str, tables: dict[str, pd.DataFrame], preset: str = "laptop") -> pd.Series:
    found = judge(load_claims(write(tmp_path, text)), tables, preset)
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("x", "half", "verdict"),
    [
        (20.0, 0.0, "reproduced"),
        (22.0, 0.0, "reproduced"),  # at the tolerance's edge, in units of the claim
        (22.2, 0.0, "differs"),
        (18.0, 0.0, "reproduced"),
        (26.0, 3.0, "differs"),
        (26.0, 5.0, "not identifiable"),  # its interval reaches what would be reproduced
        (float("nan"), 0.0, "not identifiable"),
    ],
)
def test_number(tmp_path: Path, x: float, half: float, verdict: str) -> None:
    row = judged(tmp_path, NUMBER, table(("a", 128, x, x - half, x + half), ("b", 128, 0.0, 0.0, 0.0)))
    assert row["verdict"] == verdict
    assert row["claimed"] == "10 ± 1"


def test_number_needs_its_table_and_exactly_one_row(tmp_path: Path) -> None:
    assert judged(tmp_path, NUMBER, {})["detail"] == "no table t"
    none = judged(tmp_path, NUMBER, table(("b", 128, 20.0, 20.0, 20.0)))
    assert none["verdict"] == "not run" and none["detail"] == "no row of t has model a"
    two = judged(tmp_path, NUMBER, table(("a", 128, 20.0, 20.0, 20.0), ("a", 512, 20.0, 20.0, 20.0)))
    assert two["verdict"] == "not run" and "2 rows" in two["detail"]


def test_another_scale_is_no_verdict_but_shows_what_was_found(tmp_path: Path) -> None:
    row = judged(tmp_path, NUMBER, table(("a", 128, 90.0, 90.0, 90.0)), preset="smoke")
    assert row["verdict"] == "not at this scale"
    assert row["found"] == "45" and "here differs" in row["detail"]
    assert judged(tmp_path, NUMBER, {}, preset="my-own")["verdict"] == "not at this scale"


A_WINS = [
    ("a", 128, 1.0, 0.8, 1.2),
    ("a", 512, 2.0, 1.8, 2.2),
    ("b", 128, 3.0, 2.8, 3.2),
    ("b", 512, 4.0, 3.8, 4.2),
]


def test_direction(tmp_path: Path) -> None:
    text = DIRECTION.replace("RIGHT", RIGHT)
    row = judged(tmp_path, text, table(*A_WINS))
    assert row["verdict"] == "reproduced" and row["detail"] == "2 of 2 hold"
    assert "horizon 128: a 1 [0.8, 1.2] against b 3 [2.8, 3.2]" in row["found"]
    swapped = [("ba"["ab".index(r[0])], *r[1:]) for r in A_WINS]
    assert judged(tmp_path, text, table(*swapped))["verdict"] == "differs"
    greater = text.replace("less", "greater")
    assert judged(tmp_path, greater, table(*A_WINS))["verdict"] == "differs"
    assert judged(tmp_path, greater, table(*swapped))["verdict"] == "reproduced"


def test_a_number_that_is_not_known_says_so(tmp_path: Path) -> None:
    nan = float("nan")
    rows = [("a", h, nan, nan, nan) for h in (128, 512)]
    text = DIRECTION.replace("RIGHT", "0").replace("less", "greater")
    row = judged(tmp_path, text, table(*rows))
    assert row["verdict"] == "not identifiable" and "a unknown against 0" in row["found"]
    assert "nan" not in row["found"] + row["detail"]
    assert judged(tmp_path, NUMBER, table(("a", 128, nan, nan, nan)))["found"] == "unknown"
    rows = [("a", h, float("inf"), 0.5, float("inf")) for h in (128, 512)]
    assert "a ∞ [0.5, ∞] against 0" in judged(tmp_path, text, table(*rows))["found"]


def test_large_numbers_are_written_out(tmp_path: Path) -> None:
    text = NUMBER.replace("value: 10", "value: 20979").replace("absolute: 1", "relative: 0.5")
    assert judged(tmp_path, text, table(("a", 128, 2e4, 2e4, 2e4)))["claimed"] == "20,979 ± 10,490"


def test_models_have_the_names_of_the_figures(tmp_path: Path) -> None:
    rows = [({"a": "panda", "b": "linear_ar"}[r[0]], *r[1:]) for r in A_WINS]
    text = (
        DIRECTION.replace("RIGHT", RIGHT)
        .replace("model: a", "model: panda")
        .replace("model: b", "model: linear_ar")
    )
    assert (
        "Panda 1 [0.8, 1.2] against linear AR 3 [2.8, 3.2]" in judged(tmp_path, text, table(*rows))["found"]
    )


def test_one_horizon_the_other_way_round_refutes_and_overlap_leaves_open(tmp_path: Path) -> None:
    text = DIRECTION.replace("RIGHT", RIGHT)
    one_lost = [*A_WINS[:3], ("b", 512, 1.0, 0.9, 1.1)]
    row = judged(tmp_path, text, table(*one_lost))
    assert row["verdict"] == "differs" and "1 of 2 hold; horizon 512" in row["detail"]
    overlapping = [*A_WINS[:3], ("b", 512, 2.3, 2.1, 2.5)]
    assert judged(tmp_path, text, table(*overlapping))["verdict"] == "not identifiable"
    assert judged(tmp_path, text, table(*A_WINS[:3]))["verdict"] == "not run"
    # A loss counts even where another horizon was not run.
    only_lost = [("a", 128, 5.0, 5.0, 5.0), ("b", 128, 1.0, 1.0, 1.0)]
    assert judged(tmp_path, text, table(*only_lost))["verdict"] == "differs"
    equal = [(m, h, 1.0, 1.0, 1.0) for m in "ab" for h in (128, 512)]
    assert judged(tmp_path, text, table(*equal))["verdict"] == "not identifiable"


def test_a_result_that_says_it_is_not_identifiable_is_believed(tmp_path: Path) -> None:
    rows = [("a", h, 0.3, 0.2, 0.4, "not identifiable") for h in (128, 512)]
    text = DIRECTION.replace("RIGHT", "0").replace("less", "greater")
    assert judged(tmp_path, text, table(*rows))["verdict"] == "not identifiable"
    rows = [row[:5] for row in rows]
    assert judged(tmp_path, text, table(*rows))["verdict"] == "reproduced"


def test_a_count_is_off_by_a_count(tmp_path: Path) -> None:
    exact = NUMBER.replace("absolute: 1", "absolute: 0").replace(", factor: 0.5", "")
    row = judged(tmp_path, exact, table(("a", 128, 9.0, 9.0, 9.0)))
    assert row["verdict"] == "differs" and row["detail"] == "off by -1, must be equal"
    row = judged(tmp_path, exact, table(("a", 128, 10.0, 10.0, 10.0)))
    assert row["verdict"] == "reproduced" and row["detail"] == "equal"
    row = judged(tmp_path, NUMBER, table(("a", 128, 22.2, 22.2, 22.2)))
    assert row["detail"] == "off by 1.1, allowed 1"


def test_a_constant_and_a_table_of_one_row_have_no_name(tmp_path: Path) -> None:
    rows = [(model, h, 0.3, 0.2, 0.4) for h in (128, 512) for model in "a"]
    text = DIRECTION.replace("RIGHT", "0").replace("less", "greater").replace(", where: {model: a}", "")
    assert judged(tmp_path, text, table(*rows))["found"].startswith("horizon 128: 0.3 [0.2, 0.4] against 0;")


def test_every_listed_rival_must_be_there_and_lose(tmp_path: Path) -> None:
    text = DIRECTION.replace("RIGHT", RIGHT.replace("model: b", "model: [b, c]"))
    missing = judged(tmp_path, text, table(*A_WINS))
    assert missing["verdict"] == "not run" and "model c" in missing["detail"]
    beaten = [*A_WINS, ("c", 128, 9.0, 9.0, 9.0), ("c", 512, 9.0, 9.0, 9.0)]
    assert judged(tmp_path, text, table(*beaten))["verdict"] == "reproduced"
    better = [*A_WINS, ("c", 128, 9.0, 9.0, 9.0), ("c", 512, 0.1, 0.1, 0.1)]
    assert judged(tmp_path, text, table(*better))["verdict"] == "differs"


def test_rivals_by_exclusion(tmp_path: Path) -> None:
    text = DIRECTION.replace("RIGHT", RIGHT.replace("where: {model: b}", "without: {model: [a, d]}"))
    beaten = [*A_WINS, ("c", 128, 9.0, 9.0, 9.0), ("c", 512, 9.0, 9.0, 9.0), ("d", 512, 0.0, 0.0, 0.0)]
    assert judged(tmp_path, text, table(*beaten))["verdict"] == "reproduced"
    beaten[5] = ("c", 512, 0.1, 0.1, 0.1)
    row = judged(tmp_path, text, table(*beaten))
    assert row["verdict"] == "differs" and "c 0.1" in row["detail"]
    assert judged(tmp_path, text, table(*A_WINS[:2]))["verdict"] == "not run"


def test_statistic_of_many_rows(tmp_path: Path) -> None:
    text = NUMBER.replace("column: x, low: low, high: high", "column: x, statistic: sum")
    rows = [("a", 128, 12.0, 0.0, 0.0), ("a", 512, 8.0, 0.0, 0.0), ("b", 512, 99.0, 0.0, 0.0)]
    assert judged(tmp_path, text, table(*rows))["verdict"] == "reproduced"
    assert judged(tmp_path, text.replace("sum", "mean"), table(*rows))["found"] == "5"
    assert judged(tmp_path, text, table(rows[2]))["verdict"] == "not run"


def test_unjudged_is_not_run_with_its_reason_at_every_scale(tmp_path: Path) -> None:
    text = HEAD + "    kind: qualitative\n    unjudged: no stage yet\n"
    for preset in ("smoke", "laptop"):
        row = judged(tmp_path, text, {}, preset)
        assert (row["verdict"], row["detail"]) == ("not run", "no stage yet")


def test_a_column_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PandaError, match="table t has no column 'y'; it has model"):
        judged(tmp_path, NUMBER.replace("column: x", "column: y"), table(*A_WINS))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            NUMBER.replace("tolerance", "tolerence"),
            r"claims\.yaml:9: .*unknown key; did you mean 'tolerance'",
        ),
        (NUMBER.replace("    locator: Fig. 1\n", ""), r"claims\.yaml:2: claims\.0\.locator: is missing"),
        (NUMBER.replace("kind: number", "kind: numbre"), r"claims\.yaml:7: claims\.0\.kind: .*'numbre'"),
        (NUMBER.replace("absolute: 1", "absolute: -1"), r"claims\.yaml:9: .*absolute"),
        (
            NUMBER.replace("    value: 10\n", ""),
            r"claims\.yaml:2: .*a number needs result, value and tolerance",
        ),
        (NUMBER + "    unjudged: why\n", r"claims\.yaml:2: .*neither result nor comparisons"),
        (NUMBER.replace("kind: number", "kind: direction"), r"needs comparisons and no result"),
        (NUMBER.replace("model: a", "model: [a, b]"), r"must be one row or have a statistic"),
        (NUMBER + NUMBER.removeprefix("claims:\n"), r"claims\.yaml:1: the id 'one' occurs twice"),
        (NUMBER + "  - {", r"claims\.yaml:\d+: not valid YAML"),
        ("claims: 3\n", r"claims\.yaml:1: claims"),
        ("", r"claims\.yaml:1: "),
        (DIRECTION.replace("RIGHT", "{table: t}"), r"claims\.yaml:12: .*right.*column: is missing"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PandaError, match=message):
        load_claims(write(tmp_path, text))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(PandaError, match="no such file"):
        load_claims(tmp_path / "none.yaml")


def test_the_published_list_is_valid_and_asks_for_known_columns() -> None:
    """Judged against empty tables with the columns the stages write: no other may be asked for."""
    interval = ["median", "median_low", "median_high", "mean"]
    columns = {
        "discover/selections": [
            "selection",
            "population",
            "n_train",
            "n_train_names",
            "n_test",
            "n_test_names",
        ],
        "train/models": ["model", "n_parameters", "n_steps", "final_loss"],
        "evaluate/test/summary": ["forecaster", "population", "horizon", "metric", *interval, "n_systems"],
        "evaluate/test/by_system": ["forecaster", "population", "name", "horizon", "n_windows"],
        "evaluate/kuramoto_sivashinsky/summary": [
            *("forecaster", "population", "horizon", "metric"),
            *("mean", "mean_low", "mean_high"),
        ],
        "scaling/fit": [
            *("horizon", "alpha", "alpha_low", "alpha_high", "verdict"),
            *("decline", "decline_low", "decline_high"),
        ],
    }
    claims = load_claims(PUBLISHED)
    tables = {name: pd.DataFrame(columns=names) for name, names in columns.items()}
    table = judge(claims, tables, "paper")
    assert len(table) == len(claims) and set(table["verdict"]) == {"not run"}
    asked = set(table["detail"].str.extract(r"(?:no row of|no table) (\S+)")[0].dropna())
    assert asked == set(columns)
    presets = {path.stem for path in (PUBLISHED.parents[1] / "presets").glob("*.yaml")}
    assert {name for claim in claims for name in claim.scale} <= presets
