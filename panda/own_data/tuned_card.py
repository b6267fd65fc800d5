"""The card of a model that was fine-tuned on a user's series: what it was made from, and whether it helped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from panda import __version__
from panda.config.own_data import FineTune
from panda.own_data.held_out import Cut, HeldOut


def tuned_card(
    name: str,
    *,
    source: dict[str, str | None],
    files: Sequence[dict[str, Any]],
    cuts: Sequence[Cut],
    settings: FineTune,
    test: HeldOut,
) -> str:
    """The text of a README.md. `files` are `file` and `sha256` of each series; `source` is as in `load.Found`."""
    at = f" at revision {_cell(source['revision'])}" if source["revision"] else ""
    lines = [
        "---",
        "library_name: panda-pipeline",
        "pipeline_tag: time-series-forecasting",
        *([f"base_model: {source['model']}"] if at else []),
        "---",
        "",
        f"# {name}",
        "",
        f"`{_cell(source['model'])}`{at} (weights with the SHA-256 {source['sha256']}), fine-tuned on series of its "
        f"user by panda {__version__}: "
        f"{settings.n_steps} steps of {settings.batch_size} windows, "
        f"{settings.recipe.optimiser} with a learning rate of {settings.recipe.learning_rate:g}, seed {settings.seed}.",
        "",
        "```python",
        "import panda",
        "",
        f'forecast = panda.load("{name}").predict(series, horizon={test.horizon})',
        "```",
        "",
        "## What it learned from",
        "",
        "| file | points learned from | held out | channels | SHA-256 |",
        "|---|---|---|---|---|",
    ]
    for file, one in zip(files, cuts, strict=True):
        shape = f"{one.first} | {one.n_held_out} | {one.values.shape[1]}"
        lines.append(f"| {_cell(file['file'])} | {shape} | `{file['sha256']}` |")
    lines += [
        "",
        "## Did it help?",
        "",
        f"{test.n_windows} forecasts of {test.horizon} points of the held-out part (sMAPE from 0 to 200; MAE in standard "
        "deviations of the context):",
        "",
        "| | sMAPE | MAE |",
        "|---|---|---|",
    ]
    lines += [f"| {_cell(row.label)} | {row.smape:.2f} | {row.mae:.4f} |" for row in test.table.itertuples()]
    lines += [
        "",
        f"{test.verdict[:1].upper()}{test.verdict[1:]}.",
        "",
        "It has seen little beside these series: on others the model that it was made from may be better.",
        "",
    ]
    return "\n".join(lines)


def _cell(text: Any) -> str:
    """A text that stays within its cell of a table."""
    return str(text).replace("|", "\\|").replace("`", "'").replace("\n", " ")
