"""A catalogue small enough to publish: the accepted systems, with the spectra of those that have one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from panda.core.errors import PandaError
from panda.discovery.certificates.spectra import LISTS, NUMBERS
from panda.systems.members import COLUMNS as MEMBERS

SPECTRUM = (*LISTS, *NUMBERS, "confirmed", "response_kind")
# What trajectories are made from, and so keeps every bit.
_EXACT = (*MEMBERS, "period", "dt", "end_state")


def compact(catalogue: pd.DataFrame, spectra: pd.DataFrame | None) -> pd.DataFrame:
    """The accepted rows, and beside them the columns of `SPECTRUM` (missing where nothing was measured).

    Members keep every bit, so that the result can replace the catalogue for integrating its
    systems. Statistics and spectra go to single precision, far below their errors; signatures to half, which tells
    systems apart a hundred times nearer than they are to themselves. `end_state`, from which spectra are
    measured, is left out once they have been.

    Raises:
        PandaError: a system has a spectrum and is not accepted: the two tables are of different runs.
    """
    rows = _single(catalogue[catalogue["accepted"]].reset_index(drop=True))
    if spectra is None:
        return rows
    strangers = set(spectra["system"]) - set(rows["system"])
    if strangers:
        raise PandaError(
            f"spectra: {min(strangers)} is not accepted in the catalogue; they are of different runs"
        )
    types = dict.fromkeys(NUMBERS, np.float32) | {"confirmed": "boolean"}  # which can be missing
    measured = spectra[["system", *SPECTRUM]].astype(types)
    for name in LISTS:
        measured[name] = [np.asarray(row, dtype=np.float32) for row in measured[name]]
    rows = rows.drop(columns="end_state", errors="ignore")
    return rows.merge(measured, on="system", how="left", validate="one_to_one")


def _single(rows: pd.DataFrame) -> pd.DataFrame:
    """All numbers that are not exact in single precision, signatures in half."""
    found = {}
    for name, column in rows.items():
        if name in _EXACT:
            continue
        if column.dtype == np.float64:
            found[name] = column.astype(np.float32)
        elif column.dtype == object and len(column) and isinstance(column.iloc[0], np.ndarray | list):
            kind = np.float16 if name == "signature" else np.float32
            largest = np.finfo(kind).max
            found[name] = [np.clip(row, -largest, largest).astype(kind) for row in column]
    return rows.assign(**found)
