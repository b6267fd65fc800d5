"""The catalogue: every candidate's verdicts and split, from its stored statistics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from panda.config import Founders, Select
from panda.core.errors import PandaError
from panda.core.names import SPLITS
from panda.discovery.certificates.refine import TEXTS as FINE_TEXTS
from panda.discovery.certificates.verdict import UNDECIDED, VERDICTS
from panda.discovery.search.filters import NOT_FOLLOWED, SEARCHED, asked, rejected_by, verdicts

# What a table of candidates must have.
COLUMNS = ("system", "driver", "population", "perturbation", "period", *SEARCHED)


# How an integration of states ends that does not reach its end; only tangent vectors slide or graze.
INCOMPLETE = ("diverged", "underflow", "budget", "acausal")


def select(
    candidates: pd.DataFrame, settings: Select, founders: Founders, followed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The candidates with their verdicts (`judge`) and splits, in a fixed order.

    A system with any held-out founder, as driver or response, is in `test`; else with any validation founder in
    `validation`; else in `train`. `strict` is True of a test system none of whose held-out founders has a relative
    among those seen (`settings.strict` says of which kind).

    Raises:
        PandaError: as `judge`.
    """
    catalogue = judge(candidates, settings, founders, followed)
    return catalogue.assign(
        split=splits(catalogue, founders), strict=strictness(catalogue, settings, founders)
    )


