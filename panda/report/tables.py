"""Result tables as rows of text for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from panda.core.labels import filter_label, label, population_label
from panda.core.metrics import METRICS, metric_label, metrics_of

HORIZONS = (64, 128, 512)  # of the forecast tables, where they were scored
SHOWN = metrics_of("forecasts", headline=True)
POPULATIONS = {
    "skew": "skew products",
    "founder": "founders",
    "series": "series",
    "strict": "systems whose unseen founders have no relative in training",
    "fast": "systems with few stored points in a Lyapunov time",
}
_BETTER, _WORSE = "verdict good", "verdict bad"
VERDICT_CLASSES = {"reproduced": "good", "identifiable": "good", "differs": "bad"}
HEADINGS = {
    "n_in": "tested", "n_passed": "passed", "max_rss_mb": "largest memory, MiB", "wall_s": "wall time",
    "cpu_s": "CPU time", "n_parameters": "parameters", "n_steps": "steps", "n_jobs": "jobs",
    "n_unmeasured": "jobs too short to measure", "n_systems": "systems",
    "n_accepted": "systems", "n_names": "names", "n_founders": "founders",
    "n_train": "in training", "n_train_names": "names in training", "n_validation": "in validation",
    "n_validation_names": "names in validation", "n_test": "in test", "n_test_names": "names in test",
    "n_chaotic": "chaotic", "n_regular": "regular", "n_undecided": "undecided",
    "n_not_persistent": "chaotic, but not persistent",
    "n_not_converged": "persistent, but not at a finer tolerance", "n_limit_cycle": "limit cycles",
    "n_not_driven": "not driven", "n_fast": "fast", "median_exponent_per_period": "median λ₁ per period",
    "median_error_per_period": "median error of λ₁ per period",
    **{name: metric.label for name, metric in METRICS.items()}, "alpha": "α", "c0": "c₀", "c1": "c₁",
}  # fmt: skip
# What a selection's systems are, as counts with shares; first in its table.
KINDS = (
    "n_chaotic", "n_not_persistent", "n_not_converged", "n_regular", "n_undecided", "n_limit_cycle", "n_not_driven",
    "n_fast",
)  # fmt: skip
ENDS = {
    "n_diverged": "diverged", "n_underflow": "step underflow", "n_budget": "step budget spent",
    "n_acausal": "delay not positive",
}  # fmt: skip
# Columns that name something, and how a reader sees the name: as in the figures.
NAMES = {
    "forecaster": label,
    "model": label,
    "population": population_label,
    "filter": filter_label,
    "metric": metric_label,
}
HIDDEN = {"discover/acceptance": ("order",), "scaling/fit": ("reason", "run_noise", "p_value")}


@dataclass(frozen=True)
class Cell:
    """Text of a cell; `small` stands after it in a lighter tone; `kind` is a class of the style sheet.

    `more`: what is folded away behind the text, line by line. `order`: the number by which a column is sorted; None: by
    its text.
    """

    text: str
    small: str = ""
    kind: str = ""
    more: tuple[str, ...] = ()
    order: float | None = None


@dataclass(frozen=True)
class Table:
    """A table as it is shown; rows that say little are `folded` away behind `fold`, one line that counts them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: tuple[tuple[Cell, ...], ...] = ()
    fold: str = ""


def forecast_tables(summary: pd.DataFrame) -> list[Table]:
    """One table per population: one row per forecaster, medians with intervals at the horizons of interest.

    The best median of a column is marked. Rows are sorted by sMAPE at the longest horizon shown. Series that are of no
    population (of unknown founders) have one table, of them all.
    """
    result = []
    told_apart = summary["population"].isin(["skew", "founder"]).any()
    for population, title in POPULATIONS.items():
        of = "all" if population == "series" and not told_apart else population
        rows = summary[summary["population"] == of]
        if rows.empty:
            continue
        horizons = [h for h in HORIZONS if h in set(rows["horizon"])] or sorted(rows["horizon"].unique())[-1:]
        wanted = [(metric, horizon) for metric in SHOWN for horizon in horizons]
        names = [f"{metric_label(metric)}, first {horizon}" for metric, horizon in wanted]
        longest = int(rows["horizon"].max())
        if ((rows["metric"] == "valid_time") & (rows["horizon"] == longest)).any():
            wanted.append(("valid_time", longest))
            names.append(f"valid time, Lyapunov times (to {longest} points)")
        order = _values(rows, "smape", horizons[-1]).sort_values(kind="stable").index
        forecasters = [*order, *sorted(set(rows["forecaster"]) - set(order))]
        columns = [_forecast_column(rows, metric, horizon, forecasters) for metric, horizon in wanted]
        cells = [(Cell(label(f)), *(column[i] for column in columns)) for i, f in enumerate(forecasters)]
        result.append(Table(f"{title} ({_counts(rows)})", ("forecaster", *names), tuple(cells)))
    return result


