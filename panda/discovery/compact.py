"""A catalogue small enough to publish: the accepted systems, and what regenerates and describes them."""

from __future__ import annotations

import pandas as pd

from panda.core.errors import PandaError
from panda.discovery.members import COLUMNS as MEMBERS
from panda.discovery.spectra import LISTS, NUMBERS

KEPT = (
    "system", "name", "driver", "response", "population", "perturbation", "generation", "operator", "parents", "split",
    "accepted", "certified", "in_reference", "dimension", "period", "dt", "status", "n_steps", "largest_exponent",
    "exponent_error", "shear_exponent", *MEMBERS,
)  # fmt: skip
SPECTRUM = (*LISTS, *NUMBERS, "response_kind")


def compact(catalogue: pd.DataFrame, spectra: pd.DataFrame | None) -> pd.DataFrame:
    """The accepted rows with the columns of `KEPT` that are there, and the spectra of those that were measured.

    Members keep every bit, so that the result stands in the place of the catalogue for whoever integrates its
    systems. Spectra, their errors and the sums are rounded to single precision, far below their errors.

    Raises:
        PandaError: a system has a spectrum and is not accepted: the two tables are of different runs.
    """
    rows = catalogue.loc[catalogue["accepted"], [name for name in KEPT if name in catalogue]]
    if spectra is None:
        return rows.reset_index(drop=True)
    strangers = set(spectra["system"]) - set(rows["system"])
    if strangers:
        raise PandaError(
            f"spectra: {min(strangers)} is not accepted in the catalogue; they are of different runs"
        )
    measured = spectra[["system", *SPECTRUM]].copy()
    for name in LISTS:
        measured[name] = [
            None if row is None else pd.Series(row).to_numpy("float32") for row in measured[name]
        ]
    measured = measured.astype(dict.fromkeys(NUMBERS, "float32"))
    return rows.merge(measured, on="system", how="left", validate="one_to_one")
