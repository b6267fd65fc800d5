"""The dataset card of a run's trajectories: what they are, how they were made, how to open them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from panda.config import Integrate, Integration
from panda.core.names import LONG, SPLITS
from panda.data.store import SCHEMA, TrajectoryStore

# The Hub's classes of size, by number of rows.
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_COLUMNS = {
    "system": "full name: `Driver_Response-pp3`, or `Driver-pp3` for a founder alone; `pp0` has default parameters",
    "name": "the same without the number of its parameters",
    "driver": "founder that drives",
    "response": "founder that responds, whose coordinates are stored; empty for a founder alone",
    "population": "`founder` or `skew`",
    "strict": "of a test system: no unseen founder of it has a relative among those of training and validation",
    "perturbation": "number of the parameters, 0 for the default ones",
    "initial_condition": "number of the initial condition, 0 for the searched one",
    "period": "dominant period, in the system's time units",
    "dt": "time between two points, in the system's time units",
    "largest_exponent": "largest Lyapunov exponent, per time unit; NaN: not known",
    "target": "the numbers, a list a coordinate, float32",
    "crc32": "CRC-32 of the numbers (little-endian float32)",
    "description_crc32": "CRC-32 of the other columns and the shape",
}


def dataset_card(
    stores: Mapping[str, TrajectoryStore],
    files: Mapping[str, list[str]],
    *,
    catalogue: pd.DataFrame,
    integration: Integration,
    integrate: Integrate,
    trust: str,
    seed: int,
    git: Mapping[str, Any],
    versions: Mapping[str, str],
) -> str:
    """A README.md in the Hub's dataset-card format: YAML front matter, then what a reader wants to know.

    Args:
        stores: the trajectories of `train`, `validation`, `test` and `long`, as far as there are any.
        files: their files, relative to the card; a file without trajectories should not be among them.
        catalogue: of all candidates searched.
        trust: the trust horizons in one line.
        git: commit and whether the tree was dirty.
    """
    n_rows = sum(len(store) for store in stores.values())
    sections = [
        "# Chaotic systems: trajectories of discovered skew products and their founders",
        _what(catalogue),
        "## Splits\n\n" + _split_table(stores),
        "## Columns\n\n" + "\n".join(f"- `{name}`: {_COLUMNS[name]}" for name in SCHEMA.names),
        "## How they were made\n\n" + _making(integration, integrate, trust),
        "## How to open them\n\n" + _opening(stores),
        "## Provenance and licence\n\n" + _provenance(seed, git, versions),
    ]
    return f"---\n{_front_matter(files, n_rows)}---\n\n" + "\n\n".join(sections) + "\n"


def _front_matter(files: Mapping[str, list[str]], n_rows: int) -> str:
    """What the Hub and `datasets` read: licence, size, and the files of each configuration and split."""
    splits = [{"split": split, "path": files[split]} for split in SPLITS if files.get(split)]
    configs: list[dict[str, Any]] = [{"config_name": "default", "default": True, "data_files": splits}]
    if files.get(LONG):
        configs.append({"config_name": LONG, "data_files": [{"split": "test", "path": files[LONG]}]})
    matter = {
        "license": "mit",
        "pretty_name": "Chaotic systems of panda-pipeline",
        "task_categories": ["time-series-forecasting"],
        "tags": ["chaos", "dynamical-systems", "ordinary-differential-equations", "synthetic"],
        "size_categories": [next((name for limit, name in _SIZES if n_rows < limit), "n>1M")],
        "configs": configs,
    }
    return yaml.safe_dump(matter, sort_keys=False)


def _what(catalogue: pd.DataFrame) -> str:
    accepted = catalogue[catalogue["accepted"]]
    n_certified = int(accepted["certified"].sum())
    return (
        f"Of {len(catalogue):,} candidates, founders from `dysts` with perturbed parameters and skew products of "
        f"ordered founder pairs, {len(accepted):,} systems were accepted, {n_certified:,} of them by every filter "
        "(founders themselves enter whatever their certificate). A row is one trajectory; of a skew product only "
        "the response's coordinates are stored."
    )


def _split_table(stores: Mapping[str, TrajectoryStore]) -> str:
    head = "| split | trajectories | systems | names | dimensions | points a trajectory | points in all |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for split, store in stores.items():
        table = store.table
        lines.append(
            f"| `{split}` | {len(table):,} | {table['system'].nunique():,} | {table['name'].nunique():,} | "
            f"{_range(table['dimension'])} | {_range(table['n_points'])} | {int(table['n_points'].sum()):,} |"
        )
    lines.append(
        "\nSystems are split by founder: one with a held-out founder, as driver or response, is in `test`, else one "
        "with a validation founder in `validation`. Perturbations of one name are not independent samples. `long` "
        "holds longer trajectories of some test systems, for long rollouts."
    )
    return "\n".join(lines)


def _range(values: pd.Series) -> str:
    if values.empty:
        return "-"
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _making(integration: Integration, integrate: Integrate, trust: str) -> str:
    low, high = integrate.n_periods or (integration.n_periods,) * 2
    periods = f"{low}" if low == high else f"{low} to {high} (drawn)"
    return (
        f"- Sampling: {integration.n_points:,} equally spaced points over {periods} dominant periods, the first "
        f"{integration.transient_points:,} dropped; `long` has the same time step.\n"
        f"- Integration: DOP853 with dense output, rtol {integration.rtol:g}, atol {integration.atol:g}, in float64; "
        "stored as float32.\n"
        f"- Initial conditions: up to {integrate.n_initial_conditions} a system, the first stored in the catalogue, "
        "the others states of its trajectory.\n"
        f"- {trust[0].upper()}{trust[1:]}. Up to its horizon a test trajectory and one integrated with rtol "
        f"{integrate.trust.rtol:g} from its first point differ by at most {integrate.trust.agreement:g} standard "
        "deviations; `trust.parquet` has all of them."
    )


def _opening(stores: Mapping[str, TrajectoryStore]) -> str:
    split = next((name for name in ("test", "train", "validation") if len(stores.get(name, ()))), "test")
    return (
        "```python\n"
        "import numpy as np\n"
        "from datasets import load_dataset\n\n"
        f'systems = load_dataset("path/to/this/folder", split="{split}")\n'
        'x = np.asarray(systems[0]["target"], dtype=np.float32)  # (dimension, time)\n'
        "```\n\n"
        'The longer ones: `load_dataset("path/to/this/folder", "long", split="test")`. The files are Arrow IPC '
        "streams; `panda.data.store.TrajectoryStore` maps them into memory and checks the checksums."
    )


def _provenance(seed: int, git: Mapping[str, Any], versions: Mapping[str, str]) -> str:
    commit = git.get("commit") or "unknown"
    dirty = ", with uncommitted changes" if git.get("dirty") else ""
    with_versions = ", ".join(f"{name} {number}" for name, number in versions.items())
    return (
        f"Made by panda-pipeline, commit `{commit}`{dirty}, seed {seed}, with {with_versions}. Each file has a record "
        "of its making beside it or beside the first file of its job (`*.provenance.json`).\n\n"
        "The trajectories are made by this software alone and come under its licence (MIT). The founders' equations "
        "and default parameters are those of the Python package `dysts` (Gilpin 2021, arXiv:2110.05266); the method "
        "is that of the Panda paper (Lai, Bao, Gilpin 2025, arXiv:2505.13755). Data that others published are "
        "not among them."
    )
