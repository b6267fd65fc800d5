"""Sections of discovery and integration."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from panda.config.families import families, family_of
from panda.config.founder_names import founder_names
from panda.config.own_founders import OwnFile, read_own
from panda.config.types import Count, Fraction, Natural, NonNegative, Positive, Section


class Founders(Section):
    """Which founders there are, how they split, and the trajectory that measures each."""

    names: tuple[str, ...] | None
    own: tuple[str, ...]
    held_out: tuple[str, ...]
    held_out_families: tuple[str, ...]
    validation: tuple[str, ...]
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
                hint = _nearest(name, known)
                raise ValueError(f"no founder {name!r} among dysts' continuous systems{hint}")
        there = set(self.all_names)
        for family in self.held_out_families:
            if family not in families():
                raise ValueError(f"held_out_families: no family {family!r}{_nearest(family, families())}")
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

    def reference_limits(self, integration: Integration) -> dict[str, float]:
        """The limits of a reference trajectory: those of `integration` but for its tolerances."""
        return integration.limits | {"rtol": self.reference_rtol, "atol": self.reference_atol}

    def resolved(self) -> dict[str, Any]:
        """What results depend on: own founders by content and not by path, held-out families by members."""
        values = self.model_dump(mode="json")
        del values["held_out_families"]
        values["held_out"] = list(self.test_names)
        values["own"] = {file.name: file.digest for file in self.own_files()}
        return values


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


class Mutation(Section):
    """The parameter sampler."""

    scale: NonNegative
    variance_floor: NonNegative
    sign_match_probability: Fraction
    ignore_probability: Fraction


class Integration(Section):
    """One trajectory of a candidate."""

    n_points: Count
    n_periods: Count
    transient_points: Natural
    rtol: Positive
    atol: Positive
    max_steps: Count
    max_abs: Positive
    min_step: Positive

    @model_validator(mode="after")
    def _transient_fits(self) -> Integration:
        if self.transient_points >= self.n_points:
            raise ValueError(
                f"transient_points {self.transient_points} leaves nothing of {self.n_points} points"
            )
        return self

    @property
    def kept_points(self) -> int:
        """Points left after the transient."""
        return self.n_points - self.transient_points

    @property
    def limits(self) -> dict[str, float]:
        """What an integration must respect, by the names that `panda.dynamics` has for it."""
        names = ("rtol", "atol", "max_steps", "max_abs", "min_step")
        return {name: getattr(self, name) for name in names}


class ZeroOne(Section):
    """Settings of the 0-1 test for chaos."""

    n_frequencies: Count
    frequency_range: tuple[Fraction, Fraction]
    k_threshold: float
    n_delays: Count
    n_bins: Annotated[int, Field(ge=2)]
    n_smoothing: Count
    shift_share: Fraction


class SignatureShape(Section):
    """Which features of a trajectory are kept, to compare it with others."""

    n_bins: Count
    max_size: Positive
    n_bands: Count
    band_range: tuple[Positive, Positive]
    n_axes: Count


class Statistics(Section):
    """Settings of the statistics that the search stores."""

    transient_fraction: Fraction
    std_floor: Positive
    tail_share: Fraction
    zero_one: ZeroOne
    recurrence_tolerance: Positive
    min_recurrence_time: Count
    spectrum_height: Positive
    spectrum_prominence: Positive
    signature: SignatureShape
    stationarity_p: Fraction


class Exponent(Section):
    """The largest Lyapunov exponent by tangent flow."""

    n_periods: Count
    transient_periods: Count
    n_blocks: Annotated[int, Field(ge=2)]
    early_blocks: Annotated[int, Field(ge=2)]
    early_power: NonNegative
    early_sigmas: NonNegative
    rtol: Positive
    atol: Positive
    max_steps: Count

    @property
    def early_rate(self) -> float:
        """What growth like t^early_power shows as an exponent, per period: below, a candidate is given up."""
        return self.early_power * math.log1p(self.n_periods / self.transient_periods) / self.n_periods


class Search(Section):
    """The candidates."""

    n_pairs: Natural
    n_perturbations: Count
    n_founder_perturbations: Natural
    generations: Count
    n_shards: Count
    stiffness: Positive
    mutation: Mutation
    integration: Integration
    statistics: Statistics
    exponent: Exponent

    @model_validator(mode="after")
    def _generations_have_pairs(self) -> Search:
        if self.generations > max(1, self.n_pairs):
            raise ValueError(
                f"generations {self.generations} share n_pairs {self.n_pairs}: less than one each"
            )
        return self

    @property
    def first_pairs(self) -> int:
        """Founder pairs of the first generation."""
        return self.n_pairs - (self.generations - 1) * (self.n_pairs // self.generations)

    @property
    def n_bred(self) -> int:
        """Candidates of each later generation."""
        return self.n_pairs // self.generations * self.n_perturbations


FilterName = Literal[
    "integrated",
    "bounded",
    "not_linear",
    "not_fixed_point",
    "zero_one",
    "not_limit_cycle",
    "power_spectrum",
    "stationary",
    "positive_exponent",
]


class Selection(Section):
    """Filters in order, and whether unperturbed founders enter whatever these say."""

    filters: tuple[FilterName, ...]
    founders_enter: bool


class Select(Section):
    """Which selections there are, which of them decides, and the filters' thresholds."""

    selection: str
    selections: dict[str, Selection]
    max_abs: Positive
    max_zscore: Positive
    max_linear_share: Fraction
    fixed_point_step: NonNegative
    zero_one_min_score: Fraction
    recurrence_min_share: NonNegative
    recurrence_min_counts: Natural
    recurrence_min_block: Count
    min_spectral_peaks: Natural
    stationarity_p: Fraction
    exponent_min_sigmas: NonNegative
    exponent_min_power: NonNegative

    @model_validator(mode="after")
    def _selection_is_there(self) -> Select:
        if self.selection not in self.selections:
            raise ValueError(
                f"selection {self.selection!r} is none of selections ({', '.join(self.selections)})"
            )
        return self

    @property
    def chosen(self) -> Selection:
        """The selection that decides."""
        return self.selections[self.selection]


