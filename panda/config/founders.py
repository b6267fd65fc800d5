"""The section of founders: which there are, and how they split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from pydantic import model_validator

from panda.config.families import families, family_of, twins
from panda.config.founder_names import founder_names
from panda.config.own_founders import OwnFile, read_own
from panda.config.types import Count, Fraction, Name, PathText, Positive, Section
from panda.core.errors import did_you_mean
from panda.core.limits import Limits

# Which relatives of a test founder among the founders seen make a test on it less than strict.
Relatives = Literal["twins", "family"]


class Founders(Section):
    """Which founders there are, how they split, and the trajectory that measures each."""

    names: tuple[Name, ...] | None
    own: tuple[PathText, ...]
    held_out: tuple[Name, ...]
    held_out_families: tuple[Name, ...]
    validation: tuple[Name, ...]
    reference_points: Count
    reference_periods: Count
    reference_transient: Fraction
    reference_rtol: Positive
    reference_atol: Positive
    period_rounds: Count
    period_windows: Count

    @model_validator(mode="after")
    def _splits_fit(self) -> Founders:
        both = sorted(set(self.held_out) & set(self.validation))
        if both:
            raise ValueError(f"held_out and validation share {both[0]!r}; a founder belongs to one split")
        known = {*founder_names(), *(file.name for file in self.own_files())}
        for name in (*(self.names or ()), *self.held_out, *self.validation):
            if name not in known:
                hint = did_you_mean(name, known)
                raise ValueError(f"no founder {name!r} among dysts' continuous systems{hint}")
        there = set(self.all_names)
        for family in self.held_out_families:
            if family not in families():
                raise ValueError(f"held_out_families: no family {family!r}{did_you_mean(family, families())}")
            if family not in self.families().values():
                raise ValueError(f"held_out_families: no founder of {family!r} is among `names`")
        asked = set(self.test_names) | set(self.validation)
        if len(asked) >= len(there):
            raise ValueError(
                f"{len(asked)} founders held out or for validation, but only {len(there)} founders; "
                "at least one must be left to train on"
            )
        if asked - there:
            raise ValueError(f"held-out or validation founder {min(asked - there)!r} is not among `names`")
        return self

    def own_files(self) -> tuple[OwnFile, ...]:
        """The user's own founders as their files stand now, in the order of `own`.

        Raises:
            ValueError: a file is missing, is not Python, lacks a definition, or its name is taken.
        """
        found: list[OwnFile] = []
        for path in self.own:
            taken = {*founder_names(), *(file.name for file in found)}
            found.append(read_own(path, taken=taken, families=families()))
        return tuple(found)

    @property
    def all_names(self) -> tuple[str, ...]:
        """The founders in use, sorted: those of dysts in `names`, and the user's own."""
        listed = founder_names() if self.names is None else self.names
        return tuple(sorted({*listed, *(file.name for file in self.own_files())}))

    @property
    def library_names(self) -> tuple[str, ...]:
        """The founders in use that are dysts', sorted."""
        return tuple(name for name in self.all_names if name in founder_names())

    def families(self) -> dict[str, str]:
        """The family of every founder in use; a founder without relatives is its own."""
        own = {file.name: file.family or file.name for file in self.own_files()}
        return {name: own.get(name) or family_of(name) for name in self.all_names}

    @property
    def test_names(self) -> tuple[str, ...]:
        """The founders unseen at training: those of `held_out`, and the held-out families, in that order."""
        if not self.held_out_families:
            return self.held_out
        of_families = [name for name, family in self.families().items() if family in self.held_out_families]
        return tuple(dict.fromkeys((*self.held_out, *of_families)))

    def split(self, *names: str) -> Literal["train", "validation", "test"]:
        """The split of a system made from founders `names`: test before validation before train."""
        if set(names) & set(self.test_names):
            return "test"
        return "validation" if set(names) & set(self.validation) else "train"

    def strict_names(self, relatives: Relatives) -> tuple[str, ...]:
        """The founders unseen at training that have no relative among those seen, at training or for validation."""
        unseen, of_family = set(self.test_names), self.families()
        seen = set(self.all_names) - unseen
        seen_families = {of_family[name] for name in seen}
        if relatives == "family":
            return tuple(name for name in self.test_names if of_family[name] not in seen_families)
        return tuple(name for name in self.test_names if not twins().get(name, frozenset()) & seen)

    def strict_test(self, relatives: Relatives) -> Callable[..., bool]:
        """Whether a system made from some founders is a strict test: every unseen one is of `strict_names`.

        The function takes the founders' names, and is False for what is in no test.
        """
        unseen, strict = set(self.test_names), set(self.strict_names(relatives))
        return lambda *names: bool(unseen & set(names)) and unseen & set(names) <= strict

    def reference_limits(self, limits: Limits) -> Limits:
        """The limits of a reference trajectory: those given, but for the tolerances."""
        return replace(limits, rtol=self.reference_rtol, atol=self.reference_atol)

    def resolved(self) -> dict[str, Any]:
        """What results depend on: own founders by content and not by path, held-out families by members."""
        values = self.model_dump(mode="json")
        values["names"] = list(self.all_names)  # what "all of dysts" means may change with dysts
        values["held_out_families"] = []
        values["held_out"] = list(self.test_names)
        values["own"] = {file.name: file.digest for file in self.own_files()}
        return values
