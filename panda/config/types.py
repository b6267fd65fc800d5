"""The base of every section and the ranges its numbers are held to."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from panda.core.names import NAME_PATTERN

# A number of things that are held, listed or drawn at once: a million is more than any study has had in mind.
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Several = Annotated[int, Field(ge=2, le=1_000_000)]
Natural = Annotated[int, Field(ge=0, le=1_000_000)]
# Done one after the other: only time limits them.
Steps = Annotated[int, Field(ge=1, le=10**12)]
# Each is a job, which a workflow holds with all its files.
Shards = Annotated[int, Field(ge=1, le=10_000)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pair = tuple[float, float]
# Of everything that has a name: short enough for the longest file name that is made of one.
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
