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
# Of everything that has a name. Names become files, folders, options and wildcards: one folder at most, no way up, no
# blank, nothing that a shell reads; short enough for the longest file name that is made of one.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
NAME_LENGTH = 100
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=NAME_LENGTH)]
# Names of founders have neither `.`, `_` nor `-`: both of the latter mean something in systems' (Driver_Response-pp3).
FOUNDER_PATTERN = r"^[A-Za-z][A-Za-z0-9]*$"
# A path may hold whatever a file system takes, but for what would break a line of a message or a log.
PATH_PATTERN = r"^[^\x00-\x1f\x7f]+$"
PathText = Annotated[str, Field(pattern=PATH_PATTERN)]


class Section(BaseModel):
    """A part of the configuration: immutable, unknown keys refused, '4' from `--config` taken as 4."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