def judge(
    candidates: pd.DataFrame, settings: Select, founders: Founders, followed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The candidates with their verdicts, in a fixed order.

    `followed` is the table of `follow.follow`, whose columns join: its exponent, from longer runs at both tolerances,
    takes the place of the search's own, which becomes `searched_exponent` and `searched_error`. None: nobody was
    followed, and the search's own exponent decides what is chaotic.

    Columns added, where no later generation brings them: `generation` 1, `operator` founders, `parents` none.
    Columns added always: `passes_<filter>` for every filter; `in_<selection>` for every selection, whether it would
    accept the candidate; and of the selection that decides, `rejected_by`, `certified` (it passes all of its
    filters) and `accepted`. Founders themselves (perturbation 0) are accepted whatever their certificate, if
    they could be integrated and the selection has `founders_enter`; a user's own only if `own_enter` names it.

    Raises:
        PandaError: a system occurs twice.
    """
    twice = candidates["system"][candidates["system"].duplicated()]
    if len(twice):
        raise PandaError(f"{twice.iloc[0]} is in two candidate shards; delete the shards and search again")
    catalogue = candidates.sort_values(
        ["response", "driver", "perturbation"], kind="stable", ignore_index=True
    )
    if followed is None:
        settings = settings.before_following()
        catalogue = catalogue.assign(**NOT_FOLLOWED)
    else:
        catalogue = _join(catalogue, followed, settings)
    for column, first in {"generation": 1, "operator": "founders", "parents": ""}.items():
        known = catalogue[column] if column in catalogue else pd.Series(first, catalogue.index)
        catalogue[column] = known.fillna(first).astype(type(first))
    passed = verdicts(catalogue, settings)
    if followed is not None:
        catalogue = _better_exponents(catalogue)
    itself = (catalogue["population"] == "founder") & (catalogue["perturbation"] == 0) & passed["integrated"]
    unproven = {file.name for file in founders.own_files()} - set(settings.own_enter)
    itself &= ~catalogue["driver"].isin(unproven)
    added: dict[str, pd.Series] = {f"passes_{name}": passed[name] for name in passed}
    for name, selection in settings.selections.items():
        accepted = passed[list(selection.filters)].all(axis=1)
        added[f"in_{name}"] = accepted | itself if selection.founders_enter else accepted
    added["rejected_by"] = rejected_by(passed, settings.chosen.filters)
    added["certified"] = added["rejected_by"] == ""
    added["accepted"] = added[f"in_{settings.selection}"]
    return pd.concat([catalogue, pd.DataFrame(added)], axis=1)


def _join(catalogue: pd.DataFrame, followed: pd.DataFrame, settings: Select) -> pd.DataFrame:
    """The candidates with what following them has shown.

    Raises:
        PandaError: a system was followed twice, is no candidate, or should have been followed and was not.
    """
    twice = followed["system"][followed["system"].duplicated()]
    wanted = catalogue["system"][asked(catalogue, settings)[0]]
    missing = sorted(set(wanted) - set(followed["system"]))
    if missing:
        raise PandaError(
            f"{len(missing)} of the {len(wanted)} candidates to be followed were not, {missing[0]} for one: a shard of "
            "`discover follow` is missing, or of another configuration; follow all shards, then select"
        )
    strangers = set(followed["system"]) - set(catalogue["system"])
    if len(twice) or strangers:
        what = f"{twice.iloc[0]} was followed twice" if len(twice) else f"{min(strangers)} is no candidate"
        raise PandaError(f"{what}: the tables are of different runs; search and follow again")
    again = [column for column in followed.columns if column in catalogue and column != "system"]
    joined = catalogue.drop(columns=again).merge(followed, on="system", how="left", validate="one_to_one")
    for column, nothing in {
        "verdict": UNDECIDED,
        "why_undecided": "",
        "follow_status": "",
        "late_verdict": "",
        **dict.fromkeys(FINE_TEXTS, ""),
    }.items():
        joined[column] = joined[column].fillna(nothing)
    joined["end_state"] = [x if isinstance(x, np.ndarray) else np.empty(0) for x in joined["end_state"]]
    return joined


def _better_exponents(catalogue: pd.DataFrame) -> pd.DataFrame:
    """Replace the search's exponents by those of longer runs; these and the search's own are kept beside them."""
    exponent, error = _pooled(catalogue)
    known = error.notna()
    return catalogue.assign(
        searched_exponent=catalogue["largest_exponent"],
        searched_error=catalogue["exponent_error"],
        largest_exponent=exponent.where(known, catalogue["largest_exponent"]),
        exponent_error=error.where(known, catalogue["exponent_error"]),
    )


def _pooled(catalogue: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The exponent of following, with that at the finer tolerance where there is one, each weighted by its periods; and
    its standard error: the joint one, or that by which the two differ, if it is larger (as `Estimate.error`)."""
    coarse, fine = catalogue["followed_exponent"], catalogue["fine_exponent"]
    share = catalogue["fine_periods"] / (catalogue["fine_periods"] + catalogue["followed_periods"])
    within = np.hypot((1 - share) * catalogue["followed_error"], share * catalogue["fine_error"])
    between = np.sqrt(share * (1 - share)) * (coarse - fine).abs()
    both = within.notna()
    return (
        ((1 - share) * coarse + share * fine).where(both, coarse),
        np.maximum(within, between).where(both, catalogue["followed_error"]),
    )


def splits(systems: pd.DataFrame, founders: Founders) -> pd.Series:
    """The column `split` of `select`, from `driver` and `response` alone."""
    pairs = list(zip(systems["driver"], systems["response"], strict=True))
    known = {pair: founders.split(*filter(None, pair)) for pair in set(pairs)}
    return pd.Series([known[pair] for pair in pairs], index=systems.index, dtype=object)


def strictness(systems: pd.DataFrame, settings: Select, founders: Founders) -> pd.Series:
    """The column `strict` of `select`, from `driver` and `response` alone."""
    strict = founders.strict_test(settings.strict)
    pairs = zip(systems["driver"], systems["response"], strict=True)
    return pd.Series([strict(*filter(None, pair)) for pair in pairs], index=systems.index, dtype=bool)


def acceptance(catalogue: pd.DataFrame, settings: Select) -> pd.DataFrame:
    """How many candidates enter and pass each filter, in order, for founders and skew products apart.

    Columns: population, order, filter, n_in, n_passed; n_diverged, n_underflow, n_budget, n_acausal: of those
    that this filter rejected, how many have an integration that ended so; and of the whole population n_accepted, with
    n_names and n_founders as in `selections`. It is more than the last n_passed where founders themselves are accepted
    whatever their certificate.
    """
    rows = []
    for population, group in catalogue.groupby("population", sort=True):
        n_in, accepted = len(group), _counts(group[group["accepted"]])
        for order, name in enumerate(settings.chosen.filters):
            rejected = group[group["rejected_by"] == name]
            n_passed = n_in - len(rejected)
            ends = [int((rejected["status"] == end).sum()) for end in INCOMPLETE]
            rows.append((population, order, name, n_in, n_passed, *ends, *accepted.values()))
            n_in = n_passed
    columns = ["population", "order", "filter", "n_in", "n_passed"]
    return pd.DataFrame(rows, columns=[*columns, *(f"n_{end}" for end in INCOMPLETE), *_COUNTS])


def selections(catalogue: pd.DataFrame, settings: Select) -> pd.DataFrame:
    """What each selection accepts, and how much of it is not chaotic: one row per (selection, population).

    Columns: selection, population; n_accepted, n_names and n_founders: systems with all perturbations, distinct names
    (a founder's, or `Driver_Response`), founders that any of these is made of; n_<split> and n_<split>_names, the
    systems and names of each split; of those accepted n_limit_cycle (rejected by `not_periodic`), n_chaotic, n_regular
    and n_undecided by verdict, n_not_persistent of the chaotic ones whose persistence was asked for, n_not_converged of
    the persistent ones whose convergence was asked for, n_not_driven (rejected by `driven`), n_fast (a Lyapunov time
    known and shorter than `well_sampled` asks), and the medians of lambda_1 * period and of its standard error * period.
    """
    rows = []
    for name in settings.selections:
        for population, group in catalogue.groupby("population", sort=True):
            accepted = group[group[f"in_{name}"]]
            known = accepted["largest_exponent"].notna()
            rows.append(
                {
                    "selection": name,
                    "population": population,
                    **_counts(accepted),
                    **_split_counts(accepted),
                    "n_limit_cycle": int((~accepted["passes_not_periodic"]).sum()),
                    **{f"n_{verdict}": int((accepted["verdict"] == verdict).sum()) for verdict in VERDICTS},
                    "n_not_persistent": int(
                        ((accepted["follow_status"] != "") & ~accepted["passes_persistent"]).sum()
                    ),
                    "n_not_converged": int(
                        ((accepted["fine_verdict"] != "") & ~accepted["passes_converged"]).sum()
                    ),
                    "n_not_driven": int((~accepted["passes_driven"]).sum()),
                    "n_fast": int((~accepted["passes_well_sampled"] & known).sum()),
                    "median_exponent_per_period": (
                        accepted["largest_exponent"] * accepted["period"]
                    ).median(),
                    "median_error_per_period": (accepted["exponent_error"] * accepted["period"]).median(),
                }
            )
    return pd.DataFrame(rows)


_COUNTS = ("n_accepted", "n_names", "n_founders")


def _counts(systems: pd.DataFrame) -> dict[str, int]:
    founders = {*systems["driver"], *systems["response"]} - {""}
    return dict(zip(_COUNTS, (len(systems), _n_names(systems), len(founders)), strict=True))


def _n_names(systems: pd.DataFrame) -> int:
    """Distinct ordered pairs, or founders."""
    return len(set(zip(systems["driver"], systems["response"], strict=True)))


def _split_counts(accepted: pd.DataFrame) -> dict[str, int]:
    counts = {}
    for split in SPLITS:
        part = accepted[accepted["split"] == split]
        counts |= {f"n_{split}": len(part), f"n_{split}_names": _n_names(part)}
    return counts