def _counts(rows: pd.DataFrame) -> str:
    """How many units the intervals of these rows are over, and what these are."""
    n, n_founders = (int(rows[column].max()) for column in ("n_systems", "n_founders"))
    if "unit" in rows and (rows["unit"] == "series").any():
        return f"n = {n:,}; intervals over single series, as their founders are not known"
    return f"n = {n:,} systems" + (f" of {n_founders:,} unseen founders" if n_founders else "")


def comparison_table(significance: pd.DataFrame) -> Table:
    """One row per population and rival: what the paired tests say of the reference, with effect size and p.

    Rivals that no test of a row tells apart from the reference are folded away.
    """
    chosen = significance[significance["metric"].isin((*SHOWN, "valid_time"))]
    wanted = [(m, h) for m in SHOWN for h in sorted(chosen["horizon"].unique())]
    names = [f"{metric_label(metric)}, first {horizon}" for metric, horizon in wanted]
    if (chosen["metric"] == "valid_time").any():
        # Capped at the horizon, so that the longest says most.
        wanted.append(("valid_time", chosen["horizon"].max()))
        names.append(f"valid time (to {wanted[-1][1]} points)")
    tests = chosen.set_index(["population", "forecaster", "metric", "horizon"])
    rows = []
    for population, title in POPULATIONS.items():
        for rival in sorted(set(chosen.loc[chosen["population"] == population, "forecaster"])):
            keys = [(population, rival, *key) for key in wanted]
            cells = [_verdict_cell(tests.loc[key]) if key in tests.index else Cell("–") for key in keys]
            rows.append((Cell(title), Cell(label(rival)), *cells))
    telling = [any(cell.kind in (_BETTER, _WORSE) for cell in row) for row in rows]
    told = tuple(row for row, tells in zip(rows, telling, strict=True) if tells)
    open_ = tuple(row for row, tells in zip(rows, telling, strict=True) if not tells)
    fold = ""
    if open_:
        n_pairs = int(chosen["n_pairs"].max())
        n_tests = sum(cell.text != "–" for row in open_ for cell in row[2:])
        fold = f"{number(n_tests)} tests in {len(open_)} {'row' if len(open_) == 1 else 'rows'}"
        fold += f" see no difference (n at most {number(n_pairs)} pairs)"
    return Table("comparisons", ("population", "against", *names), told, open_, fold)


def generic_table(key: str, frame: pd.DataFrame) -> Table:
    """Any result table, its verdicts marked; long ones reduced to what a reader asks first."""
    frame = _reduced(key, frame)
    shown = [str(name) for name in frame.columns if name not in HIDDEN.get(key, ())]
    kept = [name for name in shown if not _is_bound(name, shown)]
    rows = tuple(tuple(_cell(row, name, shown) for name in kept) for row in frame.to_dict("records"))
    return Table(key, tuple(HEADINGS.get(name, name.replace("_", " ")) for name in kept), rows)


def verdict_counts(claims: pd.DataFrame) -> dict[str, tuple[int, str]]:
    """How many claims have each verdict, with the class of its badge."""
    counts = claims["verdict"].astype(str).value_counts(sort=True)
    return {verdict: (int(n), VERDICT_CLASSES.get(verdict, "open")) for verdict, n in counts.items()}


