"""The report of a run as one HTML page that needs no network: styles, pictures and the script are in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2
import pandas as pd

from panda.core.labels import data_set_label, label
from panda.report.claims import claims_table
from panda.report.tables import (
    Table,
    comparison_table,
    forecast_tables,
    generic_table,
    number,
    verdict_counts,
)

PRESET_NOTES = {
    "smoke": "models are barely trained; figures are right in form, not in content",
    "laptop": "small models trained for under an hour; directions show, the paper's numbers need not",
    "paper": "the paper's own scale",
}
UNSEEN = "test"  # the data set of the unseen systems
# Tables shown below the forecasts: key of the result, heading, and what it is.
SECTIONS = (
    ("scaling/fit", "Scaling law", "E = c₀ + c₁ N^(−α) at each horizon, and whether α is known."),
    ("evaluate/completions", "Completions", "Errors on hidden points alone, median over systems."),
    (
        "discover/acceptance",
        "Discovery: what each filter lets pass",
        "Filters in the order in which they run.",
    ),
    (
        "discover/selections",
        "Discovery: what each selection accepts",
        "Systems count every perturbation, names each founder or ordered pair once. Reference: what the reference code "
        "ran. Chaotic, regular, undecided: by λ₁, followed until it is told from growth like t² or from zero, or the "
        "periods are spent; founders that enter whatever their verdict may be any of these. Not persistent: of the "
        "chaotic ones, who escaped, grew or were not surely chaotic to the last while they were followed on; followed "
        "are those that `persistent` is asked of. Not at a finer tolerance: persistent, but "
        "not once more at a finer tolerance, or with another λ₁ there. Not driven: driver or response makes hardly any "
        "of the response's velocity. Fast: a Lyapunov time holds too few stored points.",
    ),
    (
        "discover/duplicates",
        "Discovery: near-duplicates",
        "Same parameters, or features no farther apart than two trajectories of one system; see docs/discovery.md.",
    ),
    ("train/models", "Models", "Every model that was trained, with its recipe and cost."),
    ("costs", "Costs by rule", "Wall and CPU time summed over jobs; memory of the largest job."),
)


@dataclass(frozen=True)
class FigureEntry:
    """One figure of the report: `png` is embedded; `links` (name -> relative address) stand beside it."""

    id: str
    title: str
    number: str | None
    category: str
    caption: str
    png: bytes
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Where a table comes from: `links` (name -> relative address), and the part of the configuration that made it.

    `configuration` is YAML, `parts` names its sections; both are empty where the run does not say.
    """

    links: Mapping[str, str] = field(default_factory=dict)
    parts: str = ""
    configuration: str = ""


@dataclass(frozen=True)
class DataSet:
    """What is shown of a data set: errors by population, and, where there are tests, what they say of `reference`.

    `key` is where its tables stand, `fold` the line behind which they are folded away; empty: they are not.
    """

    key: str
    fold: str
    forecasts: tuple[Table, ...]
    comparisons: Table | None
    reference: str


def preset_note(preset: str) -> str:
    """What a preset means for the reader, in half a sentence."""
    return PRESET_NOTES.get(
        preset, "a preset of your own; judge the figures by its numbers of systems and steps"
    )


def build_report(
    *,
    preset: str,
    preset_note: str,
    figures: Sequence[FigureEntry],
    tables: Mapping[str, pd.DataFrame],
    provenance: Mapping[str, Any],
    sources: Mapping[str, Source] = MappingProxyType({}),
    lacking: Mapping[str, str] = MappingProxyType({}),
    absent: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The whole page as HTML.

    Args:
        preset: how much was run.
        preset_note: what that means; with the preset it is the first line of the page.
        figures: in the order of their categories' first appearance.
        tables: result tables by path below the run without suffix (`evaluate/test/summary`, `claims`, ...); one
            that is not there is shown as "not run in this preset". Of data sets (`evaluate/<data set>/summary`) only the
            unseen systems stand open.
        provenance: commit, config hash, versions, machine, seed and the like, nested as it comes.
        sources: where tables come from, by the keys of `tables`; what is not there is shown without links.
        lacking: forecasters that were asked for and could not be scored, each with what is missing.
        absent: data sets whose series are not on this machine, each with what is missing.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["sha256_of_script"] = _sha256_of_script
    claims = tables.get("claims")
    return environment.get_template("template.html").render(
        preset=preset,
        preset_note=preset_note,
        categories=_by_category(figures),
        data_sets=_data_sets(tables),
        lacking=[(label(name), missing) for name, missing in lacking.items()],
        missing_series=list(absent.items()),
        claims=None if claims is None else claims_table(claims),
        verdicts={} if claims is None else verdict_counts(claims),
        sections=[(key, title, note, _section(key, tables)) for key, title, note in SECTIONS],
        provenance=flatten(provenance),
        sources={key: _safe(source) for key, source in sources.items() if key in tables},
    )


def flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested plain data as (dotted key, text) pairs, in the order given."""
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{name}.")
        elif isinstance(value, list | tuple):
            pairs.append((name, ", ".join(str(item) for item in value)))
        else:
            pairs.append((name, "unknown" if value is None else str(value)))
    return pairs


def _data_sets(tables: Mapping[str, pd.DataFrame]) -> list[DataSet]:
    """The data sets that have a summary, the unseen systems first."""
    names = [match[1] for key in tables if (match := re.fullmatch(r"evaluate/(.+)/summary", key))]
    return [_data_set(name, tables) for name in sorted(names, key=lambda name: (name != UNSEEN, name))]


def _data_set(name: str, tables: Mapping[str, pd.DataFrame]) -> DataSet:
    key = f"evaluate/{name}"
    summary, tests = tables[f"{key}/summary"], tables.get(f"{key}/significance")
    tests = None if tests is None or tests.empty else tests
    n = summary["forecaster"].nunique()
    return DataSet(
        key=key,
        fold="" if name == UNSEEN else f"{data_set_label(name)}: {number(n)} forecasters",
        forecasts=tuple(forecast_tables(summary)),
        comparisons=None if tests is None else comparison_table(tests),
        reference="" if tests is None else label(tests["reference"].iloc[0]),
    )


def _section(key: str, tables: Mapping[str, pd.DataFrame]) -> Table | None:
    return generic_table(key, tables[key]) if key in tables else None


def _by_category(figures: Sequence[FigureEntry]) -> dict[str, list[dict[str, Any]]]:
    categories: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        source = "data:image/png;base64," + base64.b64encode(figure.png).decode("ascii")
        categories.setdefault(figure.category, []).append(
            {"figure": figure, "source": source, "links": _beside(figure.links)}
        )
    return categories


def _safe(source: Source) -> Source:
    return replace(source, links=_beside(source.links))


def _beside(links: Mapping[str, str]) -> dict[str, str]:
    """Links to files beside the report; anything with a scheme would reach out of the page."""
    return {name: url for name, url in links.items() if ":" not in url and not url.startswith("//")}


def _sha256_of_script(script: str) -> str:
    """The one script that the page's policy lets run, named by its digest."""
    return "sha256-" + base64.b64encode(hashlib.sha256(str(script).encode()).digest()).decode()
