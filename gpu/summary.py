"""What a call has reached: speed, losses and scores, as JSON and as a page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from gpu.stages import Study
from panda.core.files import read_table, write_json, write_text
from panda.core.provenance import git_state, processor, versions
from panda.evaluation.learning import ERRORS, mean_over_names
from panda.model.panda import count_parameters
from panda.model.weights import load_model


def summarise(
    study: Study, weights: dict[str, Path], scores: list[Path], minutes: dict[str, float]
) -> dict[str, Any]:
    """All numbers of a call, as plain data; `weights` are those that were scored, by model."""
    return {
        "run": study.config.run_name,
        "machine": {"device": _device(), "processor": processor(), "cores": study.cores},
        "versions": versions(),
        "git": git_state(),
        "minutes": {name: round(value, 2) for name, value in minutes.items()},
        "models": [_model(study, name, weights.get(name)) for name in study.config.train.models],
        "dataset": study.dataset,
        "scores": _scores(scores),
    }


def write(found: dict[str, Any], folder: Path) -> None:
    """Write `summary.json` and `summary.md`."""
    write_json(folder / "summary.json", found)
    write_text(folder / "summary.md", page(found))


def page(found: dict[str, Any]) -> str:
    """The numbers as Markdown."""
    machine, minutes = found["machine"], found["minutes"]
    spent = ", ".join(f"{name} {value:.1f}" for name, value in minutes.items())
    lines = [
        f"# {found['run']} on {machine['device']}",
        "",
        f"{machine['cores']} cores. Minutes: {spent}.",
        "",
    ]
    head = ("model", "parameters", "steps", "windows", "windows/s", "TFLOP/s", "MFU", "loss", "minutes left")
    lines += _table(head, [_model_row(model) for model in found["models"]])
    lines += ["", f"Means over the systems of `{found['dataset']}` that no model was trained on:", ""]
    rows = [
        (row["forecaster"], row["population"], row["horizon"], *(_short(row[name]) for name in ERRORS))
        for row in found["scores"]
    ]
    return "\n".join([*lines, *_table(("forecaster", "population", "horizon", *ERRORS), rows), ""])


def _model(study: Study, name: str, weights: Path | None) -> dict[str, Any]:
    config, done = study.config, study.steps_done(name)
    batch, n_steps = config.train.batch_size, study.n_steps(name)
    found: dict[str, Any] = {
        "model": name,
        "steps": done,
        "n_steps": n_steps,
        "finished": study.is_finished(name),
        "windows": done * batch,
    }
    if weights is None or not (weights.parent / "log.parquet").is_file():
        return found
    log = read_table(weights.parent / "log.parquet")
    # The first row of a call has the loaders' and the device's start in it; a median passes over it.
    speed = log[["samples_per_s", "tflops_per_s", "mfu"]].median()
    rate = float(speed["samples_per_s"])
    return found | {
        "n_parameters": count_parameters(load_model(weights.parent)).total,
        "loss": float(log["loss"].iloc[-1]) if len(log) else None,
        "minutes_left": _number((n_steps - done) * batch / rate / 60) if rate > 0 else None,
        **{key: _number(float(value)) for key, value in speed.items()},
    }


def _scores(paths: list[Path]) -> list[dict[str, Any]]:
    rows = []
    for path in paths:
        table = read_table(path)
        means = mean_over_names(table)
        means.insert(0, "forecaster", table["forecaster"].iloc[0])
        rows.append(means)
    if not rows:
        return []
    records = pd.concat(rows, ignore_index=True).to_dict("records")
    return [{key: _number(value) for key, value in record.items()} for record in records]


def _number(value: Any) -> Any:
    """A number for JSON, which knows no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _model_row(model: dict[str, Any]) -> tuple[str, ...]:
    return (
        model["model"],
        f"{model['n_parameters']:,}" if "n_parameters" in model else "",
        f"{model['steps']:,} of {model['n_steps']:,}",
        f"{model['windows']:,}",
        *(_short(model.get(key)) for key in ("samples_per_s", "tflops_per_s", "mfu", "loss", "minutes_left")),
    )


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def _short(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "a CPU"
