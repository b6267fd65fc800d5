"""The section of the baselines: the settings of each are typed by its own file, so that no other file names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, create_model, field_validator

from panda.config.pretrained import Weights
from panda.config.types import (
    NAME_LENGTH,
    Count,
    Fraction,
    Natural,
    NonNegative,
    PathText,
    Positive,
    Section,
    Several,
)
from panda.core.baseline_files import FOLDER, BaselineFile, is_baseline, read_baselines
from panda.core.code_version import syntax_hash
from panda.core.names import NAME_PATTERN

WEIGHTS = "Weights"  # the kind of settings that name what others have published
KINDS = {
    "Count": Count,
    "Several": Several,
    "Natural": Natural,
    "Positive": Positive,
    "NonNegative": NonNegative,
    "Fraction": Fraction,
    WEIGHTS: Weights | None,
}
_Key = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=NAME_LENGTH)]
# In this order: '4' from the command line is a number. `Weights` are a mapping of texts, or null.
_Setting = Annotated[int | float | dict[_Key, PathText | None] | None, Field(union_mode="left_to_right")]
Numbers = dict[_Key, _Setting]


def settings_of(stem: str, described: BaselineFile) -> type[Section]:
    """The section of the settings of one file.

    Raises:
        ValueError: a setting has a type that there is not.
    """
    for name, kind in described.settings.items():
        if kind not in KINDS:
            raise ValueError(f"SETTINGS[{name!r}] is {kind!r}, none of {', '.join(KINDS)}")
    kinds: dict[str, Any] = {name: (KINDS[kind], ...) for name, kind in described.settings.items()}
    title = "".join(part.capitalize() for part in stem.split("_"))
    text = f"Settings of baselines/{stem}.py."
    return create_model(title, __base__=Section, __doc__=text, __module__=__name__, **kinds)


class _Common(Section):
    """Settings of the baselines; which of them run is `evaluate.forecasters`."""

    seed_windows: Count
    own: dict[PathText, Numbers]

    @field_validator("own")
    @classmethod
    def _own_files_are_described(cls, own: Mapping[str, Numbers]) -> Mapping[str, Numbers]:
        for path in own:
            _validated(path, own[path])
        named = [str(Path(path)) for path in own]  # as a baseline names its file
        twice = next((path for path in named if named.count(path) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} stands here twice; name it once")
        return dict(zip(named, own.values(), strict=True))

    def of(self, name: str, file: str) -> Section | None:
        """The settings of the file of a baseline, ours by its stem or the user's by its path; None if it has none."""
        if file in self.own:
            return _validated(file, self.own[file])
        return getattr(self, name, None)


def _validated(path: str, numbers: Numbers) -> Section:
    """The settings that the user's own file is given, held to the types that it states."""
    try:
        return settings_of("own", read_baselines(path)).model_validate(numbers)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise ValueError(f"{path}: {key}: {problem['msg'][:1].lower()}{problem['msg'][1:]}") from None


def own_content(own: Mapping[str, Numbers]) -> dict[str, Any]:
    """The user's own baselines by content: a path says nothing of what is in the file."""
    return {
        path: dict(numbers) | {"code": syntax_hash(Path(path).read_text(encoding="utf-8-sig"))}
        for path, numbers in own.items()
    }


def _whole() -> type[_Common]:
    """The section with a part for each of our files that has settings; one that is broken is told apart elsewhere."""
    parts: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.py")):
        if not is_baseline(path):
            continue
        try:
            described = read_baselines(path)
        except ValueError:
            parts[path.stem] = (Any, None)
            continue
        if described.settings:
            parts[path.stem] = (settings_of(path.stem, described), ...)
    return create_model("Baselines", __base__=_Common, __doc__=_Common.__doc__, __module__=__name__, **parts)


if TYPE_CHECKING:
    Baselines = _Common  # what its parts are, the files say when they are read
else:
    Baselines = _whole()
