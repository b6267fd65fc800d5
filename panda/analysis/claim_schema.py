"""What an entry of paper/claims.yaml may say, and reading that file with every mistake named by its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from panda.core.errors import PandaError, did_you_mean
from panda.core.yaml_file import read_nodes, values_of

Scalar = str | int | float | bool
Where = dict[str, Scalar | tuple[Scalar, ...]]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(_Entry):
    """Where a number stands: the rows of `table` in which `where` holds and `without` does not, one column.

    A list in `where` asks for one row for each of its values. `low` and `high` name the columns of its
    interval, `verdict` a column that may say `not identifiable`. `statistic` makes one number of many rows.
    The number is multiplied by `factor`, to bring it to the unit of the claim.
    """

    table: str
    where: Where = {}
    without: Where = {}
    column: str
    low: str | None = None
    high: str | None = None
    verdict: str | None = None
    statistic: Literal["each", "sum", "mean", "median"] = "each"
    factor: float = 1.0


class Tolerance(_Entry):
    """How far a reproduced number may be off: `absolute` in its unit, `relative` to the claimed value."""

    absolute: Annotated[float, Field(ge=0)] = 0.0
    relative: Annotated[float, Field(ge=0)] = 0.0


class Comparison(_Entry):
    """`left` is less (greater) than `right`: than every row that `right` finds, or than one number."""

    left: Query
    relation: Literal["less", "greater"]
    right: Query | float


class Claim(_Entry):
    """A published statement and how to judge it; exactly one of result, comparisons and unjudged.

    `number` has a result, a value and a tolerance; `direction` one comparison; `qualitative` several, all of
    which must hold. `for_each` repeats each comparison with each combination of its values. `unjudged` says
    why no table can speak to the claim.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    statement: str
    source: Literal["paper", "code", "third party"]
    locator: str
    kind: Literal["number", "direction", "qualitative"]
    scale: Annotated[tuple[str, ...], Field(min_length=1)]
    result: Query | None = None
    value: float | None = None
    tolerance: Tolerance | None = None
    comparisons: tuple[Comparison, ...] = ()
    for_each: dict[str, tuple[Scalar, ...]] = {}
    unjudged: str | None = None

    @model_validator(mode="after")
    def _parts_fit_the_kind(self) -> Claim:
        if self.unjudged is not None:
            if self.result is not None or self.comparisons:
                raise ValueError("an unjudged claim has neither result nor comparisons")
            return self
        if self.kind == "number":
            if self.result is None or self.value is None or self.tolerance is None or self.comparisons:
                raise ValueError("a number needs result, value and tolerance, and no comparisons")
            if self.result.statistic == "each" and self._several(self.result):
                raise ValueError("the result of a number must be one row or have a statistic")
        elif self.result is not None or not self.comparisons:
            raise ValueError(f"a {self.kind} claim needs comparisons and no result")
        if self.kind == "direction" and len(self.comparisons) != 1:
            raise ValueError("a direction has one comparison; use kind qualitative for several")
        return self

    @staticmethod
    def _several(query: Query) -> bool:
        return any(isinstance(value, tuple) for value in query.where.values())


class _Claims(_Entry):
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _ids_differ(self) -> _Claims:
        ids = [claim.id for claim in self.claims]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the id {twice!r} occurs twice")
        return self


def load_claims(path: str | Path) -> tuple[Claim, ...]:
    """The claims in a YAML file, checked.

    Raises:
        PandaError: no file, no YAML, or a wrong entry; one line per problem, each with file and line.
    """
    path = Path(path)
    root = read_nodes(path, "file of claims")
    try:
        return _Claims.model_validate(values_of(root, path)).claims
    except ValidationError as error:
        lines = [_explain(problem, path, root) for problem in error.errors()]
        raise PandaError("\n".join(dict.fromkeys(lines))) from None


def _explain(problem: Any, path: Path, root: yaml.Node | None) -> str:
    """One line on one problem: file, line, key, what is wrong, the nearest known key."""
    line, seen = _line(root, problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = {name for model in (Claim, Query, Comparison, Tolerance) for name in model.model_fields}
        message = f"unknown key{did_you_mean(problem['loc'][-1], known)}"
    elif problem["type"] == "missing":
        seen = [*seen, str(problem["loc"][-1])]
        message = "is missing"
    elif problem["type"] != "value_error":
        message = f"{message[:1].lower()}{message[1:]} (got {problem['input']!r})"
    return (
        f"{path}:{line}: {'.'.join(dict.fromkeys(seen))}: {message}" if seen else f"{path}:{line}: {message}"
    )


def _line(node: yaml.Node | None, location: Sequence[str | int]) -> tuple[int, list[str]]:
    """The line (from 1) of the deepest entry along `location` that the file has, and the path to it."""
    line, seen = 1, []
    for part in location:
        if isinstance(node, yaml.MappingNode):
            entry = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if entry is None:
                continue  # a tag that pydantic adds for unions, or a missing key
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            entry = node.value[part]
            line, node = entry.start_mark.line + 1, entry
        else:
            continue
        seen.append(str(part))
    return line, seen