class Spectrum(Section):
    """The whole Lyapunov spectrum of accepted systems."""

    max_systems: Count | None
    n_shards: Count
    n_periods: Count
    transient_periods: Count
    n_segments: Count
    n_blocks: Annotated[int, Field(ge=2)]
    points_per_segment: Count
    rtol: Positive
    atol: Positive
    max_steps: Count
    min_sigmas: NonNegative
    min_power: NonNegative

    @property
    def segment_periods(self) -> float:
        """How long each segment is measured."""
        return self.n_periods / self.n_segments

    @model_validator(mode="after")
    def _segments_fit(self) -> Spectrum:
        if self.n_blocks % self.n_segments:
            raise ValueError(
                f"n_blocks {self.n_blocks} is no multiple of n_segments {self.n_segments}, "
                "each of which has the same number"
            )
        return self


class Comparison(Section):
    """Searches of one generation and of several, for a comparison at equal CPU time."""

    seeds: Annotated[tuple[Natural, ...], Field(min_length=1)]
    generations: Annotated[int, Field(ge=2)]
    n_perturbations: Count
    n_pairs: Count
    n_pairs_evolved: Count
    n_draws: Count
    n_curve_points: Count
    kernel_width: Positive


class Evolve(Section):
    """How candidates are bred from accepted systems."""

    litter_size: Count
    founder_share: Fraction
    recombined_share: Fraction
    mutation_scale: NonNegative
    tournament_size: Count
    n_neighbours: Count
    min_samples: NonNegative
    n_calibration: Annotated[int, Field(ge=2)]


class Gallery(Section):
    """Trajectories kept for figures 9 and 10."""

    n_systems: Count
    n_founders: Count
    n_perturbations: Count


class Duplicates(Section):
    """How near-duplicates are told."""

    enabled: bool
    n_calibration: Annotated[int, Field(ge=2)]
    coverage: Fraction
    parameter_tolerance: NonNegative


class Discover(Section):
    """Discovery of chaotic systems."""

    founders: Founders
    search: Search
    select: Select
    spectrum: Spectrum
    evolve: Evolve
    comparison: Comparison
    gallery: Gallery
    duplicates: Duplicates

    @model_validator(mode="after")
    def _same_decision(self) -> Discover:
        if self.select.stationarity_p > self.search.statistics.stationarity_p:
            raise ValueError(
                "select.stationarity_p is above search.statistics.stationarity_p, below which ADF is run"
            )
        if self.select.exponent_min_power < self.search.exponent.early_power:
            raise ValueError(
                "select.exponent_min_power is below search.exponent.early_power: candidates were given up "
                "that it might accept"
            )
        return self


class Long(Section):
    """Test systems integrated at length, at the time step of their test trajectory."""

    n_systems: Natural
    n_points: Count


class Trust(Section):
    """How long a stored trajectory is the solution through its first point: tolerances of the check."""

    rtol: Positive
    atol: Positive
    max_steps: Count
    agreement: Positive


class Integrate(Section):
    """The trajectories to train and test on."""

    n_shards: Count
    n_initial_conditions: Count
    n_periods: tuple[Count, Count] | None
    import_from: str | None
    long: Long
    trust: Trust

    @model_validator(mode="after")
    def _range_fits(self) -> Integrate:
        if self.n_periods is not None and self.n_periods[0] > self.n_periods[1]:
            raise ValueError(f"n_periods: [low, high] expected, low first; got {list(self.n_periods)}")
        return self
