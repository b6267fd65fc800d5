"""The paper's claims, each set beside the result that speaks to it, with a verdict.

A claim says which number of which result table it is about; `judge` looks it up. The verdicts:

- `reproduced`: the number is within the claim's tolerance; every comparison holds, its intervals apart.
- `differs`: the number is outside the tolerance; a comparison holds the other way round, intervals apart.
- `not identifiable`: intervals overlap, or the result itself says that the data cannot tell.
- `not run`: a table, a row or a rival is not there, or no stage computes what the claim is about.
- `not at this scale`: the claim is about a larger study than this preset's; what was found is shown anyway.

Intervals are compared, not paired differences: they are there for every table (systems, fields, scaling). Intervals
apart ask for more than a paired test does, so that a claim may be `not identifiable` where the paired tests of
`panda.evaluation.significance` see a difference.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from panda.analysis.claim_schema import (
    Claim,
    Comparison,
    Query,
    Scalar,
    Tolerance,
    load_claims,
)
from panda.core.errors import PandaError
from panda.core.labels import label, population_label

__all__ = ["Verdict", "judge", "load_claims"]


class Verdict(StrEnum):
    """What the results of a run say on a claim."""

    reproduced = "reproduced"
    differs = "differs"
    not_at_this_scale = "not at this scale"
    not_identifiable = "not identifiable"
    not_run = "not run"


def judge(claims: Sequence[Claim], tables: Mapping[str, pd.DataFrame], preset: str) -> pd.DataFrame:
    """Set each claim beside the results.

    Args:
        claims: see `load_claims`.
        tables: result tables by name, such as `evaluate/test/summary`; one that was not made is absent.
        preset: the preset these results were made with.

    Returns:
        One row a claim, in order: id, kind, source, statement, locator, scale, claimed, found, verdict and
        detail, all text.

    Raises:
        PandaError: a claim names a column that its table has not.
    """
    rows = []
    for claim in claims:
        outcome = _judge_one(claim, tables)
        verdict, detail = outcome.verdict, outcome.detail
        # What no stage computes is no matter of scale.
        if preset not in claim.scale and claim.unjudged is None:
            verdict = Verdict.not_at_this_scale
            detail = f"judged at {', '.join(claim.scale)}; here {outcome.verdict}: {outcome.detail}"
        entry = claim.model_dump(include={"id", "kind", "source", "statement", "locator"})
        shown = {"scale": ", ".join(claim.scale), "claimed": _claimed(claim), "found": outcome.found}
        rows.append(entry | shown | {"verdict": str(verdict), "detail": detail})
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    *("id", "kind", "source", "statement", "locator", "scale", "claimed", "found", "verdict", "detail"),
]


@dataclass(frozen=True)
class _Outcome:
    verdict: Verdict
    found: str
    detail: str


@dataclass(frozen=True)
class _Number:
    """`label` says all that the row was asked for, `name` only what tells it from its rivals (may be empty)."""

    label: str
    name: str
    value: float
    low: float
    high: float
    known: bool

    def __str__(self) -> str:
        text = _short(self.value)
        if self.low == self.high or (math.isnan(self.low) and math.isnan(self.high)):
            return text
        return f"{text} [{_short(self.low)}, {_short(self.high)}]"

    @property
    def named(self) -> str:
        """The number behind the name of whose it is."""
        return f"{self.name} {self}".lstrip()


class _Missing(Exception):
    """A table, row or rival that is not among the results."""


def _judge_one(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> _Outcome:
    if claim.unjudged is not None:
        return _Outcome(Verdict.not_run, "", claim.unjudged)
    if claim.result is not None and claim.value is not None and claim.tolerance is not None:
        return _judge_number(claim.result, claim.value, claim.tolerance, tables)
    outcomes = [
        _judge_comparison(comparison, dict(extra), tables)
        for comparison in claim.comparisons
        for extra in _combinations(claim.for_each)
    ]
    # One comparison the other way round refutes the claim, whatever else could not be judged.
    order = (Verdict.differs, Verdict.not_run, Verdict.not_identifiable, Verdict.reproduced)
    worst = min((outcome.verdict for outcome in outcomes), key=order.index)
    telling = [outcome for outcome in outcomes if outcome.verdict is worst]
    found = "; ".join(dict.fromkeys(outcome.found for outcome in outcomes if outcome.found))
    n_held = sum(outcome.verdict is Verdict.reproduced for outcome in outcomes)
    tally = f"{n_held} of {len(outcomes)} hold"
    if worst is Verdict.reproduced:
        return _Outcome(worst, found, tally)
    return _Outcome(worst, found, f"{tally}; {telling[0].detail}")


def _judge_number(
    query: Query, value: float, tolerance: Tolerance, tables: Mapping[str, pd.DataFrame]
) -> _Outcome:
    try:
        numbers = _look_up(query, {}, tables)
        if len(numbers) != 1:
            raise _Missing(f"{len(numbers)} rows of {query.table} match, one is needed")
    except _Missing as missing:
        return _Outcome(Verdict.not_run, "", str(missing))
    number = numbers[0]
    allowed = tolerance.absolute + tolerance.relative * abs(value)
    # Rounding of a factor or of a decimal tolerance must not decide.
    allowed += 1e-9 * max(abs(value), allowed)
    if not number.known or math.isnan(number.value):
        return _Outcome(Verdict.not_identifiable, str(number), f"{query.table} has no certain value")
    stated = tolerance.absolute + tolerance.relative * abs(value)
    detail = (
        f"off by {_short(number.value - value)}, {f'allowed {_short(stated)}' if stated else 'must be equal'}"
    )
    if number.value == value:
        detail = "equal"
    if abs(number.value - value) <= allowed:
        return _Outcome(Verdict.reproduced, str(number), detail)
    if number.low <= value + allowed and number.high >= value - allowed and number.low < number.high:
        return _Outcome(Verdict.not_identifiable, str(number), f"{detail}; the interval covers both")
    return _Outcome(Verdict.differs, str(number), detail)


def _judge_comparison(
    comparison: Comparison, extra: Mapping[str, Scalar], tables: Mapping[str, pd.DataFrame]
) -> _Outcome:
    at = ", ".join(f"{key} {value}" for key, value in extra.items())
    try:
        lefts = _look_up(comparison.left, extra, tables)
        if isinstance(comparison.right, Query):
            rights = _look_up(comparison.right, extra, tables)
        else:
            constant = float(comparison.right)
            rights = [_Number(_short(constant), "", constant, constant, constant, True)]
    except _Missing as missing:
        return _Outcome(Verdict.not_run, "", f"{at}: {missing}" if at else str(missing))
    pairs = [_compare(left, comparison.relation, right) for left in lefts for right in rights]
    order = (Verdict.differs, Verdict.not_identifiable, Verdict.reproduced)
    verdict, detail = min(pairs, key=lambda pair: order.index(pair[0]))
    found = " against ".join(", ".join(number.named for number in side) for side in (lefts, rights))
    prefix = f"{at}: " if at else ""
    return _Outcome(verdict, prefix + found, prefix + detail)


def _compare(left: _Number, relation: str, right: _Number) -> tuple[Verdict, str]:
    detail = f"{left.label} {left} against {right.label} {right}"
    numbers = (left.value, left.low, left.high, right.value, right.low, right.high)
    if not (left.known and right.known) or any(map(math.isnan, numbers)):
        return Verdict.not_identifiable, detail
    smaller, larger = (left, right) if relation == "less" else (right, left)
    if smaller.high < larger.low:
        return Verdict.reproduced, detail
    if smaller.low > larger.high:
        return Verdict.differs, detail
    return Verdict.not_identifiable, f"{detail}: intervals overlap"


def _look_up(query: Query, extra: Mapping[str, Scalar], tables: Mapping[str, pd.DataFrame]) -> list[_Number]:
    """The numbers a query finds, in the order of its lists.

    Raises:
        _Missing: the table is not there, a row is missing, or one occurs twice.
        PandaError: the table has not the columns the query names.
    """
    if query.table not in tables:
        raise _Missing(f"no table {query.table}")
    table, where = tables[query.table], query.where | dict(extra)
    named = (query.column, query.low, query.high, query.verdict, *where, *query.without)
    absent = [name for name in named if name is not None and name not in table.columns]
    if absent:
        there = ", ".join(map(str, table.columns))
        raise PandaError(f"claims: table {query.table} has no column {absent[0]!r}; it has {there}")
    for key, value in query.without.items():
        table = table[~table[key].isin(_tuple(value))]
    if query.statistic != "each":
        for key, value in where.items():
            table = table[table[key].isin(_tuple(value))]
        if table.empty:
            raise _Missing(f"no row of {query.table} has {_text(where)}")
        total = float(table[query.column].astype(float).agg(query.statistic)) * query.factor
        return [_Number(f"{query.statistic} of {query.column}", "", total, total, total, True)]
    numbers = []
    for single in _combinations({key: _tuple(value) for key, value in where.items()}):
        rows = table
        for key, value in single.items():
            rows = rows[rows[key] == value]
        if rows.empty:
            raise _Missing(f"no row of {query.table} has {_text(single)}")
        if len(rows) > 1 and not query.without:
            raise _Missing(f"{len(rows)} rows of {query.table} have {_text(single)}, one is needed")
        numbers += [_number(row, query, single) for row in rows.to_dict("records")]
    return numbers


def _number(row: Mapping[str, Any], query: Query, single: Mapping[str, Scalar]) -> _Number:
    value = float(row[query.column]) * query.factor
    edges = [value if name is None else float(row[name]) * query.factor for name in (query.low, query.high)]
    known = query.verdict is None or row[query.verdict] != Verdict.not_identifiable
    # A rival found by `without` is told apart by that column; any other row by what it was asked for.
    whole = ", ".join(_readable(key, row[key]) for key in (query.without or single))
    name = ", ".join(_readable(key, row[key]) for key in (query.without or list(query.where)[:1]))
    return _Number(whole or query.column, name, value, min(edges), max(edges), known)


def _combinations(values: Mapping[str, Sequence[Scalar]]) -> Iterator[dict[str, Scalar]]:
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def _tuple(value: Scalar | tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)


def _text(where: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in where.items()) or "anything"


def _readable(column: str, value: Any) -> str:
    """A value of a table in the words of the figures."""
    if column in ("forecaster", "model"):
        return label(str(value))
    return population_label(str(value)) if column == "population" else str(value)


def _short(value: float) -> str:
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def _claimed(claim: Claim) -> str:
    if claim.kind != "number" or claim.value is None:
        return ""
    if claim.tolerance is None:
        return _short(claim.value)
    allowed = claim.tolerance.absolute + claim.tolerance.relative * abs(claim.value)
    return f"{_short(claim.value)} ± {_short(allowed)}" if allowed else _short(claim.value)
