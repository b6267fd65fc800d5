"""A catalogue small enough to publish: the accepted systems, with the spectra of those that have one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from panda.core.errors import PandaError
from panda.discovery.spectra import LISTS, NUMBERS

SPECTRUM = (*LISTS, *NUMBERS, "confirmed", "response_kind")


def compact(catalogue: pd.DataFrame, spectra: pd.DataFrame | None) -> pd.DataFrame:
    """The accepted rows, and beside them the columns of `SPECTRUM` (missing where nothing was measured).

    Members keep every bit, so that the result stands in the place of the catalogue for whoever integrates its
    systems. Spectra go to single precision, far below their errors.

    Raises:
        PandaError: a system has a spectrum and is not accepted: the two tables are of different runs.
    """
    rows = catalogue[catalogue["accepted"]].reset_index(drop=True)
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
    return rows.merge(measured, on="system", how="left", validate="one_to_one")
