"""The paper's claims as a table for a reader: what was judged first, the rest folded away, long texts cut."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from panda.report.tables import VERDICT_CLASSES, Cell, Table, number

LONGEST = 90  # characters of a cell; what is longer is cut, with the whole behind it
FOLDED = {
    "not at this scale": "about a larger study than this preset's",
    "not run": "not run: no stage computes what they are about, or a rival is not part of this run",
}


def claims_table(claims: pd.DataFrame) -> Table:
    """One row per claim: statement with its place, the number claimed, what was found, the verdict and why.

    Those that this run could not judge (`FOLDED`) are folded away and counted.
    """
    rows = [(str(row["verdict"]), _row(row)) for row in claims.to_dict("records")]
    judged = tuple(cells for verdict, cells in rows if verdict not in FOLDED)
    others = tuple(cells for verdict, cells in rows if verdict in FOLDED)
    counts = {name: sum(verdict == name for verdict, _ in rows) for name in FOLDED}
    parts = [f"{number(n)} {FOLDED[name]}" for name, n in counts.items() if n]
    fold = f"{number(len(others))} claims are not judged: {'; '.join(parts)}" if others else ""
    return Table("claims", ("claim", "claimed", "found", "verdict", "why"), judged, others, fold)


def _row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    verdict = str(row["verdict"])
    place = ", ".join(str(row[name]) for name in ("source", "locator") if row.get(name))
    return (
        Cell(str(row["statement"]), place, "prose"),
        Cell(str(row["claimed"] or "–")),
        folded(str(row["found"] or "–")),
        Cell(verdict, "", f"verdict {VERDICT_CLASSES.get(verdict, 'open')}"),
        folded(str(row["detail"] or "–")),
    )


def folded(text: str) -> Cell:
    """A cell of prose: a long text cut at a word, with all of its parts (between semicolons) behind it."""
    if len(text) <= LONGEST:
        return Cell(text, kind="prose")
    return Cell(textwrap.shorten(text, LONGEST, placeholder=" …"), kind="prose", more=tuple(text.split("; ")))