def number(value: Any) -> str:
    """A number for a reader: three digits, thousands separated, a dash for what is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        value = float(value)
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        if value and not 1e-3 <= abs(value) < 1e5:
            return f"{value:.2e}"
        digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
        return f"{value:,.{digits}f}".replace("-", "−")
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(number(item) for item in value)
    return str(value)


def duration(seconds: float) -> str:
    """Seconds as `3 h 20 min`, `5 min 10 s` or `4.2 s`."""
    if seconds is None or math.isnan(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours:,} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


def _verdict_cell(test: pd.Series) -> Cell:
    numbers = f"r = {number(float(test['rank_biserial']))}, p = {number(float(test['p_holm']))}"
    kind = {"better": _BETTER, "worse": _WORSE}.get(test["verdict"], "verdict open")
    return Cell(str(test["verdict"]), f"{numbers}, n = {number(int(test['n_pairs']))}", kind)


def _values(rows: pd.DataFrame, metric: str, horizon: int) -> pd.Series:
    chosen = rows[(rows["metric"] == metric) & (rows["horizon"] == horizon)]
    return chosen.set_index("forecaster")["median"].dropna()


def _forecast_column(rows: pd.DataFrame, metric: str, horizon: int, forecasters: Sequence[str]) -> list[Cell]:
    chosen = rows[(rows["metric"] == metric) & (rows["horizon"] == horizon)].set_index("forecaster")
    medians = chosen["median"].replace([np.inf, -np.inf], np.nan).dropna()
    best = None if medians.empty else medians.max() if METRICS[metric].higher_is_better else medians.min()
    cells = []
    for forecaster in forecasters:
        if forecaster not in chosen.index:
            cells.append(Cell("–"))
            continue
        row = chosen.loc[forecaster]
        interval = f"[{number(row['median_low'])}, {number(row['median_high'])}]"
        kind = "best" if best is not None and row["median"] == best else ""
        # An interval over one system is no interval.
        known = pd.notna(row["median_low"]) and pd.notna(row["median_high"]) and row["n_systems"] > 1
        median = float(row["median"])
        cells.append(Cell(number(median), interval if known else "", kind, order=median))
    return cells


def _reduced(key: str, frame: pd.DataFrame) -> pd.DataFrame:
    if key == "discover/duplicates":
        return frame[(frame["family"] == "all") & (frame["n_systems"] > 0)].drop(columns="family")
    if key == "evaluate/completions":
        # A system is a founder or a pair, with all its perturbations: averaged by name first.
        groups = (
            frame.groupby(["forecaster", "name", "metric"])["value"].mean().groupby(["forecaster", "metric"])
        )
        wide = groups.median().unstack("metric")
        wide.insert(0, "n_systems", groups.size().unstack("metric").max(axis=1).astype(int))
        return wide.sort_values("mae").reset_index() if "mae" in wide else wide.reset_index()
    if key == "discover/acceptance":
        return _with_detail(frame)
    if key == "discover/selections":
        first = [name for name in ("selection", "population", "n_accepted", *KINDS) if name in frame]
        return frame[[*first, *(name for name in frame.columns if name not in first)]]
    return frame


def _with_detail(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of acceptance with its further counts in words, where they say something."""
    ends = [name for name in ENDS if name in frame]
    last = ~frame["population"].duplicated(keep="last")
    details = []
    for row, is_last in zip(frame.to_dict("records"), last, strict=True):
        words = [f"{ENDS[name]} {number(row[name])}" for name in ends if row[name]]
        if is_last and row.get("n_accepted", row["n_passed"]) > row["n_passed"]:
            extra = row["n_accepted"] - row["n_passed"]
            words.append(
                f"{number(row['n_accepted'])} accepted, {number(extra)} of them founders whatever their verdict"
            )
        if is_last and "n_names" in row:
            words.append(
                f"accepted systems have {number(row['n_names'])} names and {number(row['n_founders'])} founders"
            )
        details.append(" · ".join(words) or None)
    counts = ["n_accepted", "n_names", "n_founders"]
    return frame.drop(columns=[*ends, *counts], errors="ignore").assign(detail=details)


def _is_bound(name: str, columns: Sequence[str]) -> bool:
    """Whether a column is an end of the interval of another one, and is shown beside it."""
    return any(name.endswith(end) and name.removesuffix(end) in columns for end in ("_low", "_high"))


def _cell(row: dict[str, Any], name: str, columns: Sequence[str]) -> Cell:
    value = row[name]
    if name == "verdict":
        small = "" if "detail" in columns else str(row.get("reason", "") or "")
        return Cell(str(value), small, f"verdict {VERDICT_CLASSES.get(str(value), 'open')}")
    if name in NAMES and isinstance(value, str):
        return Cell(NAMES[name](value))
    if name in ("detail", "reason"):
        return Cell("–" if value is None or value != value else number(value), kind="prose")
    return replace(_number_cell(row, name, columns), order=_order(value))


def _number_cell(row: dict[str, Any], name: str, columns: Sequence[str]) -> Cell:
    value = row[name]
    if name.endswith("wall_s") or name.endswith("cpu_s"):
        return Cell(duration(float(value)))
    if name == "share":
        return Cell("–" if pd.isna(value) else f"{100 * value:.1f}%")
    if name in KINDS and row.get("n_accepted"):
        return Cell(number(value), f"{100 * value / row['n_accepted']:.0f}%")
    low, high = f"{name}_low", f"{name}_high"
    if low in columns and high in columns and pd.notna(row[low]) and pd.notna(row[high]):
        return Cell(number(value), f"[{number(row[low])}, {number(row[high])}]")
    return Cell(number(value))


def _order(value: Any) -> float | None:
    """The number of a cell; None for text, lists and what is not known."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return float(value) if is_number and not pd.isna(value) else None
