"""The base of every section and the ranges its numbers are held to."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pair = tuple[float, float]
FolderName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]  # one folder: no way up, no blanks


class Section(BaseModel):
    """A part of the configuration: immutable, unknown keys refused, '4' from `--config` taken as 4."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
