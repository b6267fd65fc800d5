"""What a table is called in a message, and its rows: by the numbers that its reader sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Int

FILL_ADVICE = "fill them (--fill linear or --fill previous; in Python fill=...), or cut the series"


@dataclass(frozen=True)
class Rows:
    """Names of the rows of a table: `data.csv, line 57`, or `data.parquet, row 56`; both count from 1."""

    where: str
    numbers: Int[np.ndarray, " row"]
    word: str = "row"

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, row: int, column: str = "") -> str:
        """Where row `row` (from 0) of those that are left stands, and maybe in which column."""
        place = f"{self.where}, {self.word} {self.numbers[row]}"
        return f"{place}, column {column!r}" if column else place

    def last(self, n: int) -> Self:
        """The last `n` rows."""
        return replace(self, numbers=self.numbers[len(self.numbers) - n :])


def rows_of(where: str, n: int) -> Rows:
    """Rows that are numbered from 1."""
    return Rows(where, np.arange(1, n + 1))
