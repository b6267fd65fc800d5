"""What an audit says of the verdicts: shares and rates with exact intervals, and the worst of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from panda.config import Audit, Follow
from panda.core.errors import PandaError
from panda.discovery.certificates.audit import CERTIFIED, ESCAPES, SAMPLES
from panda.discovery.certificates.verdict import CHAOTIC, REGULAR, UNDECIDED, VERDICTS

COLUMNS = ("sample", "quantity", "count", "of", "value", "low", "high")
# Systems whose two exponents differ most, in the printed lines.
_N_WORST = 5
_PER_PERIODS = 1000.0


class Interval(NamedTuple):
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


def binomial(count: int, of: int, confidence: float) -> Interval:
    """The share ``count / of`` and its exact interval (Clopper and Pearson, Biometrika 26, 1934); NaN of nothing."""
    if not of:
        return Interval(float("nan"), float("nan"), float("nan"))
    ends = stats.binomtest(count, of).proportion_ci(confidence, method="exact")
    return Interval(count / of, float(ends.low), float(ends.high))


def poisson(count: int, exposure: float, confidence: float) -> Interval:
    """The rate ``count / exposure`` of rare events and its exact interval; NaN without exposure.

    With a = 1 - confidence it is from ``chi2(a / 2; 2 count) / 2`` to ``chi2(1 - a / 2; 2 count + 2) / 2``, over the
    exposure (Garwood, Biometrika 28, 1936).
    """
    if not exposure > 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    tail = (1.0 - confidence) / 2.0
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2.0 if count else 0.0
    high = float(stats.chi2.ppf(1.0 - tail, 2 * count + 2)) / 2.0
    return Interval(count / exposure, low / exposure, high / exposure)


def join(shards: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all shards, by sample and system.

    Raises:
        PandaError: a system occurs twice.
    """
    table = pd.concat(shards, ignore_index=True)
    twice = table["system"][table["system"].duplicated()]
    if len(twice):
        raise PandaError(f"{twice.iloc[0]} is in two shards of the audit; delete them and audit again")
    order = {sample: i for i, sample in enumerate(SAMPLES)}
    return table.sort_values(
        ["sample", "system"], key=lambda x: x.map(order) if x.name == "sample" else x, ignore_index=True
    )


def summarise(audited: pd.DataFrame, settings: Audit, follow: Follow) -> pd.DataFrame:
    """A row for every sample and quantity: `count` of `of`, and its `value` with the ends of its interval.

    `chaotic`, `regular`, `undecided` and `unmeasured` (too short for an error) are what the long run finds of a sample,
    as shares: of the certified the regular ones, and of the regular the chaotic ones, were judged wrongly.
    `above_bar`: share with an exponent surely above `regular_below`. `regular_at_the_end`: share of those followed to
    the end that are regular there. `escapes`: rate per 1,000 periods; `of` are the periods. `incomplete`: share that
    neither got to the end nor escaped. Of the certified alone, since the exponents of others were measured no longer than
    their verdict took: `covered`, the share of those with two exponents that differ by no more than `min_sigmas` of both
    errors, and `rms_z`, the root mean square of that difference in errors; 1 if all is well.
    """
    rows = [
        (sample, *row)
        for sample in SAMPLES
        for row in _of_sample(audited[audited["sample"] == sample], settings)
    ]
    certified = audited[audited["sample"] == CERTIFIED]
    rows += [(CERTIFIED, *row) for row in _of_exponents(certified["z"].dropna(), settings, follow)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = dict.fromkeys(("count", "of", "value", "low", "high"), "float64")
    return table.astype(numbers)


def _of_sample(part: pd.DataFrame, settings: Audit) -> Iterable[tuple]:
    n, confidence = len(part), settings.confidence
    complete = part["status"] == "complete"
    escaped = part["status"].isin(ESCAPES)
    shares = {verdict: (part["audited_verdict"] == verdict, n) for verdict in VERDICTS}
    shares |= {
        "unmeasured": (part["audited_verdict"] == "", n),
        "above_bar": (part["above_bar"], n),
        "regular_at_the_end": (complete & (part["last_verdict"] == REGULAR), int(complete.sum())),
        "incomplete": (~complete & ~escaped, n),
    }
    for quantity, (chosen, of) in shares.items():
        count = int(chosen.sum())
        yield (quantity, count, of, *binomial(count, of, confidence))
    n_escaped = int(escaped.sum())
    exposure = float((part["audited_periods"] + settings.transient_periods).sum())
    rate = poisson(n_escaped, exposure / _PER_PERIODS, confidence)
    yield ("escapes", n_escaped, exposure, *rate)


def _of_exponents(z: pd.Series, settings: Audit, follow: Follow) -> Iterable[tuple]:
    count = int((z.abs() <= follow.min_sigmas).sum())
    yield ("covered", count, len(z), *binomial(count, len(z), settings.confidence))
    rms = float(np.sqrt(np.mean(z**2))) if len(z) else float("nan")
    yield ("rms_z", len(z), len(z), rms, float("nan"), float("nan"))


def lines(audited: pd.DataFrame, summary: pd.DataFrame) -> list[str]:
    """The summary for people, a line for each thing that one wants to know, and the systems that differ most."""
    known = summary.set_index(["sample", "quantity"])

    def share(sample: str, quantity: str, text: str) -> str:
        row = known.loc[(sample, quantity)]
        of = f"{row['count']:.0f} of {row['of']:.0f}"
        if not row["of"]:
            return f"{text}: none to ask"
        return f"{text}: {of} ({row['value']:.2%}; {row['low']:.2%} to {row['high']:.2%})"

    rate, rms = known.loc[(CERTIFIED, "escapes")], known.loc[(CERTIFIED, "rms_z")]
    text = [
        share(CERTIFIED, REGULAR, "certified, but regular"),
        share(CERTIFIED, UNDECIDED, "certified, but not decided"),
        share(CERTIFIED, "regular_at_the_end", "certified, but regular at the end"),
        f"certified that escape, per 1,000 periods: {rate['value']:.2g} ({rate['low']:.2g} to {rate['high']:.2g}; "
        f"{rate['count']:.0f} in {rate['of']:,.0f} periods)",
        share(CERTIFIED, "covered", "certified exponents confirmed within their errors"),
        f"root mean square of their differences, in errors: {rms['value']:.2f}",
        share(REGULAR, CHAOTIC, "regular, but chaotic"),
        share(REGULAR, "above_bar", "regular, but above the bar"),
        *(share(UNDECIDED, found, f"undecided, found {found}") for found in VERDICTS),
    ]
    certified = audited[audited["sample"] == CERTIFIED].dropna(subset=["z"])
    worst = certified.loc[certified["z"].abs().sort_values(ascending=False, kind="stable").index].head(
        _N_WORST
    )
    for row in worst.itertuples():
        values = f"{row.catalogue_exponent * row.period:.4f} ± {row.catalogue_error * row.period:.4f}"
        again = f"{row.audited_exponent * row.period:.4f} ± {row.audited_error * row.period:.4f}"
        text.append(f"z {row.z:+.1f}: {row.system}, per period {values}, audited {again} ({row.status})")
    return text
